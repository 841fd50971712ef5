"""Segmentation metrics: Dice, precision, recall and intersection over union, of pixels and of objects.

Source: Terrassin et al., "Annotation-free deep-learning framework for microcalcifications detection on mammograms",
SPIE Medical Imaging 2024, section 5.2: its metrics, the dilation of its point truths, and its binarisation of maps.

What is not defined is NaN, neither 0 nor 1: recall without truth, precision without anything found, Dice and IoU
without either. Where only one of the two is empty, Dice and IoU are 0.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.filters import threshold_li

from microcalc.errors import UsageError

Mask = NDArray[np.bool_]
OverlapMetric = Literal["dice", "precision", "recall", "iou"]

#: Side of the square that the paper dilates its point truths with.
POINT_SQUARE_PX = 10


@dataclass(frozen=True)
class Overlap:
    """How much of the truth was found, and how much of what was found is true; in pixels or in objects."""

    #: All of the truth, and how much of it was found.
    truth: int
    truth_found: int
    #: All that was found, and how much of it is true.
    found: int
    found_true: int

    def __add__(self, other: Overlap) -> Overlap:
        """The two images as one."""
        return Overlap(
            self.truth + other.truth,
            self.truth_found + other.truth_found,
            self.found + other.found,
            self.found_true + other.found_true,
        )

    @property
    def recall(self) -> float:
        """Share of the truth that was found (Eq. 5); NaN without truth."""
        return self.truth_found / self.truth if self.truth else math.nan

    @property
    def precision(self) -> float:
        """Share of what was found that is true (Eq. 6); NaN where nothing was found."""
        return self.found_true / self.found if self.found else math.nan

    @property
    def dice(self) -> float:
        """Harmonic mean of precision and recall (Eq. 7), for objects also called F1; NaN where both are empty."""
        if not (self.truth or self.found):
            return math.nan
        if not (self.truth_found and self.found_true):
            return 0.0
        return 2 * self.recall * self.precision / (self.recall + self.precision)

    @property
    def iou(self) -> float:
        """Intersection over union, or Jaccard index: Dice / (2 - Dice), for objects too; NaN where both are empty."""
        return self.dice / (2 - self.dice)


def pixel_overlap(found: Mask, truth: Mask) -> Overlap:
    """Compare two masks pixel by pixel.

    Args:
        found: (rows, columns) bool, predicted.
        truth: (rows, columns) bool.

    Raises:
        UsageError: not two masks of one shape.
    """
    _check(np.bool_, found, truth)
    return Overlap(*_counted(found[truth]), *_counted(truth[found]))


def label_overlaps(found: NDArray[Any], truth: NDArray[Any], labels: Sequence[int]) -> dict[int, Overlap]:
    """Compare two label maps (rows, columns), integers, label by label; what has none of ``labels`` is background.

    Raises:
        UsageError: not two maps of integers of one shape.
    """
    _check(np.integer, found, truth)
    return {label: pixel_overlap(found == label, truth == label) for label in labels}


def object_overlap(found: Mask, truth: Mask, share: float = 0.5) -> Overlap:
    """Compare the objects of two masks: their components, connected by edge or corner (8-neighbourhood).

    An object of the truth is found if at least ``share`` of its own pixels are in ``found``; an object found is true
    if at least ``share`` of its own pixels are in ``truth``. Several objects may answer to one.

    Args:
        found: (rows, columns) bool, predicted.
        truth: (rows, columns) bool.
        share: above 0, up to 1.

    Raises:
        UsageError: not two masks of one shape, or a share outside its range.
    """
    _check(np.bool_, found, truth)
    if not 0 < share <= 1:
        raise UsageError(expected="a share above 0 and up to 1", found=str(share), do="give another")
    return Overlap(*_counted(_covered(truth, found) >= share), *_counted(_covered(found, truth) >= share))


def average(overlaps: Iterable[Overlap], metric: OverlapMetric) -> tuple[float, int]:
    """Mean of a metric over the images on which it is defined, and their number; NaN and 0 where on none.

    Averaging over images weighs each image alike; adding overlaps up weighs each pixel or object alike.
    """
    values = [value for overlap in overlaps if not math.isnan(value := getattr(overlap, metric))]
    return (math.fsum(values) / len(values) if values else math.nan), len(values)


def dilate(mask: Mask, square_px: int = POINT_SQUARE_PX) -> Mask:
    """Grow every pixel of a mask (rows, columns) into a square, cut at the border.

    A square of even side has no middle: it reaches one pixel further right and down than left and up.

    Raises:
        UsageError: no mask of bool, or a square without a pixel.
    """
    _check(np.bool_, mask)
    if square_px < 1:
        raise UsageError(expected="a square of at least one pixel", found=str(square_px), do="give another side")
    grown = cv2.dilate(mask.astype(np.uint8), np.ones((square_px, square_px), np.uint8))
    return grown.astype(np.bool_)


def li_threshold(values: NDArray[Any]) -> float:
    """Li's threshold of a map of scores: pixels above it are foreground.

    Source: Li & Lee, "Minimum cross entropy thresholding", Pattern Recognition 26 (1993) 617-625.

    Args:
        values: any shape, of finite numbers in any range.

    Returns:
        A number from the lowest value up to, but not including, the highest. NaN for a constant map, which has no
        foreground: no comparison with NaN holds, so that ``values > li_threshold(values)`` is empty, as it should be.

    Raises:
        UsageError: no pixel, or one that is not finite.
    """
    values = np.asarray(values, np.float64)
    if not values.size or not np.isfinite(values).all():
        raise UsageError(
            expected="a map of finite numbers, to find Li's threshold",
            found="no pixel" if not values.size else f"{np.count_nonzero(~np.isfinite(values))} pixels that are not",
            do="mend the map",
        )
    low, high = float(values.min()), float(values.max())
    if low == high:
        return math.nan
    # On a scale of 0 to 1 a tolerance can be stated; by default every pixel is sorted to find one.
    scaled = threshold_li((values - low) / (high - low), tolerance=1e-9)  # type: ignore[no-untyped-call]
    return min(low + float(scaled) * (high - low), math.nextafter(high, low))


def _check(kind: type[Any], *maps: NDArray[Any]) -> None:
    if len({of.shape for of in maps}) > 1 or not all(of.ndim == 2 and np.issubdtype(of.dtype, kind) for of in maps):
        raise UsageError(
            expected=f"rows and columns of pixels, of one shape and of type {kind.__name__}",
            found=" and ".join(f"{of.shape} of {of.dtype}" for of in maps),
            do="bring them to the pixels of the original image",
        )


def _counted(chosen: Mask) -> tuple[int, int]:
    return chosen.size, int(np.count_nonzero(chosen))


def _covered(objects: Mask, cover: Mask) -> NDArray[np.float64]:
    """(objects,) share of the pixels of each component of ``objects`` that lie in ``cover``."""
    labels, count = ndimage.label(objects, np.ones((3, 3)))
    pixels = np.bincount(labels[objects], minlength=count + 1)[1:]
    shared = np.bincount(labels[objects & cover], minlength=count + 1)[1:]
    shares: NDArray[np.float64] = shared / pixels
    return shares
