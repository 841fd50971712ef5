"""Detectors out of model packages whose network maps whole mammograms: maps, then single calcifications, outlined."""

from __future__ import annotations

import dataclasses
import functools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from microcalc.candidates import Candidates
from microcalc.detectors.company import in_company
from microcalc.detectors.detector import Detector
from microcalc.detectors.of_package import detector_of
from microcalc.detectors.specks import specks
from microcalc.evaluation.calibration import Isotonic, Platt
from microcalc.models.package import Package
from microcalc.models.runtime import Computation
from microcalc.models.segmenter import Segmentation, Segmenter, load_segmenter
from microcalc.recipe import SegmenterRecipe
from microcalc.recipe.segmenter import Company

#: Maps from which malignancy is judged; classes of the same names as well.
JUDGED = ("benign", "malignant")
#: Least value of a map that a score floor is looked for at; and how finely, on a scale of logarithms.
_LEAST, _STEPS = 1e-5, 2000


def segmenter_detector(package: Package, computation: Computation) -> Detector:
    """The detector of a package.

    Raises:
        UsageError: its network draws no maps, or a runtime, precision or device that is not there.
        ReadError: a file of the package is damaged, or its card does not say what its network is fed.
    """
    card = package.card
    segmenter = load_segmenter(package, computation)
    recipe = card.load_recipe()
    reading = Reading(
        calibration=None if card.calibration is None else card.calibration.parameters,
        company=recipe.company if isinstance(recipe, SegmenterRecipe) else None,
        score_floor=card.score_floor,
        judging=card.malignancy is not None,
    )
    return detector_of(package, functools.partial(propose, segmenter, reading), segmenter.runtime)


@dataclass(frozen=True)
class Reading:
    """How maps are read."""

    #: From a mark's value to its score; None: they are the same.
    calibration: Isotonic | Platt | None
    #: How a mark's value is raised by its neighbours'; None: it is the maximum of the map.
    company: Company | None
    #: Marks below it are not asked for.
    score_floor: float
    #: Say how likely each is malignant rather than benign, if the segmenter tells the two apart: the mean of what its
    #: maps say of the calcification's pixels, and its classes of the tile that it lies in.
    judging: bool

    @property
    def floor(self) -> float:
        """The maxima of the map that have to be looked at."""
        if self.company is not None:
            return self.company.above
        if self.calibration is None:
            return max(self.score_floor, _LEAST)
        values = np.geomspace(_LEAST, 1.0, _STEPS)
        first = int(np.searchsorted(self.calibration(values), self.score_floor))
        return float(values[max(first - 1, 0)])

    def scores(self, found: Candidates, spacing_mm: float) -> NDArray[np.float64]:
        """(N,) of the candidates."""
        values = found.scores
        if self.company is not None:
            values = in_company(found.centres, values, spacing_mm, self.company)
        return values if self.calibration is None else self.calibration(values)


def propose(
    segmenter: Segmenter,
    reading: Reading,
    image: NDArray[np.float32],
    breast: NDArray[np.bool_],
    spacing_mm: float,
) -> Candidates:
    """Calcifications on an image, best first.

    Args:
        segmenter: that maps it; of several maps the highest counts at each pixel.
        reading: of the maps.
        image: (rows, columns) float32 in 0..1, bright = radio-opaque.
        breast: (rows, columns), where the breast is.
        spacing_mm: of the (square) pixels.
    """
    segmentation = segmenter(image, breast, spacing_mm)
    maps = segmentation.maps
    judged = reading.judging and segmenter.maps == JUDGED and set(JUDGED) <= set(segmenter.classes)
    share = maps[1] / np.maximum(maps.sum(axis=0), np.finfo(np.float32).tiny) if judged else None
    found = specks(maps.max(axis=0), spacing_mm, reading.floor, share)
    if found.malignancy is not None:
        malignancy = (found.malignancy + _of_tiles(segmenter, segmentation, found)) / 2
        found = dataclasses.replace(found, malignancy=malignancy)
    found = dataclasses.replace(found, scores=reading.scores(found, spacing_mm))
    return found[np.argsort(-found.scores, kind="stable")]


def _of_tiles(segmenter: Segmenter, segmentation: Segmentation, found: Candidates) -> NDArray[np.float64]:
    """(N,) how likely the tile in whose core each candidate lies, or nearest to it, is malignant rather than benign.

    The centre of a bent one may lie off the breast, and so in no core.
    """
    if not len(found.scores):
        return np.empty(0)
    benign, malignant = (segmentation.classes[:, segmenter.classes.index(name)] for name in JUDGED)
    shares = malignant / np.maximum(benign + malignant, np.finfo(np.float64).tiny)
    cores = np.array([[(span.start, span.stop - 1) for span in tile.core] for tile in segmentation.tiles])
    at = np.rint(found.centres)[:, np.newaxis, ::-1]
    away = np.maximum(np.maximum(cores[..., 0] - at, at - cores[..., 1]), 0).max(axis=2)
    of_tiles: NDArray[np.float64] = shares[away.argmin(axis=1)]
    return of_tiles
