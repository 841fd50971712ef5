"""Tables as data sets have them: CSV of any dialect, and Excel sheets, as rows of text by column."""

from __future__ import annotations

import csv
import io
import itertools
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

from microcalc.errors import ReadError

#: By header in lower case.
Row = dict[str, str]

_DELIMITERS = (",", ";", "\t")
#: How far down a sheet's headers may stand.
_FIRST = 10
#: How ``.xlsx`` and ``.xls`` files begin.
_ZIP, _OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"


def read_rows(path: Path, columns: Sequence[str], *, delimiter: str | None = None) -> list[Row]:
    """The rows of a CSV file, however it was exported.

    A byte order mark, UTF-8 or Latin-1, line ends of several kinds and line breaks within quotes are all taken as they
    come. Headers are trimmed, put in lower case and freed of double spaces; values are trimmed. Empty lines are left
    out; what a short line lacks is "".

    Args:
        path: the file.
        columns: headers, in lower case, without which the file is of no use.
        delimiter: between columns; None: comma, semicolon or tab, whichever makes out the columns.

    Raises:
        ReadError: the file is missing, is no CSV, or lacks a column.
    """
    content = _content(path)
    if b"\0" in content:
        raise ReadError(expected="a CSV file in UTF-8", found="no plain text", do="export it anew", where=path)
    text = _decoded(content)
    try:
        tables = [list(_lines(text, mark)) for mark in (_DELIMITERS if delimiter is None else delimiter)]
    except csv.Error as error:
        raise ReadError(expected="a CSV file", found=str(error), do="download or export it anew", where=path) from error
    return _rows(max(tables, key=lambda table: _fit(table, columns)), columns, path)


def read_sheet(path: Path, columns: Sequence[str], *, sheet: str | None = None, skip: int | None = None) -> list[Row]:
    """The rows of a sheet of an Excel workbook (``.xlsx`` or ``.xls``, told by content), as :func:`read_rows` has them.

    Whole numbers lose the ".0" that a sheet gives them; dates are in ISO 8601.

    Args:
        path: the file.
        columns: headers, in lower case, without which the sheet is of no use.
        sheet: its name; None: the first.
        skip: rows above the headers; None: down to the first of the first rows that names all columns.

    Raises:
        ReadError: the file is missing, is no workbook, or lacks the sheet or a column; or a package to read it is not
            installed.
    """
    content = _content(path)
    if not content.startswith((_ZIP, _OLE)):
        raise _no_workbook(path)
    cells = _xlsx_cells if content.startswith(_ZIP) else _xls_cells
    try:
        lines = [[_text(value) for value in line] for line in cells(content, sheet, path)]
    except ImportError as error:
        raise ReadError(
            expected=f"the package {error.name}, to read Excel workbooks",
            found="it is not installed",
            do='pip install "microcalc[data]"',
            where=path,
        ) from error
    if skip is None:
        skip = next((n for n in range(min(len(lines), _FIRST)) if set(columns) <= set(_header(lines[n:]))), 0)
    return _rows(lines[skip:], columns, path)


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ReadError(
            expected="a table of the data set",
            found=error.strerror or type(error).__name__,
            do="check that the download is complete",
            where=path,
        ) from error


def _decoded(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def _lines(text: str, delimiter: str) -> Iterator[list[str]]:
    return csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True)


def _fit(lines: Sequence[Sequence[str]], columns: Sequence[str]) -> tuple[int, int]:
    """How many of the columns the first line names, and how many it has."""
    header = _header(lines)
    return len(set(columns) & set(header)), len(header)


def _header(lines: Sequence[Sequence[str]]) -> list[str]:
    return [" ".join(name.split()).lower() for name in lines[0]] if lines else []


def _rows(lines: Sequence[Sequence[str]], columns: Sequence[str], path: Path) -> list[Row]:
    header = _header(lines)
    lacking = [column for column in columns if column not in header]
    if lacking:
        raise ReadError(
            expected=f"the columns {', '.join(columns)}",
            found=f"no {', '.join(lacking)} among {', '.join(filter(None, header)) or 'none'}",
            do="download or export it anew, with its header",
            where=path,
        )
    stripped = ([value.strip() for value in line] for line in lines[1:])
    return [dict(itertools.zip_longest(header, line[: len(header)], fillvalue="")) for line in stripped if any(line)]


def _xlsx_cells(content: bytes, sheet: str | None, path: Path) -> Iterable[Iterable[Any]]:
    import openpyxl  # type: ignore[import-untyped]

    try:
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
    except (zipfile.BadZipFile, KeyError, ValueError, OSError) as error:
        raise _no_workbook(path) from error
    name = _named(sheet, book.sheetnames, path)
    return list(book[name].iter_rows(values_only=True))


def _xls_cells(content: bytes, sheet: str | None, path: Path) -> Iterable[Iterable[Any]]:
    import xlrd  # type: ignore[import-untyped]

    try:
        book = xlrd.open_workbook(file_contents=content, on_demand=True)
    except (xlrd.XLRDError, ValueError, IndexError, OSError) as error:
        raise _no_workbook(path) from error
    name = _named(sheet, book.sheet_names(), path)
    return [_dated(row, book.datemode) for row in book.sheet_by_name(name).get_rows()]


def _dated(cells: Iterable[Any], datemode: int) -> list[Any]:
    """Values of the cells of a row; dates, which are numbers in the file, as dates."""
    from xlrd import XL_CELL_DATE, xldate_as_datetime

    return [xldate_as_datetime(c.value, datemode) if c.ctype == XL_CELL_DATE else c.value for c in cells]


def _named(sheet: str | None, names: Sequence[str], path: Path) -> str:
    if sheet is None and names:
        return names[0]
    if sheet not in names or sheet is None:
        raise ReadError(
            expected=f"the sheet {sheet}" if sheet else "a workbook with a sheet",
            found=f"the sheets {', '.join(names)}" if names else "none",
            do="download it anew, or rename the sheet",
            where=path,
        )
    return sheet


def _no_workbook(path: Path) -> ReadError:
    return ReadError(expected="an Excel workbook", found="something else", do="download it anew", where=path)


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value)
