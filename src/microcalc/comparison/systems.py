"""Systems to be scored, read from whatever file their detections are in."""

from __future__ import annotations

import codecs
import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from microcalc.errors import ReadError
from microcalc.evaluation.detections import Array, Detections
from microcalc.findings import DetectorInfo

_DETECTIONS = "detections: findings.json, COCO results or CSV"


@dataclass(frozen=True, eq=False)
class SystemImage:
    """What one system says of one image."""

    #: POSIX, as :func:`posix_path` makes it.
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


def read_system(path: Path, name: str | None = None, *, images: Path | None = None) -> System:
    """Read one file of detections; its content, not its name, tells the format.

    Args:
        path: ``microcalc.findings/1``, COCO results or CSV (docs/reference/evaluation-inputs.md).
        name: what a report calls the system; else the detector that the findings name, or the file's name.
        images: COCO annotation file that says which file each number in ``image_id`` is; other formats need none.

    Raises:
        ReadError: a file is missing, empty, damaged or of another kind, or something in it makes no sense.
        UsageError: COCO results number their images, and nothing says which files those are.
    """
    # These readers build the types above.
    from microcalc.comparison.system_coco import images_of_coco
    from microcalc.comparison.system_csv import images_of_csv
    from microcalc.comparison.system_findings import images_of_report, read_report

    content = read_content(path, _DETECTIONS)
    detector, failed = None, tuple[str, ...]()
    if not content.startswith((b"{", b"[")):
        found = images_of_csv(content, path)
    elif (schema := schema_of(content, path, _DETECTIONS)) is None:
        found = images_of_coco(content, path, images)
    else:
        report = read_report(path, schema)
        found, detector = images_of_report(report), report.detector
        failed = tuple(posix_path(failure.path) for failure in report.failed)
    _check_listed_once(found, failed, path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return System(name or (detector.name if detector else path.stem), path, digest, detector, found, failed)


def read_content(path: Path, expected: str) -> bytes:
    """The bytes of a file from its first character on, without a byte-order mark.

    Raises:
        ReadError: it cannot be read, or is empty.
    """
    try:
        content = path.read_bytes().removeprefix(codecs.BOM_UTF8).lstrip(b" \r\n")
    except OSError as error:
        found = error.strerror or str(error)
        raise ReadError(expected=expected, found=found, do="check the path", where=path) from error
    if not content:
        raise ReadError(expected=expected, found="an empty file", do="write it anew", where=path)
    return content


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


def posix_path(path: str) -> str:
    """A path as files are compared: forward slashes, no ``./``, letter case kept."""
    return PurePosixPath(path.replace("\\", "/")).as_posix()


def _check_listed_once(images: Sequence[SystemImage], failed: Iterable[str], path: Path) -> None:
    names = [*(image.path for image in images), *failed]
    uids = [image.sop_instance_uid for image in images if image.sop_instance_uid is not None]
    for what, listed in (("its path", names), ("its SOPInstanceUID", uids)):
        twice = [name for name, times in Counter(listed).items() if times > 1]
        if twice:
            raise ReadError(
                expected=f"each image once, by {what}",
                found=f"{len(twice)} more than once, such as {twice[0]}",
                do="keep one of each",
                where=path,
            )
