"""Stamp: something small laid over a view, and how it joins the picture."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
Stage = Literal["attenuation", "grey"]


@dataclass(frozen=True, eq=False)
class Stamp:
    """What is bright or sharp on a picture and not calcium, in the left breast's frame.

    At stage "attenuation" ``values`` are added to ln attenuation before the detector's blur: things that lie in the
    beam. At stage "grey" they move the finished grey, 1 all the way to white and -1 all the way to black: things of
    the detector, the film or the software.
    """

    #: "marker", "bead", "clip", "fold", "dust", "hot pixel", "grid line", "scratch", "label" ...
    kind: str
    #: First row and column of ``values`` in the view.
    row: int
    column: int
    #: (rows, columns) float32.
    values: Array
    stage: Stage


def apply_stamps(
    image: NDArray[Any], stamps: Iterable[Stamp], stage: Stage, *, row: int = 0, column: int = 0, white: int = 0
) -> None:
    """Lay the stamps of one stage over a window of a view, in place.

    Args:
        image: (rows, columns) ln attenuation (float32) or upright grey (uint16), by ``stage``.
        stamps: those of the whole view; other stages, and parts outside the window, are passed over.
        stage: which of them.
        row: first row of the window in the view.
        column: first column of the window in the view.
        white: the largest grey; stage "grey" only.
    """
    for stamp in stamps:
        top, left = max(stamp.row, row), max(stamp.column, column)
        bottom = min(stamp.row + stamp.values.shape[0], row + image.shape[0])
        right = min(stamp.column + stamp.values.shape[1], column + image.shape[1])
        if stamp.stage != stage or bottom <= top or right <= left:
            continue
        values = stamp.values[top - stamp.row : bottom - stamp.row, left - stamp.column : right - stamp.column]
        window = image[top - row : bottom - row, left - column : right - column]
        if stage == "attenuation":
            window += values
        else:
            window[:] = np.rint(window + np.where(values > 0, white - window.astype(np.float32), window) * values)
