"""VinDr-Mammo 1.0.0: 5,000 screening examinations of four views each, with boxes around what is not benign.

Nguyen et al. (2023), Scientific Data 10, 277. Traps that are handled here:

- Only findings of BI-RADS 3 to 5 have boxes, and no biopsy is given: an image without a box may well show benign
  calcifications.
- One box may bear several categories, written as a Python list.
- Boxes may leave their image.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from pydantic import Field

from microcalc.batch import MakeExecutor
from microcalc.datasets.folders import check_root, left_out, missing_files
from microcalc.datasets.headers import vendor_of
from microcalc.datasets.listing import Listing, Options, Problem
from microcalc.datasets.record import Facts, OtherFinding, Record
from microcalc.datasets.rows import Row, read_rows
from microcalc.datasets.shapes import HALF_PIXEL, clipped
from microcalc.datasets.words import density_of, number_of, side_of, split_of
from microcalc.errors import ReadError
from microcalc.findings import Box, Spacing
from microcalc.mammogram import SPACING_LIMITS_MM
from microcalc.truth import ImageTruth, TrueCluster

_IMAGES, _BREASTS, _FINDINGS = "images", "breast-level_annotations.csv", "finding_annotations.csv"
#: DICOM attributes by image; may be missing.
_ATTRIBUTES = "metadata.csv"
_BREAST_COLUMNS = (
    *("study_id", "image_id", "laterality", "view_position", "height", "width"),
    *("breast_birads", "breast_density", "split"),
)
_EDGES = ("xmin", "ymin", "xmax", "ymax")
_CALCIFICATION, _NOTHING = "suspicious calcification", "no finding"
_SUFFIXES = (".dicom", ".dcm")


class VindrMammoOptions(Options):
    """Options of VinDr-Mammo."""

    normals: Literal["birads1", "no_finding", "none"] = Field(
        default="birads1",
        description="Which images without a box count as free of calcifications: of breasts of BI-RADS 1, all, none.",
    )


def read(root: Path, options: VindrMammoOptions, make_executor: MakeExecutor | None) -> Listing:
    """List the images as the set's tables describe them; no image is opened.

    Raises:
        ReadError: not the folder of VinDr-Mammo, a table lacks columns, or no image is there.
    """
    check_root(root, "VinDr-Mammo", f"{_IMAGES}/, {_BREASTS} and {_FINDINGS}", _is_root)
    images = read_rows(root / _BREASTS, _BREAST_COLUMNS)
    findings = _findings(root)
    attributes = _attributes(root)
    records, missing, problems = [], [], [_PATIENTS]
    for row in images:
        path = _file(root, row)
        if path is None:
            missing.append(f"{_IMAGES}/{row['study_id']}/{row['image_id']}{_SUFFIXES[0]}")
            continue
        place = path.relative_to(root).as_posix()
        try:
            about = findings.get(row["image_id"], []), attributes.get(row["image_id"], {})
            records.append(Record(path, *_known(place, row, *about, options)))
        except ReadError as error:
            problems.append(left_out(place, error))
    problems += missing_files(missing, len(images), root)
    return Listing(root, tuple(records), tuple(problems))


_PATIENTS = Problem(
    kind="note",
    path=_BREASTS,
    expected="patients",
    found="studies alone",
    do="nothing; each study counts as a patient, and whoever came twice as two",
)


def _is_root(folder: Path) -> bool:
    return (folder / _IMAGES).is_dir() and (folder / _BREASTS).is_file() and (folder / _FINDINGS).is_file()


def _file(root: Path, row: Row) -> Path | None:
    paths = [root / _IMAGES / row["study_id"] / f"{row['image_id']}{suffix}" for suffix in _SUFFIXES]
    return next((path for path in paths if path.is_file()), None)


def _findings(root: Path) -> Mapping[str, Sequence[Row]]:
    """The rows about each image."""
    rows: dict[str, list[Row]] = defaultdict(list)
    for row in read_rows(root / _FINDINGS, ("image_id", "finding_categories", "finding_birads", *_EDGES)):
        rows[row["image_id"]].append(row)
    return rows


def _attributes(root: Path) -> Mapping[str, Row]:
    """What is known of each image's header."""
    path = root / _ATTRIBUTES
    rows = read_rows(path, ("sop instance uid",)) if path.is_file() else []
    return {row["sop instance uid"]: row for row in rows}


def _known(
    place: str, row: Row, findings: Sequence[Row], attributes: Row, options: VindrMammoOptions
) -> tuple[ImageTruth, Facts]:
    """Truth and facts of an image.

    Raises:
        ReadError: a cell makes no sense.
    """
    shape = _whole(row, "height"), _whole(row, "width")
    boxed = [(category, _box(finding, shape), finding) for finding in findings for category in _categories(finding)]
    calcium = [(box, finding) for category, box, finding in boxed if category == _CALCIFICATION]
    birads = _birads(row["breast_birads"])
    free = {"birads1": birads == "1", "no_finding": True, "none": False}[options.normals] and not boxed
    truth = ImageTruth(
        path=place,
        patient=row["study_id"],
        study=row["study_id"],
        split=split_of(row["split"]),
        normal=False if calcium else True if free else None,
        side=side_of(row["laterality"]),
        view=row["view_position"] or None,
        rows=shape[0],
        columns=shape[1],
        spacing_mm=_spacing(attributes),
        density=density_of(row["breast_density"]),
        age=_age(attributes),
        vendor=vendor_of(attributes.get("manufacturer", "")),
        clusters=tuple(TrueCluster(bbox=box) for box, _ in calcium),
    )
    others = tuple(
        OtherFinding(kind=category, bbox=box, assessment=_birads(finding["finding_birads"]))
        for category, box, finding in boxed
        if category != _CALCIFICATION
    )
    remarks = tuple(f"calcifications of BI-RADS {_birads(finding['finding_birads'])}" for _, finding in calcium)
    return truth, Facts(assessment=birads, others=others, film=False, remarks=remarks)


def _categories(finding: Row) -> list[str]:
    """Categories in lower case, without that for nothing."""
    cell = finding["finding_categories"]
    try:
        categories = ast.literal_eval(cell)
    except (ValueError, SyntaxError):
        categories = None
    if not isinstance(categories, list) or not all(isinstance(category, str) for category in categories):
        raise ReadError(expected="a list such as ['Mass']", found=repr(cell), do=f"fetch {_FINDINGS} again")
    return [category.lower() for category in categories if category.lower() != _NOTHING]


def _box(finding: Row, shape: tuple[int, int]) -> Box:
    """The part of a finding's box that lies in the image."""
    edges = [number_of(finding[edge]) for edge in _EDGES]
    x0, y0, x1, y1 = (None if edge is None else edge - HALF_PIXEL for edge in edges)
    box = None if x0 is None or y0 is None or x1 is None or y1 is None else clipped((x0, y0, x1, y1), *shape)
    if box is None:
        found = ", ".join("nothing" if edge is None else f"{edge:g}" for edge in edges)
        do = f"fetch {_FINDINGS} again"
        raise ReadError(expected=f"a box within {shape[0]} rows and {shape[1]} columns", found=found, do=do)
    return box


def _whole(row: Row, name: str) -> int:
    number = number_of(row[name])
    if number is None or number < 1 or not number.is_integer():
        raise ReadError(expected=f"a {name} in pixels", found=repr(row[name]), do=f"fetch {_BREASTS} again")
    return int(number)


def _birads(cell: str) -> str | None:
    """The category in ``BI-RADS 4``."""
    return cell.rpartition(" ")[2] or None


def _spacing(attributes: Row) -> Spacing | None:
    """(row, column), mm, in ``[0.094, 0.094]``."""
    numbers = [float(number) for number in re.findall(r"\d+\.?\d*", attributes.get("imager pixel spacing", ""))]
    low, high = SPACING_LIMITS_MM
    return (numbers[0], numbers[1]) if len(numbers) == 2 and all(low <= n <= high for n in numbers) else None


def _age(attributes: Row) -> float | None:
    """Years in ``053Y``."""
    match = re.fullmatch(r"(\d{1,3})Y?", attributes.get("patient's age", ""))
    return float(match[1]) if match else None
