"""Detectors out of classifiers of patches: a map of how likely each pixel lies in a patch with calcium, and its maxima.

Cortina Uribe et al., section 2.3.1. A mark has no size: the box of 14 px that the report draws is the same around all.
"""

from __future__ import annotations

import dataclasses
import functools
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from microcalc.candidates import Candidates
from microcalc.candidates.geometry import boxes_apart
from microcalc.detectors.detector import Detector
from microcalc.detectors.of_package import detector_of
from microcalc.evaluation.calibration import Isotonic, Platt
from microcalc.findings import OperatingPoint
from microcalc.models.package import Package
from microcalc.models.patch_classifier import load_patch_classifier
from microcalc.models.patch_map import Layer, Map, PatchMap, load_patch_map
from microcalc.models.runtime import Computation
from microcalc.recipe import MapOf, PatchMapRecipe

#: Values of a map closer than this are the same: means and smoothing round.
_DECIMALS = 6

#: How a classifier is laid over a mammogram without a recipe of its own for that: windows that overlap by half, each
#: with at least half of it breast (of windows less full, those beyond the skin line would be judged by the background),
#: and smoothed as the report smooths its 16 px map, in proportion to the stride: a deviation of 3 px for 8.
HALF_BREAST, SMOOTHING = 0.5, 3 / 8
#: Of the report: the side of the window of a local maximum, and of a mark's box.
MAXIMA_PX = 14
HALF = OperatingPoint("half", 0.5, "not counted: the network's own one half, never measured on whole mammograms")
SCORE_FLOOR = 0.01


@dataclass(frozen=True)
class Reading:
    """How marks are read off a map."""

    #: Side of the window of which a mark is the highest pixel.
    maxima_px: int
    #: Of two boxes of ``maxima_px`` that overlap more, the lower goes; None: none goes.
    nms_iou: float | None
    #: From a mark's value to its score; None: they are the same.
    calibration: Isotonic | Platt | None


def patch_map_detector(package: Package, computation: Computation) -> Detector:
    """The detector of a package of the kind ``patch-map``, or of a bare ``patch-classifier``.

    Raises:
        UsageError: a package of another kind, or a runtime, precision or device that is not there.
        ReadError: something about the package, or one in it, is not as it should be.
    """
    card = package.card
    recipe = card.load_recipe()
    if not isinstance(recipe, PatchMapRecipe):
        return _of_classifier(package, computation)
    patch_map = load_patch_map(package, computation)
    calibration = None if card.calibration is None else card.calibration.parameters
    reading = Reading(recipe.maxima_px, recipe.nms_iou, calibration)
    runtime = patch_map.layers[0].classifier.runtime
    return detector_of(package, functools.partial(propose, patch_map, reading), runtime)


def _of_classifier(package: Package, computation: Computation) -> Detector:
    """A classifier laid over mammograms as above, neither calibrated nor measured on them."""
    classifier = load_patch_classifier(package, **dataclasses.asdict(computation))
    stride = max(classifier.input.size_px // 2, 1)
    settings = MapOf(
        classifier=package.card.load_recipe().name,
        stride_px=stride,
        smoothing_px=SMOOTHING * stride,
        kernel_px=stride // 2 * 2 + 1,
    )
    patch_map = PatchMap((Layer(classifier, settings),), HALF_BREAST, "none")
    reading = Reading(max(MAXIMA_PX, stride), None, None)
    doubt = (
        f"{package.card.name} has been trained and measured on patches: as a detector of whole mammograms it is "
        "neither calibrated nor measured"
    )
    return dataclasses.replace(
        detector_of(package, functools.partial(propose, patch_map, reading), classifier.runtime),
        operating_points=(HALF,),
        default_operating_point=HALF.name,
        score_floor=SCORE_FLOOR,
        calibrated=False,
        doubt=doubt,
    )


def propose(
    patch_map: PatchMap,
    reading: Reading,
    image: NDArray[np.float32],
    breast: NDArray[np.bool_],
    spacing_mm: float,
) -> Candidates:
    """Marks on an image, best first.

    Args:
        patch_map: that maps it.
        reading: of the map.
        image: (rows, columns) float32 in 0..1, bright = radio-opaque.
        breast: (rows, columns), where the breast is.
        spacing_mm: of the (square) pixels; maps are counted in pixels, whatever their pitch.
    """
    centres, values = local_maxima(patch_map(image, breast), breast, reading.maxima_px)
    order = np.argsort(-values, kind="stable")
    if reading.nms_iou is not None:
        boxes = np.hstack([centres - reading.maxima_px / 2, centres + reading.maxima_px / 2])
        order = order[boxes_apart(boxes[order], reading.nms_iou)]
    centres, values = centres[order], values[order]
    scores = values if reading.calibration is None else reading.calibration(values)
    return Candidates(centres, np.full(len(scores), np.nan), scores)


def local_maxima(
    values: Map, breast: NDArray[np.bool_], side_px: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Where on the breast a map is highest in the square around, and how high.

    A level top is one maximum, in its middle: means of windows are level from one corner of a window to the next.

    Args:
        values: (rows, columns), 0 and above; where it is 0 there is no maximum.
        breast: (rows, columns), where maxima are looked for.
        side_px: of the square.

    Returns:
        (N, 2) x, y and (N,) values, in no order.
    """
    values = values.round(_DECIMALS)
    highest = cv2.dilate(values, np.ones((side_px, side_px), np.uint8))
    top = (values == highest) & (values > 0) & breast
    count, labels, _, centroids = cv2.connectedComponentsWithStats(top.view(np.uint8))
    heights = np.zeros(count)
    heights[labels[top]] = values[top]
    return np.asarray(centroids[1:], np.float64), heights[1:]
