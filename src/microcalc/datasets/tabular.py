"""A user's own images in a table: CSV, or Parquet; a row a finding, or a row an image.

Columns in any order and letter case; others are passed over:

- ``image``: path of the file, below the folder of the table or that of the option ``images``.
- ``x``, ``y``: pixels, pixel centres at integers from 0; ``diameter_mm``; or a box ``x0``, ``y0``, ``x1``, ``y1`` on
  outer pixel edges. A row without any of them is about the image as a whole.
- ``label``: calcification, cluster, ignore, or another finding's name; ``pathology``, ``morphology``, ``distribution``.
- of the image, the same in all of its rows or given once: those of :data:`~microcalc.datasets.own_data.IMAGE_FACTS`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import Field

from microcalc.batch import MakeExecutor
from microcalc.datasets.folders import left_out, missing_files, posix_path
from microcalc.datasets.listing import Listing, Problem
from microcalc.datasets.own_data import CALCIFICATION, IMAGE_FACTS, MARK_FACTS, Mark, OwnOptions, facts_in, own_record
from microcalc.datasets.rows import Row, read_rows
from microcalc.datasets.words import number_of
from microcalc.errors import ReadError
from microcalc.findings import Box

_PARQUET = b"PAR1"
_EDGES = ("x0", "y0", "x1", "y1")
#: The first row below the headers is row 2.
_FIRST_ROW = 2


class TabularOptions(OwnOptions):
    """Options of tables."""

    label: str = Field(default=CALCIFICATION, description="Of findings for which none is given.")


def read(root: Path, options: TabularOptions, make_executor: MakeExecutor | None) -> Listing:
    """List the images of a table, whose headers are read; an image with a row that makes no sense is left out.

    Raises:
        ReadError: no table, no column ``image``, or no image is there.
    """
    if root.is_dir():
        raise ReadError(expected="a table, CSV or Parquet", found="a folder", do="name the table itself", where=root)
    folder = (root.parent / (options.images or "")).resolve()
    by_image, problems = _by_image(_rows(root), root.name)
    records, missing = [], []
    for place, rows in by_image.items():
        if not (folder / place).is_file():
            missing.append(place)
            continue
        try:
            marks = [mark for number, row in rows if (mark := _mark(row, number, options))]
            records.append(own_record(folder / place, place, _said(rows), marks, options))
        except ReadError as error:
            problems.append(left_out(place, error))
    problems += missing_files(missing, len(by_image), folder)
    return Listing(folder, tuple(records), tuple(problems))


_Numbered = tuple[int, Row]


def _by_image(rows: Sequence[Row], table: str) -> tuple[Mapping[str, Sequence[_Numbered]], list[Problem]]:
    """The rows about each image with their numbers, and a problem where rows name none."""
    by_image: dict[str, list[_Numbered]] = defaultdict(list)
    for number, row in enumerate(rows, _FIRST_ROW):
        by_image[row["image"] and posix_path(row["image"])].append((number, row))
    unnamed = by_image.pop("", [])
    if not unnamed:
        return by_image, []
    found = f"none in row {unnamed[0][0]}" + (f" ({len(unnamed)} such)" if len(unnamed) > 1 else "")
    do = "name the image's file; these rows are left out"
    problem = Problem(kind="contradiction", path=table, expected="an image in every row", found=found, do=do)
    return by_image, [problem]


def _rows(path: Path) -> list[Row]:
    with path.open("rb") as file:
        parquet = file.read(len(_PARQUET)) == _PARQUET
    return _parquet_rows(path) if parquet else read_rows(path, ("image",))


def _parquet_rows(path: Path) -> list[Row]:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise ReadError(
            expected="the package pyarrow, to read Parquet",
            found="it is not installed",
            do='pip install "microcalc[data]", or write the table as CSV',
            where=path,
        ) from error
    try:
        rows = parquet.read_table(path).to_pylist()
    except (pyarrow.ArrowException, OSError) as error:
        found = str(error).partition("\n")[0]
        raise ReadError(expected="a Parquet table", found=found, do="write it anew", where=path) from error
    names = {name.strip().lower() for row in rows[:1] for name in row}
    if "image" not in names:
        found = f"no image among {', '.join(sorted(names)) or 'none'}"
        raise ReadError(expected="the column image", found=found, do="name the images' files in it", where=path)
    return [{name.strip().lower(): _text(value) for name, value in row.items()} for row in rows]


def _text(value: Any) -> str:
    """A value as CSV would have it; "" for none, and for NaN, which is how some programs write none."""
    return "" if value is None or value != value else str(value).strip()


def _said(rows: Sequence[_Numbered]) -> dict[str, str]:
    """What the rows of an image say of it, together.

    Raises:
        ReadError: two rows disagree.
    """
    said = dict.fromkeys(IMAGE_FACTS, "")
    for number, row in rows:
        for name, cell in facts_in(row).items():
            if cell and said[name] not in ("", cell):
                raise ReadError(
                    expected=f"one {name} in all rows of an image",
                    found=f"another one in row {number} than above it",
                    do="mend the row, or leave the cell empty",
                )
            said[name] = cell or said[name]
    return said


def _mark(row: Row, number: int, options: TabularOptions) -> Mark | None:
    """The finding of a row; None where the row is about the image as a whole.

    Raises:
        ReadError: the row has half a place.
    """
    try:
        x, y, diameter = (number_of(row.get(name, "")) for name in ("x", "y", "diameter_mm"))
        box = _box([number_of(row.get(edge, "")) for edge in _EDGES])
    except ReadError as error:
        found = f"{error.found} in row {number}"
        raise ReadError(expected=error.expected, found=found, do=error.do) from error
    if (x is None) != (y is None):
        raise ReadError(
            expected="x and y, or neither", found=f"only one in row {number}", do="complete the row, or leave both out"
        )
    if x is None or y is None:
        if box is None:
            return None
        x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    said = {name: row.get(name, "") for name in MARK_FACTS}
    label = (row.get("label") or options.label).lower()
    return Mark(label, x, y, box, None, diameter, said)


def _box(edges: Sequence[float | None]) -> Box | None:
    """The box of a row; None where it gives none.

    Raises:
        ReadError: edges are missing, or stand the wrong way round.
    """
    x0, y0, x1, y1 = edges
    if x0 is None or y0 is None or x1 is None or y1 is None:
        if edges.count(None) == len(edges):
            return None
        raise ReadError(expected="all of x0, y0, x1, y1, or none", found="only some", do="complete the row")
    if x0 > x1 or y0 > y1:
        found = f"{x0:g}, {y0:g}, {x1:g}, {y1:g}"
        raise ReadError(expected="a box with x0 <= x1 and y0 <= y1", found=found, do="exchange its edges")
    return x0, y0, x1, y1
