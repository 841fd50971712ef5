"""decisions.csv: what a reviewer decided about each patch, and how the patches honour it."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Literal, get_args

from microcalc.errors import ReadError

Decision = Literal["keep", "drop", "unsure"]
UNDECIDED = "undecided"
COLUMNS = ("image", "x0", "y0", "size_px", "label", "decision", "at")


def read_decisions(path: Path) -> dict[str, Decision]:
    """Decisions by :attr:`~microcalc.patches.patch.Patch.key`; of several about one patch, the last.

    The file only grows: the word ``undecided`` takes back what was decided before. A last line without its line end is
    one that a crash cut short, and counts for nothing.

    Raises:
        ReadError: the file is missing, lacks columns, or has a line that is no decision.
    """
    try:
        whole, _, _ = path.read_bytes().rpartition(b"\n")
        text = whole.decode("utf-8-sig")  # a spreadsheet puts a mark before it
    except (OSError, ValueError) as error:
        raise _damaged(path, getattr(error, "strerror", None) or "another encoding than UTF-8") from error
    rows = csv.DictReader(io.StringIO(text, newline=""))
    if missing := set(COLUMNS) - set(rows.fieldnames or ()):
        raise _damaged(path, f"no column {', '.join(sorted(missing))}")
    found: dict[str, Decision] = {}
    for row in rows:
        key = f"{row['image']}@{row['x0']},{row['y0']},{row['size_px']}"
        if row["decision"] == UNDECIDED:
            found.pop(key, None)
            continue
        decision = next((known for known in get_args(Decision) if known == row["decision"]), None)
        if decision is None:
            raise _damaged(path, f"{row['decision']!r} in line {rows.line_num}")
        found[key] = decision
    return found


def _damaged(path: Path, found: str) -> ReadError:
    return ReadError(
        expected=f"decisions of a review: a CSV of {','.join(COLUMNS)}, with keep, drop or unsure",
        found=found,
        do="give the decisions.csv of a review, or mend that line",
        where=path,
    )
