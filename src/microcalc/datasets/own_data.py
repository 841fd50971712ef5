"""What people say of their own images, in tables or annotation files, as truth and facts.

The image file's own header fills in what they leave out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypedDict

from pydantic import Field, ValidationError

from microcalc.datasets.headers import Stated, stated
from microcalc.datasets.listing import Options
from microcalc.datasets.outlines import diameter_mm
from microcalc.datasets.record import Facts, OtherFinding, Record
from microcalc.datasets.shapes import clipped, rectangle
from microcalc.datasets.words import density_of, flag_of, number_of, pathology_of, side_of, split_of
from microcalc.errors import ReadError
from microcalc.findings import Box, Spacing
from microcalc.truth import Ignored, ImageTruth, Polygon, Split, TrueCalcification, TrueCluster

CALCIFICATION, CLUSTER, IGNORE = "calcification", "cluster", "ignore"
#: What may be said of an image, by the names it goes by.
IMAGE_FACTS: Mapping[str, tuple[str, ...]] = {
    "patient": ("patient", "patient_id"),
    "study": ("study", "study_id"),
    "split": ("split",),
    "normal": ("normal",),
    "side": ("side", "laterality"),
    "view": ("view", "view_position"),
    "spacing_mm": ("spacing_mm",),
    "density": ("density", "breast_density"),
    "age": ("age",),
    "vendor": ("vendor", "manufacturer"),
    "assessment": ("assessment", "birads"),
}
#: Header and user are said to disagree above this relative difference.
_SPACING_TOLERANCE = 0.01
#: What may be said of a mark besides its place.
MARK_FACTS = ("pathology", "morphology", "distribution")


class _Where(TypedDict):
    bbox: Box
    polygon: Polygon | None


_Part = TrueCalcification | TrueCluster | Ignored | OtherFinding


class OwnOptions(Options):
    """Options of all kinds of own data."""

    images: Path | None = Field(default=None, description="Folder that the images' paths begin in.")
    spacing_mm: float | None = Field(default=None, gt=0, description="Pixel spacing where nothing states it, mm.")
    split: Split | None = Field(default=None, description="Of images for which none is given.")
    normals: Literal["stated", "unmarked"] = Field(
        default="stated",
        description="Which images count as free of calcifications: those said to be, or all without calcification, "
        "cluster or region to ignore as well.",
    )


@dataclass(frozen=True)
class Mark:
    """One finding, in pixels of the image."""

    #: calcification, cluster, ignore, or what else it is in lower case.
    label: str
    x: float
    y: float
    #: None: a point.
    bbox: Box | None
    polygon: Polygon | None = None
    diameter_mm: float | None = None
    #: Out of ``MARK_FACTS``.
    said: Mapping[str, str] = field(default_factory=dict)


def facts_in(cells: Mapping[str, str]) -> dict[str, str]:
    """What is said of an image, under the names that ``IMAGE_FACTS`` lists first."""
    return {
        name: next((cells[other] for other in others if cells.get(other)), "") for name, others in IMAGE_FACTS.items()
    }


def own_record(path: Path, place: str, said: Mapping[str, str], marks: Sequence[Mark], options: OwnOptions) -> Record:
    """The record of an image.

    Args:
        path: of the image file, whose header is read.
        place: the same below the root, POSIX.
        said: of the image, as :func:`facts_in` names it.
        marks: on it.
        options: what holds where nothing is said.

    Raises:
        ReadError: the file is damaged, or what is said makes no sense.
    """
    header = stated(path)
    spacing = _spacing(said["spacing_mm"], header, options)
    parts = [_part(mark, header, spacing) for mark in marks]
    others = tuple(part for part in parts if isinstance(part, OtherFinding))
    try:
        truth = ImageTruth(
            path=place,
            sop_instance_uid=header.sop_instance_uid,
            patient=said["patient"] or None,
            study=said["study"] or header.study,
            split=split_of(said["split"]) or options.split,
            normal=_normal(said["normal"], parts, options),
            side=side_of(said["side"]) or header.side,
            view=said["view"].upper() or header.view,
            rows=header.rows,
            columns=header.columns,
            spacing_mm=spacing,
            density=density_of(said["density"]),
            age=header.age if (age := number_of(said["age"])) is None else age,
            vendor=said["vendor"] or header.vendor,
            calcifications=tuple(part for part in parts if isinstance(part, TrueCalcification)),
            clusters=tuple(part for part in parts if isinstance(part, TrueCluster)),
            ignore=tuple(part for part in parts if isinstance(part, Ignored)),
        )
    except ValidationError as error:
        found = str(error.errors(include_url=False)[0]["msg"])
        raise ReadError(expected="a truth that does not contradict itself", found=found, do="mend it") from error
    facts = Facts(assessment=said["assessment"] or None, others=others, processing=header.processing)
    return Record(path, truth, facts)


def _spacing(said: str, header: Stated, options: OwnOptions) -> Spacing | None:
    """(row, column), mm: what the header states, else what is said of this image, else what is said of all.

    Raises:
        ReadError: header and user disagree, so that nobody knows which one to measure by.
    """
    given = number_of(said)
    if given is None and header.spacing_mm is None:
        given = options.spacing_mm
    stated_mm = header.spacing_mm or (None if given is None else (given, given))
    if stated_mm and given and any(abs(side - given) > _SPACING_TOLERANCE * given for side in stated_mm):
        raise ReadError(
            expected=f"one pixel spacing of an image, here {given:g} mm",
            found=f"{stated_mm[0]:g} x {stated_mm[1]:g} mm in its header",
            do="leave it out where the header is right; else mend the header",
        )
    return stated_mm


def _normal(said: str, parts: Sequence[_Part], options: OwnOptions) -> bool | None:
    """Whether the image is known to be free of calcifications."""
    flag = flag_of(said)
    if flag is None and any(isinstance(part, TrueCalcification | TrueCluster) for part in parts):
        return False
    if flag is None and options.normals == "unmarked" and all(isinstance(part, OtherFinding) for part in parts):
        return True
    return flag


def _part(mark: Mark, header: Stated, spacing_mm: Spacing | None) -> _Part:
    """What a mark is.

    Raises:
        ReadError: it lies outside the image, is a point where a region is needed, or its pathology is none.
    """
    region = _region(mark, header, spacing_mm)
    pathology = pathology_of(mark.said.get("pathology", ""))
    morphology, distribution = mark.said.get("morphology") or None, mark.said.get("distribution") or None
    if mark.label == CALCIFICATION:
        return TrueCalcification(
            x=mark.x,
            y=mark.y,
            diameter_mm=_diameter(mark, spacing_mm),
            polygon=mark.polygon or (rectangle(mark.bbox) if mark.bbox else None),
            pathology=pathology,
            morphology=morphology,
        )
    if region is None:
        raise ReadError(
            expected=f"a box around each {mark.label}, or a diameter in mm and the pixel spacing",
            found=f"the point x = {mark.x:g}, y = {mark.y:g}",
            do="give its x0, y0, x1, y1",
        )
    where: _Where = {"bbox": region, "polygon": mark.polygon}
    if mark.label == IGNORE:
        return Ignored(**where)
    if mark.label == CLUSTER:
        return TrueCluster(pathology=pathology, morphology=morphology, distribution=distribution, **where)
    return OtherFinding(kind=mark.label, pathology=pathology, description=morphology, **where)


def _region(mark: Mark, header: Stated, spacing_mm: Spacing | None) -> Box | None:
    """The part of a mark's box that lies in the image; None of a point.

    Raises:
        ReadError: nothing of it, or not its centre, does.
    """
    inside = -0.5 <= mark.x <= header.columns - 0.5 and -0.5 <= mark.y <= header.rows - 0.5
    box = mark.bbox or _disc(mark, spacing_mm)
    region = clipped(box, header.rows, header.columns) if box else None
    if not inside or (box and not region):
        raise ReadError(
            expected=f"places within {header.rows} rows and {header.columns} columns",
            found=f"{mark.label} at x = {mark.x:g}, y = {mark.y:g}",
            do="give them in pixels of the image, x the column, y the row",
        )
    return region


def _diameter(mark: Mark, spacing_mm: Spacing | None) -> float | None:
    """mm: what is said, else that of the outline; a box says too little of the area within it."""
    if mark.diameter_mm is not None or mark.polygon is None or spacing_mm is None:
        return mark.diameter_mm
    return diameter_mm(mark.polygon, spacing_mm)


def _disc(mark: Mark, spacing_mm: Spacing | None) -> Box | None:
    """The box around the disc of a mark's diameter; None where one of the two is unknown."""
    if mark.diameter_mm is None or spacing_mm is None:
        return None
    down, across = (mark.diameter_mm / 2 / side for side in spacing_mm)
    return mark.x - across, mark.y - down, mark.x + across, mark.y + down
