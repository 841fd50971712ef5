"""A file's detections as one table: checks that name the row at fault, and the way to a list for each image."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from microcalc.errors import ReadError
from microcalc.evaluation.detections import Array, Detections

NameT = TypeVar("NameT", int, str)

#: For errors about scores on another scale.
RESCALE = "map the scores into 0..1; any rising map, such as a sigmoid, leaves the FROC as it is"


@dataclass(frozen=True)
class Rows:
    """The rows of a table, by the names that a person finds them by."""

    path: Path
    #: Number of a row -> where it stands, such as "row 7".
    place: Callable[[int], str]

    def refuse(self, wrong: NDArray[np.bool_], expected: str, found: Callable[[int], str], do: str) -> None:
        """Raise about the first wrong row, and say how many there are; nothing where there is none.

        Args:
            wrong: (rows,) those at fault.
            expected: what each row should hold.
            found: number of a row -> what it holds.
            do: what to do about it.

        Raises:
            ReadError: a row is wrong.
        """
        at = np.flatnonzero(wrong)
        if at.size:
            first = int(at[0])
            others = f" ({at.size} such)" if at.size > 1 else ""
            found_there = f"{found(first)} in {self.place(first)}{others}"
            raise ReadError(expected=expected, found=found_there, do=do, where=self.path)

    def check_shares(self, name: str, values: Array) -> None:
        """Refuse scores and probabilities outside 0..1; NaN stands for none."""
        do = RESCALE if name == "score" else "mend it, or leave it out where unknown"
        self.refuse((values < 0) | (values > 1), f"a {name} in 0..1", lambda row: f"{values[row]:g}", do)

    def check_lengths(self, name: str, values: Array) -> None:
        """Refuse negative widths, heights and diameters; NaN stands for none."""
        do = "mend it; a detection without extent has none"
        self.refuse(values < 0, f"a {name} of 0 or more", lambda row: f"{values[row]:g}", do)


def index_of(names: Sequence[NameT]) -> tuple[list[NameT], NDArray[np.intp]]:
    """The distinct names in the order of their first rows, and (rows,) the index of each row's name among them."""
    distinct = list(dict.fromkeys(names))
    index = {name: index for index, name in enumerate(distinct)}
    return distinct, np.fromiter(map(index.__getitem__, names), np.intp, len(names))


def rows_by_image(image: NDArray[np.intp], images: int) -> list[NDArray[np.intp]]:
    """For each image, the rows that are about it, in their order.

    Args:
        image: (rows,) index of the image that each row is about.
        images: how many images there are.
    """
    order = np.argsort(image, kind="stable")
    edges = np.searchsorted(image[order], np.arange(images + 1))
    return [order[start:stop] for start, stop in pairwise(edges)]


def take(detections: Detections, rows: NDArray[np.intp]) -> Detections:
    """Some of the detections."""
    columns = (detections.xy, detections.scores, detections.boxes, detections.malignancy)
    return Detections(*(column[rows] for column in columns))


def boxes_around(xy: Array, sides: Array) -> Array:
    """(N, 4) boxes of (N, 2) centres and widths and heights, px; NaN where a side is unknown."""
    return np.concatenate([xy - sides / 2, xy + sides / 2], axis=1)
