"""The truth to score against."""

from __future__ import annotations

from pathlib import Path

from microcalc.comparison.systems import read_content, schema_of
from microcalc.errors import ReadError
from microcalc.truth import Truth


def read_truth(path: Path) -> Truth:
    """Read a file of ``microcalc.truth/1``.

    Raises:
        ReadError: the file is missing, damaged, or holds detections.
    """
    schema = Truth.model_fields["schema_"].default
    expected = f"truth ({schema})"
    found = schema_of(read_content(path, expected), path, expected)
    if found not in (None, schema):
        raise ReadError(
            expected=expected,
            found=f"a file of {found}",
            do="give findings as --findings, and what is known about the images as --truth",
            where=path,
        )
    return Truth.from_json(path)
