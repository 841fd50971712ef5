"""Geometry that every proposer needs: lengths in whole pixels, the breast without its border, keeping apart."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

#: Pixel pitch of the images the papers' parameters are given for, mm.
PAPER_SPACING_MM = 0.07


def keep_apart(centres: NDArray[np.float64], distance_px: float) -> NDArray[np.intp]:
    """Indices that remain when, going down the (sorted) list, whatever lies too close to a kept one is dropped."""
    pairs = np.sort(cKDTree(centres).query_pairs(distance_px, output_type="ndarray"), axis=1)
    return first_come(pairs[:, 0], pairs[:, 1], len(centres))


def boxes_apart(edges: NDArray[np.float64], iou: float) -> NDArray[np.intp]:
    """Indices of the boxes (N, 4), best first, that remain when one kept drops those it overlaps by more (greedy NMS).

    Args:
        edges: x0, y0, x1, y1.
        iou: intersection over union, 0..1.
    """
    best_first = range(len(edges), 0, -1)
    corners_and_sides = np.hstack([edges[:, :2], edges[:, 2:] - edges[:, :2]]).tolist()
    return np.asarray(cv2.dnn.NMSBoxes(corners_and_sides, best_first, 0.0, iou), np.intp)


def first_come(better: NDArray[np.intp], worse: NDArray[np.intp], count: int) -> NDArray[np.intp]:
    """Indices out of ``count`` that are kept, going down the list, if one kept drops those in conflict with it.

    Per round, whoever has no better rival left is kept: what a loop down the list gives, in a few rounds.
    """
    kept, pending = np.zeros(count, np.bool_), np.ones(count, np.bool_)
    while pending.any():
        rivals = pending[better] & pending[worse]
        better, worse = better[rivals], worse[rivals]
        ahead = pending.copy()
        ahead[worse] = False
        kept |= ahead
        pending &= ~ahead
        pending[worse[ahead[better]]] = False
    return np.flatnonzero(kept)


def erode(mask: NDArray[np.bool_], radius_px: int) -> NDArray[np.bool_]:
    """Pixels farther than the radius from any pixel outside the mask; image edges do not count as outside."""
    distance = cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return distance > radius_px


def pixels(length_mm: float, spacing_mm: float) -> int:
    """A length in whole pixels, at least one."""
    return max(round(length_mm / spacing_mm), 1)
