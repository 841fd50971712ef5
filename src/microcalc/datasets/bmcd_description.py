"""BMCD's workbook: a sheet for normal and one for suspicious cases, a row for each folder.

Only the column with the folder's number is sure; others are found by a word in their header. A header that names no
examination is about the recent one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeVar, get_args

from microcalc.datasets.folders import left_out
from microcalc.datasets.listing import Problem
from microcalc.datasets.rows import Row, read_sheet
from microcalc.datasets.words import Density, density_of, number_of, side_of
from microcalc.errors import ReadError
from microcalc.mammogram import Side
from microcalc.truth import Pathology

Group = Literal["normal", "suspicious"]
Exam = Literal["recent", "prior"]
ValueT = TypeVar("ValueT")

NAME = "Description.xlsx"
_FOLDER = "folder #"
_MALIGNANT, _BENIGN = re.compile(r"(malignant|dcis)\b"), re.compile(r"benign\b")


@dataclass(frozen=True)
class Examined:
    """What the workbook says of one examination; None where it says nothing."""

    age: float | None = None
    density: Density | None = None
    #: BI-RADS category, in lower case.
    assessment: str | None = None


@dataclass(frozen=True)
class Description:
    """A row of the workbook: one folder, one breast. Without values, what is known of a folder that has no row."""

    side: Side | None = None
    #: At the recent examination: malignant for MALIGNANT and DCIS alone (Terrassin et al., section 4.1), unknown where
    #: there was none, or it found anything else but benign.
    biopsy: Pathology = "unknown"
    exams: Mapping[Exam, Examined] = field(default_factory=lambda: dict.fromkeys(get_args(Exam), Examined()))


def read_descriptions(path: Path, name: str) -> tuple[dict[tuple[Group, int], Description], list[Problem]]:
    """All rows of the workbook by group and folder: the groups number their folders each from 1.

    Args:
        path: the workbook.
        name: of it in problems: POSIX, below the root of the set.

    Raises:
        ReadError: the workbook is damaged or lacks a sheet, or the package to read it is not installed.
    """
    descriptions: dict[tuple[Group, int], Description] = {}
    problems: list[Problem] = []
    for group in get_args(Group):
        for row in read_sheet(path, (_FOLDER,), sheet=f"{group.capitalize()}_cases"):
            if row[_FOLDER].isdecimal():  # sums and remarks may stand below
                descriptions[group, int(row[_FOLDER])] = _described(row, name, problems)
    return descriptions, problems


def _described(row: Row, name: str, problems: list[Problem]) -> Description:
    """A row; adds a problem for each cell that holds something else than it should."""

    def value(read: Callable[[str], ValueT | None], word: str, exam: Exam) -> ValueT | None:
        try:
            return read(_cell(row, word, exam))
        except ReadError as error:
            problems.append(left_out(f"{name}, folder {row[_FOLDER]}", error))
            return None

    biopsy = _cell(row, "biopsy", "recent").lower()
    return Description(
        side=value(side_of, "right|left", "recent"),
        biopsy="malignant" if _MALIGNANT.match(biopsy) else "benign" if _BENIGN.match(biopsy) else "unknown",
        exams={
            exam: Examined(
                age=value(number_of, r"\bage\b", exam),
                density=value(density_of, "density", exam),
                assessment=_cell(row, "classification", exam).lower().removeprefix("bi-rads").strip() or None,
            )
            for exam in get_args(Exam)
        },
    )


def _cell(row: Row, word: str, exam: Exam) -> str:
    """The first cell under a header that has a word and is about an examination; "" where there is none."""
    (other,) = (each for each in get_args(Exam) if each != exam)
    named = (header for header in row if re.search(word, header) and other not in header)
    return next((row[header] for header in named if exam in header or exam == "recent"), "")
