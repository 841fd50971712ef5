"""Whether what a system says of an image can be about the image that the truth is about."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from microcalc.comparison.systems import SystemImage
from microcalc.errors import ReadError
from microcalc.truth import ImageTruth


def check_agreement(image: SystemImage, truth: ImageTruth, source: Path) -> None:
    """Refuse an image of another size than the truth's, and marks outside it.

    Args:
        image: what a system says of it.
        truth: of the same image.
        source: the system's file, for the error.

    Raises:
        ReadError: they do not agree.
    """
    stated = None if truth.rows is None or truth.columns is None else (truth.rows, truth.columns)
    if stated and image.shape and image.shape != stated:
        raise ReadError(
            expected=f"{image.path} of {stated[0]} rows and {stated[1]} columns, as the truth says",
            found=f"{image.shape[0]} rows and {image.shape[1]} columns",
            do="score what was found on the original images",
            where=source,
        )
    rows, columns = stated or image.shape or (np.inf, np.inf)
    xy = image.marks.xy
    outside = np.flatnonzero(((xy < -0.5) | (xy > (columns - 0.5, rows - 0.5))).any(axis=1))
    if outside.size:
        x, y = xy[outside[0]]
        others = f" ({outside.size} such)" if outside.size > 1 else ""
        raise ReadError(
            expected=f"marks inside {image.path}"
            + (f", {rows} rows and {columns} columns" if columns < np.inf else ""),
            found=f"x = {x:g}, y = {y:g}{others}",
            do="give pixels of the original image, neither resized nor cropped: x the column, y the row, from 0",
            where=source,
        )
