"""Detections from a CSV table: one row a detection, in pixels of the original image."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from microcalc.comparison.rows import Rows, boxes_around, index_of, rows_by_image, take
from microcalc.comparison.systems import SystemImage
from microcalc.datasets.folders import posix_path
from microcalc.errors import ReadError
from microcalc.evaluation.detections import Array, Detections

_BOX = ("x0", "y0", "x1", "y1")
_SIDES = ("width", "height")
_COLUMNS = ("image", "sop_instance_uid", "x", "y", "score", "diameter_mm", "malignancy", *_SIDES, *_BOX)
_DELIMITERS = ",;\t"
#: A centre may lie so far outside its box: one of them may be rounded.
_ROUNDED_PX = 0.5
#: Keeps a spreadsheet from running a text as a formula (``microcalc.output.table``).
_APOSTROPHE = re.compile(r"^'(?=[=+\-@\t\r])")


def images_of_csv(content: bytes, path: Path) -> tuple[SystemImage, ...]:
    """What a table says of each image it names, in the order of their first rows.

    Columns ``image``, ``score`` and ``x``, ``y`` (pixel centres at integers from 0) or a box ``x0``, ``y0``, ``x1``,
    ``y1`` (outer pixel edges, the image's own at -0.5); optionally ``width`` and ``height`` (pixels), ``diameter_mm``,
    ``malignancy`` (0..1) and ``sop_instance_uid``; others are passed over. A row with an image and neither position
    nor score says that nothing was found on it.

    Raises:
        ReadError: the table is damaged, or a row makes no sense.
    """
    sheet = _read_sheet(content, path)
    names, image = _images(sheet)
    uids = _uids(sheet, image)
    columns, diameter = _columns(sheet), _diameters(sheet)
    held = np.flatnonzero(_holding(sheet, columns[1], image))
    marks = Detections(*(column[held] for column in columns))
    by_image = rows_by_image(image[held], len(names))
    return tuple(
        SystemImage(
            path=name,
            sop_instance_uid=uid,
            marks=take(marks, rows),
            clusters=None,
            spacing_mm=None,
            breast_area_cm2=None,
            shape=None,
            diameter_mm=None if diameter is None else diameter[held[rows]],
        )
        for name, uid, rows in zip(names, uids, by_image, strict=True)
    )


@dataclass(frozen=True)
class _Sheet:
    """The columns of a table that mean something here."""

    rows: Rows
    #: How many rows there are below the header.
    length: int
    #: Name -> cells, without blanks around them.
    columns: dict[str, list[str]]

    def texts(self, name: str) -> list[str]:
        """The cells of a column; empty ones where there is no such column."""
        return self.columns.get(name) or [""] * self.length

    def numbers(self, name: str) -> Array:
        """(rows,) numbers of a column, NaN where a cell is empty or there is no such column."""
        if name not in self.columns:
            return np.full(self.length, np.nan)
        cells = self.columns[name]
        values = np.array([_number(cell) for cell in cells], np.float64)
        self.rows.refuse(
            ~np.isfinite(values) & np.array([cell != "" for cell in cells], bool),
            f"a number as {name}",
            lambda row: repr(cells[row]),
            "write a finite number, with a decimal point, or nothing",
        )
        return values

    def table(self, names: Sequence[str]) -> Array:
        """(rows, names) columns of numbers that are all given in a row, or none of them."""
        values = np.stack([self.numbers(name) for name in names], axis=1)
        self.check_whole(", ".join(names), np.isfinite(values))
        return values

    def check_whole(self, names: str, given: NDArray[np.bool_]) -> None:
        """Refuse rows in which only some of the columns are given."""
        some = np.asarray(given.any(axis=1) & ~given.all(axis=1))
        self.rows.refuse(some, f"all of {names}, or none", lambda row: "only some", "complete the row")


def _number(cell: str) -> float:
    try:
        return float("nan" if "_" in cell else cell)  # Python would read 1_00 as 100
    except ValueError:
        return np.nan


def _read_sheet(content: bytes, path: Path) -> _Sheet:
    table = _parse(content, path)
    header = [name.strip().lower() for name in table[0]]
    _check_header(header, path)
    lines = [line for line, cells in enumerate(table) if line and any(cells)]
    body = [table[line] for line in lines]
    rows = Rows(path, lambda row: f"row {lines[row] + 1}")
    cells = np.fromiter(map(len, body), np.intp, len(body))
    rows.refuse(
        cells != len(header),
        f"{len(header)} cells, as in the header",
        lambda row: str(cells[row]),
        "complete the row; quote texts that hold the delimiter",
    )
    columns = {name: [row[column].strip() for row in body] for column, name in enumerate(header) if name in _COLUMNS}
    return _Sheet(rows, len(body), columns)


def _parse(content: bytes, path: Path) -> list[list[str]]:
    try:
        text = content.decode("utf-8")
        delimiter = max(_DELIMITERS, key=text.partition("\n")[0].count)
        return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except UnicodeDecodeError as error:
        found = f"other bytes from {error.start} on"
        raise ReadError(expected="a CSV table in UTF-8", found=found, do="save it as CSV UTF-8", where=path) from error
    except csv.Error as error:
        raise ReadError(expected="a CSV table", found=str(error), do="mend its quotes", where=path) from error


def _check_header(header: Sequence[str], path: Path) -> None:
    used = [name for name in header if name in _COLUMNS]
    groups = [("image", "score"), *(group for group in (_SIDES, _BOX) if set(group) & set(used))]
    if not set(_BOX) & set(used):
        groups.append(("x", "y"))
    missing = [name for group in groups for name in group if name not in used]
    twice = sorted({name for name in used if used.count(name) > 1})
    if not used:
        raise ReadError(
            expected="detections: findings.json, COCO results, or CSV with a first row such as image, x, y, score",
            found="none of these",
            do="name the columns in a first row, or write one of the other two formats",
            where=path,
        )
    if missing or twice:
        raise ReadError(
            expected="a first row that names the columns image, x, y, score (or a box x0, y0, x1, y1 for x, y)",
            found=f"no {', '.join(missing)}" if missing else f"{', '.join(twice)} twice",
            do="name the columns so; a width goes with a height, and each column stands once",
            where=path,
        )


def _images(sheet: _Sheet) -> tuple[list[str], NDArray[np.intp]]:
    """The paths of the images in the order of their first rows, and (rows,) which of them each row is about."""
    cells = sheet.texts("image")
    unnamed = np.array([cell == "" for cell in cells], bool)
    sheet.rows.refuse(unnamed, "an image in every row", lambda row: "none", "name the image's file")
    path_of = {cell: posix_path(_APOSTROPHE.sub("", cell)) for cell in dict.fromkeys(cells)}
    return index_of([path_of[cell] for cell in cells])


def _uids(sheet: _Sheet, image: NDArray[np.intp]) -> list[str | None]:
    """For each image, the one SOPInstanceUID that its rows give, if they do."""
    uids, uid = index_of(sheet.texts("sop_instance_uid"))
    _, first = np.unique(image, return_index=True)
    sheet.rows.refuse(
        uid != uid[first][image],
        "one SOPInstanceUID for all rows of an image",
        lambda row: "another one than in its first row",
        "tell the images apart by their paths, or mend the column",
    )
    return [uids[number] or None for number in uid[first]]


def _columns(sheet: _Sheet) -> tuple[Array, Array, Array, Array]:
    """What a :class:`Detections` holds, for each row; NaN where it gives neither position nor score."""
    boxes, sides = sheet.table(_BOX), sheet.table(_SIDES)
    xy = sheet.table(("x", "y"))
    xy = np.where(np.isnan(xy), (boxes[:, :2] + boxes[:, 2:]) / 2, xy)
    extents = np.where(np.isnan(boxes), boxes_around(xy, sides), boxes)
    scores, malignancy = sheet.numbers("score"), sheet.numbers("malignancy")
    sheet.check_whole("x, y and score", np.isfinite(np.column_stack([xy, scores])))
    sheet.rows.check_shares("score", scores)
    sheet.rows.check_shares("malignancy", malignancy)
    for name, lengths in zip(_SIDES, sides.T, strict=True):
        sheet.rows.check_lengths(name, lengths)
    sheet.rows.refuse(
        np.asarray((boxes[:, :2] > boxes[:, 2:]).any(axis=1)),
        "a box with x0 <= x1 and y0 <= y1",
        lambda row: ", ".join(f"{edge:g}" for edge in boxes[row]),
        "exchange its edges",
    )
    beside = (xy < boxes[:, :2] - _ROUNDED_PX) | (xy > boxes[:, 2:] + _ROUNDED_PX)
    sheet.rows.refuse(
        np.asarray(beside.any(axis=1)),
        "x, y inside the box x0, y0, x1, y1",
        lambda row: "x = {:g}, y = {:g}".format(*xy[row]),
        "give both in pixels of the original image, or one of them only",
    )
    return xy, scores, extents, malignancy


def _diameters(sheet: _Sheet) -> Array | None:
    """(rows,) mm, NaN where unknown or nought, as in findings; None where the table has none."""
    if "diameter_mm" not in sheet.columns:
        return None
    diameter = sheet.numbers("diameter_mm")
    sheet.rows.check_lengths("diameter_mm", diameter)
    return np.where(diameter > 0, diameter, np.nan)


def _holding(sheet: _Sheet, scores: Array, image: NDArray[np.intp]) -> NDArray[np.bool_]:
    """(rows,) those that hold a detection; the others say that nothing was found on their image."""
    nothing = np.isnan(scores)
    sheet.rows.refuse(
        nothing & np.isin(image, image[~nothing]),
        "a row without position and score only for an image on which nothing was found",
        lambda row: "an image with detections",
        "complete the row, or leave it out",
    )
    return ~nothing
