"""Model packages that map whole mammograms: image in, probabilities of every pixel out, tile by tile."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from microcalc.errors import UsageError
from microcalc.models.local_contrast import local_contrast
from microcalc.models.network_package import segmenter_card
from microcalc.models.package import Package
from microcalc.models.probabilities import class_probabilities
from microcalc.models.runtime import Computation, Runtime, open_runtime
from microcalc.recipe import SegmentationInput
from microcalc.tiling import Aggregator, Tile, TileSampler


@dataclass(frozen=True, eq=False)
class Segmentation:
    """What a network says of an image, in probabilities."""

    #: (maps, rows, columns) float32 in 0..1; 0 off the breast.
    maps: NDArray[np.float32]
    tiles: tuple[Tile, ...]
    #: (tiles, classes), which add up to 1; of a network that tells no classes apart (0, 0).
    classes: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Segmenter:
    """A network with what stands before and behind it."""

    input: SegmentationInput
    #: What each map is of.
    maps: tuple[str, ...]
    #: Of a tile, in the order of the outputs.
    classes: tuple[str, ...]
    runtime: Runtime

    def __call__(self, image: NDArray[np.float32], breast: NDArray[np.bool_], spacing_mm: float) -> Segmentation:
        """Map an image.

        Beside what the network needs for one tile, this takes 4 bytes a pixel for each map, 4 where tiles are blended,
        and while the image is normalised 24.

        Args:
            image: (rows, columns) float32 in 0..1, bright = radio-opaque.
            breast: (rows, columns), where the breast is.
            spacing_mm: of the (square) pixels.
        """
        image = prepared(image, breast, spacing_mm, self.input)
        sampler = TileSampler(breast, self.input.tile_px, self.input.halo_px, self.input.multiple)
        joined = Aggregator(image.shape, len(self.maps), blend=self.input.blend)
        logits = []
        for tile in sampler:
            window = sampler.read(image, tile)
            maps, *classes = self.runtime(np.repeat(window[np.newaxis, np.newaxis], self.input.channels, axis=1))
            joined.add(tile, expit(maps[0]))
            logits += classes
        found = joined.maps
        found *= breast
        return Segmentation(found, sampler.tiles, _probabilities(logits, len(self.classes)))


def _probabilities(logits: Sequence[NDArray[np.float32]], classes: int) -> NDArray[np.float64]:
    """(tiles, classes) of logits (1, classes) of each tile."""
    if not logits:
        return np.empty((0, classes))
    return class_probabilities(np.concatenate(logits))


def prepared(
    image: NDArray[np.float32], breast: NDArray[np.bool_], spacing_mm: float, spec: SegmentationInput
) -> NDArray[np.float32]:
    """(rows, columns) what the network sees of an image; the arguments are those of a :class:`Segmenter`."""
    return local_contrast(image, breast, spacing_mm) if spec.normalisation == "local" else image


def load_segmenter(package: Package, computation: Computation | None = None) -> Segmenter:
    """The segmenter of a package.

    Raises:
        UsageError: a package of another kind, or whose network draws no maps; a runtime or device that is not there.
        ReadError: something about the package is not as it should be.
    """
    described = segmenter_card(package)
    if not described.recipe.maps:
        raise UsageError(
            expected="a package whose network maps calcifications",
            found=f"{package.card.name}, which only tells patches apart",
            do="name another one",
            where=package.path,
        )
    return Segmenter(
        input=described.input,
        maps=described.recipe.maps,
        classes=described.recipe.classes,
        runtime=open_runtime(package, **asdict(computation or Computation())),
    )
