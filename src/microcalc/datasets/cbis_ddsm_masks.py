"""Which of an abnormality's files is its mask, and what the mask outlines, in pixels of the mammogram.

What a file is called does not tell: mask and crop stand in each other's place in part of the downloads, and the JPEG
copy has no headers. A mask has two values and about the size of its mammogram; a crop is smaller or has more values.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from microcalc.datasets.copies import size_problem
from microcalc.datasets.folders import ended, left_out
from microcalc.datasets.headers import Stated, stated
from microcalc.datasets.listing import Problem
from microcalc.datasets.outlines import outlines, rescaled
from microcalc.errors import ReadError
from microcalc.imageio import read_mammogram
from microcalc.truth import Polygon

#: A mask is at least this share of its mammogram, in rows and in columns.
_LEAST_SIZE = 0.5
#: Of a mask, this share of the pixels at most lies further from black and from white than this share of the range
#: between them: the rims of masks that went through JPEG.
_BLURRED, _NEAR = 0.002, 0.1
#: Regions smaller than this share of a mask's largest one are strays of drawing.
_STRAY = 0.01
#: Outlines are smoothed by this share of their width, and by a pixel at most.
_SMOOTHED = 0.01


@dataclass(frozen=True)
class Sought:
    """A mammogram, and for each of its abnormalities the files that may be its mask: none where none are there."""

    root: Path
    image: Path
    candidates: tuple[tuple[Path, ...], ...]


@dataclass(frozen=True)
class Located:
    """What was found: the mammogram's header, None where that cannot be read, and an outline for each abnormality."""

    stated: Stated | None
    outlines: tuple[Polygon | None, ...]
    problems: tuple[Problem, ...]


def locate(sought: Sought) -> Located:
    """Read a mammogram's header and its masks, one at a time."""
    try:
        image = stated(sought.image)
    except ReadError as error:
        return Located(None, (), (_unreadable(sought, sought.image, error),))
    found: list[Polygon | None] = []
    problems: list[Problem] = []
    for candidates in sought.candidates:
        outline = None
        if candidates:
            try:
                path, mask = find_mask(candidates, (image.rows, image.columns))
                outline = outline_of(mask, (image.rows, image.columns))
                odd = size_problem(path.relative_to(sought.root).as_posix(), mask.shape, (image.rows, image.columns))
                problems += [odd] if odd else []
            except ReadError as error:
                problems.append(_unreadable(sought, Path(error.where or candidates[0]), error))
        found.append(outline)
    return Located(image, tuple(found), tuple(problems))


def died(sought: Sought) -> Located:
    """What is known of a mammogram at which the process ended that read it."""
    return Located(None, (), (ended(sought.image.relative_to(sought.root).as_posix()),))


def find_mask(candidates: Sequence[Path], shape: tuple[int, int]) -> tuple[Path, NDArray[np.bool_]]:
    """The mask among some files, and its (rows, columns) pixels, for a mammogram of ``shape`` (rows, columns).

    Files are decoded one after another, the nearest in size first: as a rule, no more than the mask.

    Raises:
        ReadError: none of the files is a mask; the error is about a file that cannot be read, where there is one.
    """
    failure = ReadError(
        expected="a mask: two values, about the size of its mammogram",
        found=f"none in {len(candidates)} file{'s' * (len(candidates) > 1)}",
        do="download this abnormality again; until then nothing is known of where it is",
        where=candidates[0],
    )
    sizes: dict[Path, float] = {}
    for path in candidates:
        try:
            header = stated(path)
        except ReadError as error:
            failure = error
            continue
        scales = header.rows / shape[0], header.columns / shape[1]
        if min(scales) >= _LEAST_SIZE:
            sizes[path] = abs(float(np.log(scales).sum()))
    for path in sorted(sizes, key=sizes.__getitem__):
        try:
            mask = _as_mask(read_mammogram(path, force=True).pixels)
        except ReadError as error:
            failure = error
            continue
        if mask is not None:
            return path, mask
    raise failure


def _as_mask(pixels: NDArray[np.float32]) -> NDArray[np.bool_] | None:
    """(rows, columns) what is white, if pixels are black or white; None if they are not."""
    low, high = float(pixels.min()), float(pixels.max())
    margin = _NEAR * (high - low)
    grey = cv2.countNonZero(cv2.inRange(pixels, low + margin, high - margin))
    return pixels > (low + high) / 2 if grey <= _BLURRED * pixels.size else None


def outline_of(mask: NDArray[np.bool_], shape: tuple[int, int]) -> Polygon:
    """What a (rows, columns) mask outlines, in pixels of a mammogram of ``shape`` (rows, columns).

    A mask of another size is stretched to the mammogram's in rows and in columns. Several regions are one abnormality:
    their convex hull, without strays. Steps of a pixel are smoothed out, by a hundredth of the region's width at most:
    thousands of outlines with thousands of corners each would fill the memory.
    """
    regions = outlines(mask)
    areas = [cv2.contourArea(_corners(region)) for region in regions]
    large = [region for region, area in zip(regions, areas, strict=True) if area >= _STRAY * max(areas)]
    whole = large[0] if len(large) == 1 else hull(large)
    tolerance = min(1.0, _SMOOTHED * max(areas) ** 0.5)
    return rescaled(_polygon(cv2.approxPolyDP(_corners(whole), tolerance, closed=True)), mask.shape, shape)


def hull(outlines: Sequence[Polygon]) -> Polygon:
    """The convex hull around some outlines."""
    return _polygon(cv2.convexHull(np.concatenate([_corners(outline) for outline in outlines])))


def _corners(polygon: Polygon) -> NDArray[np.float32]:
    return np.array(polygon, np.float32)


def _polygon(contour: cv2.typing.MatLike) -> Polygon:
    """From (n, 1, 2) x, y, as OpenCV has them."""
    return tuple((x, y) for x, y in contour[:, 0].tolist())


def _unreadable(sought: Sought, path: Path, error: ReadError) -> Problem:
    return left_out(path.relative_to(sought.root).as_posix(), error)
