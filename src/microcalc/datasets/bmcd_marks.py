"""The red marks on BMCD's pictures of ground truth, in pixels of their mammograms.

Each connected region is one calcification, filled whether it was painted or drawn around. The pictures are JPEG and
need not have their mammogram's size; they are stretched to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from microcalc.datasets.copies import size_problem
from microcalc.datasets.folders import ended, left_out
from microcalc.datasets.headers import Stated, stated
from microcalc.datasets.listing import Problem
from microcalc.datasets.outlines import outlines, rescaled
from microcalc.errors import ReadError
from microcalc.truth import Polygon

#: Red: hue to either side of 0 (degrees / 2), least saturation and value of 255.
_HUE_BELOW, _HUE_ABOVE, _LEAST_SATURATION, _LEAST_VALUE = 10, 160, 100, 20


@dataclass(frozen=True)
class Sought:
    """A mammogram and the picture with its marks, where there is one."""

    root: Path
    image: Path
    marked: Path | None


@dataclass(frozen=True)
class Found:
    """The mammogram's header, None where it cannot be read, and its marks, None where nothing tells of them."""

    stated: Stated | None
    marks: tuple[Polygon, ...] | None
    problems: tuple[Problem, ...] = ()


def find_marks(sought: Sought) -> Found:
    """Read a mammogram's header, and outline the marks on its picture."""
    try:
        image = stated(sought.image)
    except ReadError as error:
        return Found(None, None, (_unreadable(sought, sought.image, error),))
    if sought.marked is None:
        return Found(image, None)
    try:
        red = red_pixels(sought.marked)
    except ReadError as error:
        return Found(image, None, (_unreadable(sought, sought.marked, error),))
    shape = image.rows, image.columns
    marks = tuple(rescaled(outline, red.shape, shape) for outline in outlines(red))
    odd = size_problem(sought.marked.relative_to(sought.root).as_posix(), red.shape, shape)
    return Found(image, marks, (odd,) if odd and odd.kind == "contradiction" else ())


def died(sought: Sought) -> Found:
    """What is known of a mammogram at which the process ended that read it."""
    return Found(None, None, (ended(sought.image.relative_to(sought.root).as_posix()),))


def red_pixels(path: Path) -> NDArray[np.bool_]:
    """(rows, columns) which pixels of a coloured JPEG are red.

    Raises:
        ReadError: the file is missing or damaged.
    """
    try:
        with Image.open(path, formats=("JPEG", "PNG")) as picture:
            colours = np.asarray(picture.convert("RGB"))
    except (OSError, ValueError, SyntaxError) as error:
        raise ReadError(
            expected="a picture with the marks of a mammogram",
            found=f"one that cannot be decoded ({type(error).__name__})",
            do="fetch it again; until then nothing is known of this mammogram's calcifications",
            where=path,
        ) from error
    tones = cv2.cvtColor(colours, cv2.COLOR_RGB2HSV)
    least, most = (0, _LEAST_SATURATION, _LEAST_VALUE), (180, 255, 255)
    below = cv2.inRange(tones, least, (_HUE_BELOW, 255, 255))
    above = cv2.inRange(tones, (_HUE_ABOVE, *least[1:]), most)
    red: NDArray[np.bool_] = cv2.bitwise_or(below, above) > 0
    return red


def _unreadable(sought: Sought, path: Path, error: ReadError) -> Problem:
    return left_out(path.relative_to(sought.root).as_posix(), error)
