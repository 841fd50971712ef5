"""Systems to be scored: what their files say, in whatever format."""

from __future__ import annotations

import codecs
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from microcalc.errors import ReadError
from microcalc.evaluation.detections import Array, Detections
from microcalc.findings import DetectorInfo


@dataclass(frozen=True, eq=False)
class SystemImage:
    """What one system says of one image."""

    #: POSIX, as :func:`~microcalc.datasets.folders.posix_path` makes it.
    path: str
    sop_instance_uid: str | None
    marks: Detections
    #: None: the file does not tell clusters from marks, and each row is whatever the rule asks for.
    clusters: Detections | None
    #: (row, column), mm; None where the file does not say.
    spacing_mm: tuple[float, float] | None
    breast_area_cm2: float | None
    #: (rows, columns); None where the file does not say.
    shape: tuple[int, int] | None
    #: (marks,) mm, NaN where unknown, of a file without the spacing to turn them into boxes; else None.
    diameter_mm: Array | None = None


@dataclass(frozen=True, eq=False)
class System:
    """One file of detections."""

    name: str
    source: Path
    sha256: str
    detector: DetectorInfo | None
    images: tuple[SystemImage, ...]
    #: Paths of images that the system failed on.
    failed: tuple[str, ...]


def read_content(path: Path, expected: str) -> tuple[bytes, str]:
    """The bytes of a file from its first character on, without a byte-order mark; the SHA-256 of all of them.

    Raises:
        ReadError: it cannot be read, or is empty.
    """
    try:
        stored = path.read_bytes()
    except OSError as error:
        found = error.strerror or str(error)
        raise ReadError(expected=expected, found=found, do="check the path", where=path) from error
    content = stored.removeprefix(codecs.BOM_UTF8).lstrip(b" \r\n")
    if not content:
        raise ReadError(expected=expected, found="an empty file", do="write it anew", where=path)
    return content, hashlib.sha256(stored).hexdigest()


def schema_of(content: bytes, path: Path, expected: str) -> object:
    """What a JSON file of this package says it is; None for anybody else's.

    Raises:
        ReadError: it begins as JSON and is none.
    """
    try:
        document = json.loads(content) if content.startswith(b"{") else {}
    except (ValueError, RecursionError) as error:
        raise ReadError(expected=expected, found=f"no JSON: {error}", do="write it anew", where=path) from error
    return document.get("schema")
