"""Detectors out of packages whose Faster R-CNN boxes calcifications: the middle of each box is a mark.

Cortina Uribe et al., section 2.3.2. All boxes are taught to be 14 px wide: a mark has no size of its own.
"""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

from microcalc.candidates import Candidates
from microcalc.detectors.detector import Detector
from microcalc.detectors.of_package import detector_of
from microcalc.evaluation.calibration import Isotonic, Platt
from microcalc.models.package import Package
from microcalc.models.region_boxes import RegionBoxes, load_region_boxes
from microcalc.models.runtime import Computation


def faster_rcnn_detector(package: Package, computation: Computation) -> Detector:
    """The detector of a package.

    Raises:
        UsageError: a package of another kind, or a runtime, precision or device that is not there.
        ReadError: a file of the package is damaged, or its card and its recipe disagree.
    """
    boxes, calibration = load_region_boxes(package, computation), package.card.calibration
    parameters = None if calibration is None else calibration.parameters
    return detector_of(package, functools.partial(propose, boxes, parameters), boxes.runtime)


def propose(
    boxes: RegionBoxes,
    calibration: Isotonic | Platt | None,
    image: NDArray[np.float32],
    breast: NDArray[np.bool_],
    spacing_mm: float,
) -> Candidates:
    """Marks on an image, best first.

    Args:
        boxes: that finds them.
        calibration: from a box's score to a mark's; None: they are the same.
        image: (rows, columns) float32 in 0..1, bright = radio-opaque.
        breast: (rows, columns), where the breast is.
        spacing_mm: of the (square) pixels; boxes are counted in pixels, whatever their pitch.
    """
    edges, scores = boxes(image, breast)
    scores = scores if calibration is None else calibration(scores)
    return Candidates((edges[:, :2] + edges[:, 2:]) / 2, np.full(len(scores), np.nan), scores)
