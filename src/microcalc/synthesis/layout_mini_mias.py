"""mini-MIAS's layout: 8-bit PGM files of 1024 x 1024 pixels of 0.2 mm, and ``Info.txt``.

Only MLO views. As in the set, the films lie mirrored (their lettering too): file 2n - 1 is the left breast of patient
n with its chest wall at the right, file 2n the right breast with its chest wall at the left. The field is centred;
what reaches beyond 1024 pixels is cut off.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from microcalc.errors import UsageError
from microcalc.findings import Box
from microcalc.output.files import replacing
from microcalc.synthesis.layout_parts import Region, check_number, monochrome2, named_view, outline, regions, write_text
from microcalc.truth import Ignored, ImageTruth, Polygon, TrueCalcification, TrueCluster

if TYPE_CHECKING:
    from microcalc.synthesis.study import Picture

SIZE, SPACING_MM = 1024, 0.2
#: File names have three digits, two files to a patient.
_PATIENTS = 499
#: Radius of the smallest circle in the set's own table, pixels.
_LEAST_RADIUS = 3
_TISSUE = {"A": "F", "B": "G", "C": "D", "D": "D"}
#: The set's own table begins on this line, after prose.
_FIRST_LINE = 104
_PROSE = """\
                 Synthetic mammograms in the layout of mini-MIAS
                 Computed from random numbers: no patient.

INFORMATION:

This file lists the films and gives, in columns separated by spaces:

1st column: reference number of the film.

2nd column: character of background tissue:
                F - Fatty
                G - Fatty-glandular
                D - Dense-glandular

3rd column: class of abnormality present:
                CALC - Calcification
                NORM - Normal

4th column: severity of abnormality;
                B - Benign
                M - Malignant

5th,6th columns: x,y image-coordinates of centre of abnormality.

7th column: approximate radius (in pixels) of a circle enclosing
            the abnormality.

NOTES
=====
1) Two films are one patient: the left (odd numbers) and the right (even
   numbers) breast.

2) The size of all images is 1024 pixels x 1024 pixels.

3) Where calcifications are widely distributed, centre and radius are omitted.

4) The origin of coordinates is the bottom-left corner.
"""

Place = Callable[[float, float], tuple[float, float]]
RegionT = TypeVar("RegionT", TrueCluster, Ignored)


def check(number: int) -> None:
    """Raise UsageError for a patient's number that the set's names cannot hold."""
    check_number(number, _PATIENTS, "mini_mias")


def write(root: Path, picture: Picture) -> ImageTruth:
    """Write one picture; its truth is in the pixels of the file, without what was cut off.

    Nobody has measured the SNR on these coarser pixels of 8 bits: it is not given. Calcifications smaller than a pixel
    are listed, but regions to ignore as well.

    Raises:
        UsageError: a CC view.
    """
    side, view = named_view(picture.truth)
    if view != "MLO":
        raise UsageError(expected="an MLO view for the layout mini_mias", found=view, do="leave it out")
    path = f"mdb{2 * picture.number - (side == 'L'):03d}.pgm"
    grey, place = _fit(monochrome2(picture), picture.device.spacing_mm)
    levels = np.round(grey * (255 / picture.device.full)).astype(np.uint8)
    with replacing(root / path) as file:
        file.write(b"P5\n%d %d\n255\n" % (SIZE, SIZE) + levels.tobytes())
    return _move(picture.truth, place).model_copy(
        update={
            "path": path,
            "sop_instance_uid": None,
            "rows": SIZE,
            "columns": SIZE,
            "spacing_mm": (SPACING_MM, SPACING_MM),
        }
    )


def finish(root: Path, images: Sequence[ImageTruth]) -> None:
    """Write ``Info.txt``: prose, then a line for each finding, or one that says there is none."""
    lines = _PROSE.splitlines()
    lines += [""] * (_FIRST_LINE - 1 - len(lines))
    for truth in sorted(images, key=lambda truth: truth.path):
        film = f"{Path(truth.path).stem} {_TISSUE[truth.density] if truth.density else 'G'}"
        lines += [f"{film} CALC {_finding(region)}" for region in regions(truth)] or [f"{film} NORM "]
    write_text(root / "Info.txt", "\n".join(lines) + "\n")


def _finding(region: Region) -> str:
    """Severity, and the circle with y up from the bottom row of pixels, which is 0."""
    severity = "M" if region.pathology == "malignant" else "B"
    if region.distribution == "diffuse":
        return f"{severity} *NOTE 3*"
    x, row, radius = region.circle
    return f"{severity} {round(x)} {SIZE - 1 - round(row)} {max(round(radius), _LEAST_RADIUS)}"


def _fit(pixels: NDArray[np.uint16], spacing_mm: float) -> tuple[NDArray[np.uint16], Place]:
    """Shrink to 0.2 mm by area, mirror, centre on 1024 x 1024; and where x, y of the original come to lie."""
    rows, columns = (max(1, round(length * spacing_mm / SPACING_MM)) for length in pixels.shape)
    small = cv2.resize(pixels, (columns, rows), interpolation=cv2.INTER_AREA)[:, ::-1]
    down, left = (SIZE - rows) // 2, (SIZE - columns) // 2
    square = np.zeros((SIZE, SIZE), np.uint16)
    inside = small[max(-down, 0) : SIZE - down, max(-left, 0) : SIZE - left]
    square[max(down, 0) :, max(left, 0) :][: inside.shape[0], : inside.shape[1]] = inside

    def place(x: float, y: float) -> tuple[float, float]:
        across = columns - (x + 0.5) * columns / pixels.shape[1]
        return round(left + across - 0.5, 3), round(down + (y + 0.5) * rows / pixels.shape[0] - 0.5, 3)

    return square, place


def _move(truth: ImageTruth, place: Place) -> ImageTruth:
    """The truth with every place moved; calcifications and regions whose centre was cut off are left out."""
    marks = [_move_mark(mark, place) for mark in truth.calcifications]
    kept = [index for index, mark in enumerate(marks) if _inside(mark.x, mark.y)]
    renumbered = {old: new for new, old in enumerate(kept)}
    clusters = []
    for cluster in truth.clusters:
        members = tuple(renumbered[old] for old in cluster.members or () if old in renumbered)
        moved = _move_region(cluster, place)
        # One calcification alone stays listed, but is no cluster.
        if len(members) > 1 or (cluster.members is None and _box_inside(moved.bbox)):
            clusters.append(moved.model_copy(update={"members": members or None}))
    ignored = [_move_region(region, place) for region in truth.ignore]
    ignored += [_too_small(marks[index]) for index in kept if (marks[index].diameter_mm or SPACING_MM) < SPACING_MM]
    return truth.model_copy(
        update={
            "calcifications": tuple(marks[index] for index in kept),
            "clusters": tuple(clusters),
            "ignore": tuple(region for region in ignored if _box_inside(region.bbox)),
        }
    )


def _move_mark(mark: TrueCalcification, place: Place) -> TrueCalcification:
    x, y = place(mark.x, mark.y)
    return mark.model_copy(update={"x": x, "y": y, "polygon": _move_polygon(mark.polygon, place), "snr": None})


def _too_small(mark: TrueCalcification) -> Ignored:
    """The region of a calcification that is smaller than a pixel."""
    points = outline(mark)
    (left, top), (right, bottom) = (points.min(axis=0) - 0.5).tolist(), (points.max(axis=0) + 0.5).tolist()
    return Ignored(bbox=(left, top, right, bottom), polygon=mark.polygon, reason="smaller than a pixel")


def _move_region(region: RegionT, place: Place) -> RegionT:
    x0, y0, x1, y1 = region.bbox
    (right, top), (left, bottom) = place(x0, y0), place(x1, y1)
    return region.model_copy(
        update={"bbox": (left, top, right, bottom), "polygon": _move_polygon(region.polygon, place)}
    )


def _move_polygon(polygon: Polygon | None, place: Place) -> Polygon | None:
    return None if polygon is None else tuple(place(x, y) for x, y in polygon)


def _inside(x: float, y: float) -> bool:
    return -0.5 <= x <= SIZE - 0.5 and -0.5 <= y <= SIZE - 0.5


def _box_inside(box: Box) -> bool:
    return _inside((box[0] + box[2]) / 2, (box[1] + box[3]) / 2)
