"""Whether a system and the truth can be about one image."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from microcalc.comparison.systems import SystemImage
from microcalc.errors import ReadError
from microcalc.evaluation.detections import Array
from microcalc.truth import ImageTruth


def check_agreement(image: SystemImage, truth: ImageTruth, source: Path) -> None:
    """Refuse an image of another size than the truth's, and what has its centre outside it, on either side.

    Boxes may reach beyond it: that of a mark at the chest wall does.

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
    size = stated or image.shape
    place = image.path if size is None else f"{image.path}, {size[0]} rows and {size[1]} columns"
    high = np.array(size or (np.inf, np.inf))[::-1] - 0.5
    _check_inside(f"marks inside {place}", image.marks.xy, high, source)
    if image.clusters is not None:
        _check_inside(f"clusters inside {place}", image.clusters.xy, high, source)
    calcifications = np.array([(lesion.x, lesion.y) for lesion in truth.calcifications]).reshape(-1, 2)
    clusters = np.array([cluster.bbox for cluster in truth.clusters]).reshape(-1, 2, 2).mean(axis=1)
    _check_inside(f"true calcifications inside {place}", calcifications, high, None)
    _check_inside(f"true clusters inside {place}", clusters, high, None)


def _check_inside(expected: str, xy: Array, high: Array, source: Path | None) -> None:
    """Refuse (N, 2) centres beyond an image's outer edges, those at -0.5 or those at ``high``."""
    outside = np.flatnonzero(((xy < -0.5) | (xy > high)).any(axis=1))
    if outside.size:
        others = f" ({outside.size} such)" if outside.size > 1 else ""
        raise ReadError(
            expected=expected,
            found="x = {:g}, y = {:g}".format(*xy[outside[0]]) + others,
            do="give pixels of the original image, neither resized nor cropped: x the column, y the row, from 0",
            where=source,
        )
