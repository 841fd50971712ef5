"""Where INbreast's files lie, known by their names whatever their folders are called, and what its sheet says."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from microcalc.datasets.folders import missing_files
from microcalc.datasets.listing import Problem
from microcalc.datasets.rows import Row, read_rows, read_sheet
from microcalc.errors import ReadError
from microcalc.mammogram import Side

_PICTURE = re.compile(
    r"(?P<image>\d{8})_(?P<patient>[0-9a-f]+)_MG_(?P<side>[LR])_(?P<view>[A-Z]+)_ANON\.(dcm|dicom|png|tiff?)", re.I
)
_ROIS, _MUSCLE = re.compile(r"(\d{8})\.xml", re.I), re.compile(r"(\d{8})_muscle\.xml", re.I)
#: The sheet as text comes first: a workbook needs another package, and has little more of use.
_SHEETS = ("inbreast.csv", "inbreast.xlsx", "inbreast.xls")
_COLUMNS = ("laterality", "view", "acquisition date", "file name", "acr", "bi-rads")
#: As a workbook may have it.
_IMAGE_CELL = re.compile(r"(\d{8})(\.0*)?")


@dataclass(frozen=True)
class Picture:
    """A picture, and what its name says."""

    path: Path
    image: str
    patient: str
    side: Side
    #: As the sheet has it: MLO where the name says ML.
    view: str

    @classmethod
    def of(cls, path: Path) -> Picture | None:
        """The picture of that name; None where it is none."""
        name = _PICTURE.fullmatch(path.name)
        if name is None:
            return None
        view = name["view"].upper()
        side: Side = "L" if name["side"].upper() == "L" else "R"
        return cls(path, name["image"], name["patient"].lower(), side, "MLO" if view == "ML" else view)


@dataclass(frozen=True)
class Files:
    """The files of the set below a folder, by image id."""

    root: Path
    pictures: dict[str, Picture]
    rois: dict[str, Path]
    muscles: dict[str, Path]
    #: Rows of the sheet; none where there is no sheet.
    sheet: dict[str, Row]
    problems: tuple[Problem, ...]

    @classmethod
    def below(cls, root: Path) -> Files:
        """Look for them.

        Raises:
            ReadError: no picture, no list of regions at all, or a sheet that cannot be read or lacks a column.
        """
        paths = sorted(path for path in root.rglob("*") if path.is_file() and not path.name.startswith("."))
        found = [picture for path in paths if (picture := Picture.of(path))]
        rois = _by_image(paths, _ROIS)
        if found and not rois:
            raise ReadError(
                expected="AllXML, the lists of what is marked",
                found=f"{len(found)} pictures without any",
                do="download it too: without it every picture would seem free of lesions",
                where=root,
            )
        # A DICOM file sorts before a converted copy of it.
        pictures = {picture.image: picture for picture in reversed(found)}
        doubles = [picture for picture in found if pictures[picture.image] is not picture]
        sheet = _sheet(paths)
        problems = (
            *((_NO_SHEET,) if sheet is None else _missing(root, sheet, pictures)),
            *(_double(root, picture, pictures[picture.image]) for picture in doubles),
        )
        return cls(root, dict(sorted(pictures.items())), rois, _by_image(paths, _MUSCLE), sheet or {}, problems)


def is_root(folder: Path) -> bool:
    """Whether pictures, lists of regions and sheet, or two of them, are in the folder or in the folders in it."""
    entries = list(folder.iterdir())
    inner = (path for entry in entries if entry.is_dir() for path in entry.iterdir())
    return len({_kind(path.name) for path in (*entries, *inner)} - {""}) >= 2


def _kind(name: str) -> str:
    if _PICTURE.fullmatch(name):
        return "picture"
    if _ROIS.fullmatch(name):
        return "rois"
    return "sheet" if name.lower() in _SHEETS else ""


def _by_image(paths: Iterable[Path], name: re.Pattern[str]) -> dict[str, Path]:
    matches = ((name.fullmatch(path.name), path) for path in paths)
    return {match[1]: path for match, path in matches if match}


def _sheet(paths: Sequence[Path]) -> dict[str, Row] | None:
    sheets = {path.name.lower(): path for path in paths if path.name.lower() in _SHEETS}
    path = next((sheets[name] for name in _SHEETS if name in sheets), None)
    if path is None:
        return None
    rows = read_rows(path, _COLUMNS) if path.suffix.lower() == ".csv" else read_sheet(path, _COLUMNS)
    # The last rows of the workbook are totals.
    cells = ((_IMAGE_CELL.fullmatch(row["file name"]), row) for row in rows)
    return {cell[1]: row for cell, row in cells if cell}


_NO_SHEET = Problem(
    kind="missing",
    path="INbreast.csv",
    expected="the sheet with density and BI-RADS (INbreast.csv, .xls or .xlsx)",
    found="none",
    do="add it, or do without density and BI-RADS",
)


def _missing(root: Path, sheet: dict[str, Row], pictures: dict[str, Picture]) -> tuple[Problem, ...]:
    return missing_files([f"AllDICOMs/{image}_*.dcm" for image in sheet if image not in pictures], len(sheet), root)


def _double(root: Path, picture: Picture, used: Picture) -> Problem:
    return Problem(
        kind="left out",
        path=picture.path.relative_to(root).as_posix(),
        expected="one picture an image",
        found=f"a second beside {used.path.relative_to(root).as_posix()}",
        do="nothing, if it is a copy",
    )
