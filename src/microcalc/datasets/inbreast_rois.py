"""INbreast's regions of interest: property lists as OsiriX exports them.

Places count from the image's corner: every public reader cuts their fraction off to get the pixel. Here they are x, y
with pixel centres at integers, half a pixel less.
"""

from __future__ import annotations

import plistlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.parsers.expat import ExpatError

import numpy as np
from numpy.typing import NDArray

from microcalc.errors import ReadError

Array = NDArray[np.float64]

_NUMBER = r"\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*"
#: "(x, y)" of a lesion, "{x, y}" of some muscles; a third number, where there is one, is no place in the image.
_POINT = re.compile(rf"[({{]{_NUMBER},{_NUMBER}(?:,{_NUMBER})?[)}}]")
_MUSCLE = "pectoral muscle"


@dataclass(frozen=True, eq=False)
class Roi:
    """One region of interest."""

    #: In lower case, blanks made single; "" for none.
    name: str
    #: (n, 2) x, y, n at least 1.
    points: Array


@dataclass(frozen=True, eq=False)
class Rois:
    """What a file of regions holds."""

    rois: tuple[Roi, ...]
    #: Where its counts disagree with what it holds, in words.
    disagreements: tuple[str, ...]


def read_rois(path: Path) -> Rois:
    """The regions of an image (``AllXML/<image>.xml``).

    Regions that lack points, or have more, than the file says are taken as they are.

    Raises:
        ReadError: the file is missing, damaged, or no such list.
    """
    content = _content(path)
    try:
        image = content["Images"][0]
        entries = [(str(roi.get("Name") or ""), _points(roi["Point_px"]), roi) for roi in image["ROIs"]]
        stated = image.get("NumberOfROIs", len(entries))
    except (KeyError, IndexError, TypeError, AttributeError, ValueError) as error:
        raise _damaged(path, f"{type(error).__name__}: {error}") from error
    disagreements = [f"{stated} regions stated, {len(entries)} listed"] if stated != len(entries) else []
    for number, (_, points, roi) in enumerate(entries, 1):
        if roi.get("NumberOfPoints", len(points)) != len(points):
            disagreements.append(f"region {number}: {roi['NumberOfPoints']} points stated, {len(points)} listed")
    rois = (Roi(" ".join(name.lower().split()), points) for name, points, _ in entries if len(points))
    return Rois(tuple(rois), tuple(disagreements))


def read_muscle(path: Path) -> Array:
    """(n, 2) x, y of the edge of the pectoral muscle (``<image>_muscle.xml``), open, in either of its two forms.

    Raises:
        ReadError: the file is missing, damaged, or holds no such edge.
    """
    content = _content(path)
    try:
        if "ROIPoints" in content:
            points = _points(content["ROIPoints"])
        else:
            rois = content["Images"][0]["ROIs"]
            [points] = [_points(roi["Point_px"]) for roi in rois if str(roi.get("Name")).strip().lower() == _MUSCLE]
    except (KeyError, IndexError, TypeError, AttributeError, ValueError) as error:
        raise _damaged(path, f"{type(error).__name__}: {error}") from error
    if len(points) < 2:
        raise _damaged(path, f"{len(points)} points")
    return points


def _content(path: Path) -> Any:
    try:
        return plistlib.loads(path.read_bytes())
    except OSError as error:
        raise _damaged(path, error.strerror or type(error).__name__) from error
    except (plistlib.InvalidFileException, ExpatError, ValueError, IndexError, AttributeError) as error:
        raise _damaged(path, f"something else ({type(error).__name__})") from error


def _points(texts: Sequence[str]) -> Array:
    matches = [_POINT.fullmatch(text.strip()) for text in texts]
    if None in matches:
        raise ValueError(f"a point {texts[matches.index(None)]!r}")
    places = [(float(match[1]), float(match[2])) for match in matches if match]
    return np.array(places, np.float64).reshape(-1, 2) - 0.5


def _damaged(path: Path, found: str) -> ReadError:
    return ReadError(
        expected="a property list of OsiriX with regions of interest", found=found, do="download it again", where=path
    )
