"""Detections of one image as arrays, whatever system they come from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from microcalc.errors import UsageError
from microcalc.findings import Calcification, Cluster

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Detections:
    """Marks, or found clusters, of one image.

    Raises:
        UsageError: the arrays are not of one length, a centre is not finite, or a score is none or outside 0..1.
    """

    #: (N, 2) x, y of the centres, in pixels of the original image.
    xy: Array
    #: (N,) 0..1.
    scores: Array
    #: (N, 4) x0, y0, x1, y1 on outer pixel edges; NaN where a detection has no extent.
    boxes: Array
    #: (N,) probability of malignancy, 0..1; NaN where none is given.
    malignancy: Array

    def __post_init__(self) -> None:
        shapes = [np.shape(part) for part in (self.xy, self.scores, self.boxes, self.malignancy)]
        rows = shapes[0][:1]
        if shapes != [(*rows, 2), rows, (*rows, 4), rows]:
            raise UsageError(
                expected="detections of shapes (N, 2), (N,), (N, 4), (N,)",
                found=", ".join(map(str, shapes)),
                do="give a centre, a score, a box and a malignancy (NaN for none) for each",
            )
        _refuse((~np.isfinite(self.xy)).sum(axis=1) > 0, "a finite centre", "mend them")
        _refuse(~_in_range(self.scores), "a score in 0..1", "map scores into 0..1, by any rising map")
        unsure = ~(_in_range(self.malignancy) | np.isnan(self.malignancy))
        _refuse(unsure, "a malignancy in 0..1, or NaN", "mend them")

    def __len__(self) -> int:
        return len(self.scores)

    @classmethod
    def of_marks(cls, marks: Sequence[Calcification], spacing_mm: tuple[float, float] | None) -> Detections:
        """Single calcifications; the box of one with a diameter encloses its disc."""
        xy = np.array([(mark.x, mark.y) for mark in marks], np.float64).reshape(-1, 2)
        boxes = np.full((len(marks), 4), np.nan)
        if spacing_mm is not None:
            boxes = disc_boxes(xy, _column([mark.diameter_mm or None for mark in marks]), spacing_mm)
        return cls(xy, _column([mark.score for mark in marks]), boxes, _column([mark.malignancy for mark in marks]))

    @classmethod
    def of_clusters(cls, clusters: Sequence[Cluster], marks: Sequence[Calcification]) -> Detections:
        """Found clusters: their boxes, and for centres the means of their members, which are among ``marks``."""
        boxes = np.array([cluster.bbox for cluster in clusters], np.float64).reshape(-1, 4)
        members = [[(marks[i].x, marks[i].y) for i in cluster.members] for cluster in clusters]
        xy = np.array([np.mean(of, axis=0) for of in members], np.float64).reshape(-1, 2)
        scores = _column([cluster.score for cluster in clusters])
        return cls(xy, scores, boxes, _column([cluster.malignancy for cluster in clusters]))


def disc_boxes(xy: Array, diameter_mm: Array, spacing_mm: tuple[float, float]) -> Array:
    """(N, 4) x0, y0, x1, y1 of the boxes around discs of (N, 2) centres and (N,) diameters; NaN where one is NaN."""
    half = 0.5 * diameter_mm[:, None] / np.array(spacing_mm[::-1])
    return np.concatenate([xy - half, xy + half], axis=1)


def _column(values: Sequence[float | None]) -> Array:
    return np.array([np.nan if value is None else value for value in values], np.float64)


def _in_range(values: Array) -> NDArray[np.bool_]:
    return (values >= 0) & (values <= 1)


def _refuse(wrong: NDArray[np.bool_], expected: str, do: str) -> None:
    if wrong.any():
        raise UsageError(
            expected=f"{expected} for each detection", found=f"{wrong.sum()} of {wrong.size} without", do=do
        )
