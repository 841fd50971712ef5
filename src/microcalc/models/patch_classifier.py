"""Model packages of the kind ``patch-classifier``: patches in, probabilities of classes and a calibrated score out."""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike

import numpy as np
from numpy.typing import NDArray

from microcalc.errors import UsageError
from microcalc.evaluation.calibration import Isotonic, Platt
from microcalc.models.dense_windows import map_windows, wanted_windows
from microcalc.models.network_package import network_card
from microcalc.models.normalise import prepare
from microcalc.models.package import Package, load_package
from microcalc.models.probabilities import class_probabilities, target_scores
from microcalc.models.runtime import Precision, Runtime, RuntimeName, open_runtime
from microcalc.recipe import PatchInput
from microcalc.recipe.patch_classifier import PatchClass, Target

#: Pixels that the network sees at a time: its feature maps, some hundred times as much, then fit in memory.
_BATCH_PX = 2**19


@dataclass(frozen=True, eq=False)
class PatchClassifier:
    """A network with what stands before and behind it."""

    input: PatchInput
    #: Of the network's input.
    channels: int
    #: In the order of the outputs, negative first.
    classes: tuple[PatchClass, ...]
    #: The first is the score.
    targets: tuple[Target, ...]
    #: None: scores are not calibrated.
    calibration: Isotonic | Platt | None
    runtime: Runtime

    def probabilities(self, patches: NDArray[np.float32]) -> NDArray[np.float64]:
        """Probabilities (n, classes), uncalibrated, of patches (n, cut_px, cut_px) 0..1 as read.

        Raises:
            UsageError: another shape, or values outside 0..1.
        """
        size = max(1, _BATCH_PX // self.input.network_px**2)
        starts = range(0, max(1, len(patches)), size)
        blocks = (prepare(patches[start : start + size], self.input, self.channels) for start in starts)
        found = [class_probabilities(self.runtime(block)[0].reshape(len(block), -1)) for block in blocks if len(block)]
        return np.concatenate([np.empty((0, len(self.classes))), *found])

    def scores(self, patches: NDArray[np.float32]) -> NDArray[np.float64]:
        """Scores (n,) in 0..1 of the first target, calibrated where there is a calibration.

        Takes and raises what :meth:`probabilities` does.
        """
        scores = target_scores(self.probabilities(patches), self.classes, self.targets[0])
        return scores if self.calibration is None else self.calibration(scores)

    def dense_probabilities(
        self, image: NDArray[np.float32], mask: NDArray[np.bool_], stride_px: int
    ) -> NDArray[np.float32]:
        """Probabilities, uncalibrated, of the first target for all windows of an image that hold any of a mask.

        Each is what :meth:`probabilities` says of the patch of ``cut_px`` around the window, where the image goes on as
        its reflection beyond the edges.

        Args:
            image: (rows, columns) 0..1, at the pixel pitch that patches are cut at.
            mask: (rows, columns), such as the breast's.
            stride_px: between windows; a multiple of the network's own.

        Returns:
            (window rows, window columns) float32 0..1, of the windows of ``size_px`` whose first pixels lie at (0, 0)
            and at multiples of ``stride_px`` from there; as many as it takes to cover the image, so that the last ones
            may reach beyond it. 0 where a window holds nothing of the mask.

        Raises:
            UsageError: a network that is fed patch by patch, or another stride.
        """
        context = self.input.context
        if context is None or stride_px % context.stride_px:
            raise UsageError(
                expected="a network whose recipe has an input.context, and a multiple of its stride",
                found="one that is fed patch by patch"
                if context is None
                else f"{stride_px} px, no multiple of {context.stride_px}",
                do="use batches of windows" if context is None else "choose another stride",
            )
        wanted = wanted_windows(mask, self.input.size_px, stride_px)
        return map_windows(image, wanted, stride_px, self.input, self.runtime, self._score, self.channels)

    def _score(self, logits: NDArray[np.float32]) -> NDArray[np.float64]:
        """(n,) probability of the first target, uncalibrated, by (n, outputs) logits."""
        return target_scores(class_probabilities(logits), self.classes, self.targets[0])


def load_patch_classifier(
    package: Package | str | PathLike[str],
    *,
    runtime: RuntimeName = "auto",
    precision: Precision = "f32",
    device: str = "auto",
    threads: int | None = None,
) -> PatchClassifier:
    """The classifier of a package, given by itself or as :func:`~microcalc.models.package.load_package` takes it.

    The other arguments are those of :func:`~microcalc.models.runtime.open_runtime`.

    Raises:
        UsageError: no such package, one of another kind, or a runtime or device that is not there.
        ReadError: something about the package is not as it should be.
    """
    package = package if isinstance(package, Package) else load_package(package)
    described, calibration = network_card(package), package.card.calibration
    return PatchClassifier(
        input=described.patch,
        channels=described.network.channels,
        classes=described.recipe.patches.classes,
        targets=described.recipe.patches.targets,
        calibration=None if calibration is None else calibration.parameters,
        runtime=open_runtime(package, runtime=runtime, precision=precision, device=device, threads=threads),
    )
