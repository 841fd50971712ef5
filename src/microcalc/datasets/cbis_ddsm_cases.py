"""CBIS-DDSM's case descriptions: four CSVs, a row for each abnormality on each image.

A case is what the set calls a patient in DICOM: ``Calc-Training_P_00001_LEFT_CC`` is an image, with ``_1`` behind it
mask and crop of its first abnormality. The woman is ``P_00001``. In the real tables no image has two names and no name
two images, so that names alone lead from the tables to the files, whatever tree they lie in.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from microcalc.datasets.folders import left_out
from microcalc.datasets.listing import Problem
from microcalc.datasets.rows import Row, read_rows
from microcalc.datasets.words import Density, density_of, pathology_of, side_of
from microcalc.errors import ReadError
from microcalc.mammogram import Side
from microcalc.truth import Pathology

Kind = Literal["calcification", "mass"]
Part = Literal["train", "test"]

#: Of an image or, with a number behind it, of an abnormality; folders of the tree are called so.
CASE = re.compile(
    r"(?P<kind>Calc|Mass)-(?:Training|Test)_(?P<patient>P_\d+)_(?P<side>LEFT|RIGHT)_(?P<view>CC|MLO)(?P<number>_\d+)?"
)

_PARTS: tuple[Part, ...] = ("train", "test")
_NAMES: Mapping[Kind, str] = {"calcification": "calc", "mass": "mass"}
_COLUMNS = (
    "patient_id",
    "left or right breast",
    "image view",
    "abnormality id",
    "assessment",
    "pathology",
    "subtlety",
    "image file path",
    "cropped image file path",
    "roi mask file path",
)
_WORDED: Mapping[Kind, tuple[str, str]] = {
    "calcification": ("calc type", "calc distribution"),
    "mass": ("mass shape", "mass margins"),
}
#: The set's words as BI-RADS has them today; others are kept, in lower case. Several are joined by hyphens.
_MORPHOLOGY = {
    "COARSE-PLEOMORPHIC": "coarse heterogeneous",
    "ROUND_AND_REGULAR": "round",
    "PLEOMORPHIC": "fine pleomorphic",
    "LUCENT_CENTER": "lucent centre",
    "LUCENT_CENTERED": "lucent centre",
    "COARSE": "popcorn",
    "LARGE_RODLIKE": "rod-like",
    "EGGSHELL": "rim",
}
_DISTRIBUTION = {"CLUSTERED": "grouped", "DIFFUSELY_SCATTERED": "diffuse"}
_UNSTATED = ("", "N/A")
#: Paths are case/study/series/file.
_PATH_PARTS = 4


@dataclass(frozen=True)
class Abnormality:
    """A row of the case descriptions. Words are None where the set states none (``N/A``)."""

    case: str
    kind: Kind
    pathology: Pathology | None
    #: BI-RADS category, 0 to 5.
    assessment: str
    #: 1 (hardly seen) to 5 (obvious); 0 is not explained.
    subtlety: str
    #: Of a calcification: its type and distribution; of a mass: its shape and margins.
    words: tuple[str | None, str | None]
    #: SeriesInstanceUIDs said to hold its mask and its crop.
    series: tuple[str, ...]


@dataclass(frozen=True)
class Case:
    """An image and all abnormalities that one part of the set describes on it."""

    name: str
    #: SeriesInstanceUID and StudyInstanceUID of the image.
    series: str
    study: str
    patient: str
    side: Side | None
    view: str
    part: Part
    density: Density | None
    abnormalities: tuple[Abnormality, ...]

    @property
    def seen(self) -> tuple[str, Side | None, str]:
        """What the image shows: patient, side and view."""
        return self.patient, self.side, self.view


def case_descriptions(root: Path, kinds: Sequence[Kind] = ("calcification", "mass")) -> dict[tuple[Kind, Part], Path]:
    """The tables of some kinds that lie in a folder, or in its folder ``csv``."""
    places = [
        (kind, part, folder / _table_name(kind, part))
        for folder in (root / "csv", root)
        for kind in kinds
        for part in _PARTS
    ]
    return {(kind, part): path for kind, part, path in places if path.is_file()}


def read_cases(root: Path, kinds: Sequence[Kind]) -> tuple[list[Case], list[Problem]]:
    """The images of the case descriptions, each with its abnormalities, in the order of the tables.

    Raises:
        ReadError: there is no table of these kinds, or one cannot be read or lacks a column.
    """
    tables = case_descriptions(root, kinds)
    lacking = [_table_name(kind, part) for kind in kinds for part in _PARTS if (kind, part) not in tables]
    if not tables:
        raise ReadError(expected=" or ".join(lacking), found="neither", do="put them here, as downloaded", where=root)
    problems = [_no_table(name) for name in lacking]
    images: dict[str, list[Case]] = defaultdict(list)
    for (kind, part), path in sorted(tables.items()):
        for row in read_rows(path, (*_COLUMNS, *_WORDED[kind])):
            try:
                case = _case(row, kind, part)
                images[case.name].append(case)
            except ReadError as error:
                problems.append(left_out(path.relative_to(root).as_posix(), error))
    return [_together(rows) for rows in images.values()], problems


def _table_name(kind: Kind, part: Part) -> str:
    return f"{_NAMES[kind]}_case_description_{part}_set.csv"


def _no_table(name: str) -> Problem:
    return Problem(kind="missing", path=name, expected="a case description", found="none", do="download it, if wanted")


def _case(row: Row, kind: Kind, part: Part) -> Case:
    """The image of a row, with the one abnormality that the row is about.

    Raises:
        ReadError: the row contradicts itself, or says what no row may.
    """
    image, crop, mask = (row[f"{which} file path"].split("/") for which in ("image", "cropped image", "roi mask"))
    named = CASE.fullmatch(image[0])
    stated = row["patient_id"], row["left or right breast"], row["image view"]
    if named is None or named.group("patient", "side", "view") != stated or len(image) != _PATH_PARTS:
        raise ReadError(
            expected=f"the path of an image of {' '.join(stated)}",
            found=repr(row["image file path"]),
            do="download the case descriptions again",
        )
    first, second = _WORDED[kind]
    density = row.get("breast density") or row.get("breast_density", "")
    abnormality = Abnormality(
        case=f"{image[0]}_{row['abnormality id']}",
        kind=kind,
        pathology=pathology_of(row["pathology"]),
        assessment=row["assessment"],
        subtlety=row["subtlety"],
        words=(_words(row[first], _MORPHOLOGY), _words(row[second], _DISTRIBUTION)),
        series=tuple(dict.fromkeys(path[2] for path in (mask, crop) if len(path) == _PATH_PARTS)),
    )
    return Case(
        name=image[0],
        series=image[2],
        study=image[1],
        patient=row["patient_id"],
        side=side_of(row["left or right breast"]),
        view=row["image view"],
        part=part,
        density=None if density == "0" else density_of(density),  # 0 occurs, and is no category
        abnormalities=(abnormality,),
    )


def _together(rows: Sequence[Case]) -> Case:
    """An image with the abnormalities of all its rows."""
    return replace(rows[0], abnormalities=tuple(abnormality for row in rows for abnormality in row.abnormalities))


def _words(text: str, known: Mapping[str, str]) -> str | None:
    if text in _UNSTATED:
        return None
    single = (known.get(word, word.replace("_", " ").lower()) for word in text.split("-"))
    return known.get(text) or ", ".join(dict.fromkeys(single))
