"""The tables of a training run as CSV, a file for each step that has numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from microcalc.findings import Record
from microcalc.output.table import cell_text, write_table


def write_tables(folder: Path, tables: Mapping[str, Sequence[Record]]) -> None:
    """Write a table for each name, a row for each record and a column for each of its fields; what is null is empty.

    Raises:
        WriteError: a table cannot be written.
    """
    for name, records in tables.items():
        rows = [dict(_cells(record.model_dump(mode="json"))) for record in records]
        header = list(dict.fromkeys(column for row in rows for column in row))
        write_table(folder / f"{name}.csv", header, [[row.get(column, "") for column in header] for row in rows])


def _cells(values: Mapping[str, Any], group: str = "") -> Iterator[tuple[str, str]]:
    """Column and text of each value, those of a group under its name."""
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _cells(value, f"{group}{name}.")
        else:
            yield f"{group}{name}", "" if value is None else cell_text(value) if isinstance(value, str) else str(value)
