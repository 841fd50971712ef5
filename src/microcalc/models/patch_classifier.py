"""Model packages of the kind ``patch-classifier``: patches in, probabilities of classes and a calibrated score out."""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike

import numpy as np
from numpy.typing import NDArray

from microcalc.evaluation.calibration import Isotonic, Platt
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
        """Probabilities (n, classes), uncalibrated, of patches (n, size_px, size_px) 0..1 as read.

        Raises:
            UsageError: another shape, or values outside 0..1.
        """
        size = max(1, _BATCH_PX // self.input.network_px**2)
        starts = range(0, max(1, len(patches)), size)
        blocks = (prepare(patches[start : start + size], self.input, self.channels) for start in starts)
        found = [class_probabilities(self.runtime(block)[0]) for block in blocks if len(block)]
        return np.concatenate([np.empty((0, len(self.classes))), *found])

    def scores(self, patches: NDArray[np.float32]) -> NDArray[np.float64]:
        """Scores (n,) in 0..1 of the first target, calibrated where there is a calibration.

        Takes and raises what :meth:`probabilities` does.
        """
        scores = target_scores(self.probabilities(patches), self.classes, self.targets[0])
        return scores if self.calibration is None else self.calibration(scores)


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
