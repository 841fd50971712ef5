"""Single calcifications out of a map of how likely each pixel shows calcium: where, how large, how sure, outlined.

A calcification is a local maximum of the map and what belongs to it: the connected part around it that is above half
of the maximum, as far as every pixel's way uphill leads there (touching ones are divided along the valley between
them), within the size that a microcalcification may have.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import cv2
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from microcalc.candidates import Candidates
from microcalc.candidates.geometry import keep_apart, pixels
from microcalc.datasets.outlines import rims

#: Of two maxima closer than this the lower one is taken for a part of the higher.
APART_MM = 0.35
#: Nothing farther from a maximum is counted to it: microcalcifications measure 1 mm at most.
REACH_MM = 0.5

Map = NDArray[np.float32]
T = TypeVar("T", bound=np.generic)


def specks(probabilities: Map, spacing_mm: float, floor: float, malignancy: Map | None = None) -> Candidates:
    """The calcifications on a map, best first.

    Args:
        probabilities: (rows, columns) in 0..1.
        spacing_mm: of the (square) pixels.
        floor: above 0; maxima below it are none.
        malignancy: (rows, columns) in 0..1, of each pixel; None: nothing is known of it.

    Returns:
        Centres and malignancy as means weighted by the map, diameters of the disc of equal area, the maxima as scores,
        outlines on outer pixel edges.
    """
    found = _Maxima.of(probabilities, floor, APART_MM / spacing_mm)
    if not len(found.scores):
        return Candidates(np.empty((0, 2)), np.empty(0), np.empty(0), (), None if malignancy is None else np.empty(0))
    reach = pixels(REACH_MM, spacing_mm)
    parts = _parts(probabilities, found, reach)
    weights = np.where(parts, _squares(probabilities, found.places, reach), 0).astype(np.float64)
    weights /= weights.sum(axis=(1, 2), keepdims=True)
    steps = np.arange(-reach, reach + 1)
    offsets = np.stack([weights.sum(axis=axis) @ steps for axis in (1, 2)], axis=1)
    return Candidates(
        centres=found.places[:, ::-1] + offsets,
        diameters_mm=2 * np.sqrt(np.count_nonzero(parts, axis=(1, 2)) / np.pi) * spacing_mm,
        scores=found.scores,
        outlines=_outlined(parts, found.places - reach),
        malignancy=None if malignancy is None else (weights * _squares(malignancy, found.places, reach)).sum((1, 2)),
    )


@dataclass(frozen=True, eq=False)
class _Maxima:
    """N local maxima, the highest first, and which pixels lead up to each."""

    #: (N, 2) row, column.
    places: NDArray[np.intp]
    #: (N,)
    scores: NDArray[np.float64]
    #: (rows, columns): which of them, from 1; 0: none.
    owners: NDArray[np.int32]

    @classmethod
    def of(cls, values: Map, floor: float, apart_px: float) -> _Maxima:
        """Those not below the floor; one close to a higher one is left out, and its pixels are the higher one's."""
        padded = np.pad(values, 1)
        at = np.flatnonzero(padded >= floor / 2)
        peak_of = _uphill(padded, at)
        peaks = np.unique(peak_of)
        scores = padded.flat[at[peaks]].astype(np.float64)
        order = np.argsort(-scores, kind="stable")
        order = order[scores[order] >= floor]
        peaks, scores = peaks[order], scores[order]
        places = np.stack(np.unravel_index(at[peaks], padded.shape), axis=1) - 1
        kept = keep_apart(places.astype(np.float64), apart_px) if len(places) else np.empty(0, np.intp)
        number = np.zeros(len(at), np.int32)
        if len(kept):
            number[peaks] = cKDTree(places[kept]).query(places)[1] + 1
        owners = np.zeros(padded.shape, np.int32)
        owners.flat[at] = number[peak_of]
        return cls(places[kept], scores[kept], owners[1:-1, 1:-1])


def _uphill(padded: Map, at: NDArray[np.intp]) -> NDArray[np.intp]:
    """For each of the pixels ``at`` the one of them, by its number, that going to the highest neighbour ends at.

    Of equal ones that is the first, row by row, before the pixel itself: a level top without notches has one maximum.
    """
    columns, values = padded.shape[1], padded.ravel()
    # One after another: all nine at once would take 72 bytes a pixel, and a low floor leaves the whole breast.
    around = (at + row * columns + column for row in (-1, 0, 1) for column in (-1, 0, 1))
    best = next(around)
    for other in around:
        best = np.where(values[other] > values[best], other, best)
    way: NDArray[np.intp] = np.searchsorted(at, best)
    while True:
        further = way[way]
        if np.array_equal(further, way):
            return way
        way = further


def _squares(values: NDArray[T], places: NDArray[np.intp], reach: int) -> NDArray[T]:
    """Squares (N, 2 reach + 1, 2 reach + 1) of an image around places (N, 2) row, column; 0 beyond its edges."""
    squares: NDArray[T] = sliding_window_view(np.pad(values, reach), (2 * reach + 1, 2 * reach + 1))[*places.T]
    return squares


def _parts(values: Map, found: _Maxima, reach: int) -> NDArray[np.bool_]:
    """Squares (N, 2 reach + 1, 2 reach + 1) around the maxima: what belongs to each."""
    steps = np.arange(-reach, reach + 1)
    near = steps[:, np.newaxis] ** 2 + steps**2 <= reach**2
    count = len(found.scores)
    own = _squares(found.owners, found.places, reach) == np.arange(1, count + 1).reshape(-1, 1, 1)
    above = _squares(values, found.places, reach) >= found.scores.reshape(-1, 1, 1) / 2
    labels = cv2.connectedComponents(_strip(own & near & above).astype(np.uint8))[1]
    labels = labels.reshape(count, -1, len(steps))[:, :-1]
    parts: NDArray[np.bool_] = labels == labels[:, reach, reach].reshape(-1, 1, 1)
    return parts


def _outlined(parts: NDArray[np.bool_], corners: NDArray[np.intp]) -> tuple[NDArray[np.float64], ...]:
    """The outline (M, 2) x, y of each part; the first pixels of their squares lie at ``corners`` (row, column)."""
    starts = corners[:, ::-1] - np.outer(np.arange(len(parts)), (0, parts.shape[1] + 1))
    return tuple(rim + start for rim, start in zip(rims(_strip(parts)), starts, strict=True))


def _strip(squares: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Squares (N, n, n) one below the other with a row between, (N (n + 1), n): OpenCV sees them all at once."""
    return np.pad(squares, ((0, 0), (0, 1), (0, 0))).reshape(-1, squares.shape[2])
