"""What stands out of a map, by Li's threshold, and how it compares with the lesions on the patch.

Source: Terrassin et al., section 5.2: maps of classifiers are binarised by the threshold of Li and compared with the
outlines of lesions, those of benign calcifications, often a single pixel, dilated with a square of 10 x 10.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from numpy.typing import NDArray

from microcalc.evaluation.segmentation import Mask, Overlap, dilate, li_threshold, pixel_overlap


def binarise(values: NDArray[Any]) -> Mask:
    """(rows, columns) the pixels above Li's threshold; none of a map that is the same everywhere.

    Raises:
        UsageError: a pixel that is not finite.
    """
    above: Mask = values > li_threshold(values)
    return above


def overlaps(maps: Iterable[NDArray[Any]], masks: Iterable[Mask], *, points: bool = False) -> list[Overlap]:
    """Compare what stands out of maps with the lesions, patch by patch.

    Their sum weighs each pixel alike, ``evaluation.segmentation.average`` each patch.

    Args:
        maps: (rows, columns) each, of any range.
        masks: (rows, columns) bool each, where the lesions are.
        points: lesions are marked by single pixels, as benign ones in the paper: dilate them first.

    Raises:
        UsageError: a map that is not finite, or not of the shape of its mask.
    """
    truths = (dilate(mask) if points else mask for mask in masks)
    return [pixel_overlap(binarise(values), truth) for values, truth in zip(maps, truths, strict=True)]
