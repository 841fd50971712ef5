"""Whether a folder of mammograms marks findings: those images are not known to be normal."""

from __future__ import annotations

import re
from pathlib import Path

from microcalc.errors import ReadError, UsageError

#: Files that mark findings: pattern of the path below the folder, pattern of what it then holds (None: whatever it
#: holds), and what it is.
_ANNOTATIONS = (
    (r"(^|/)truth\.json$", rb'"(calcifications|clusters)":\s*\[\s*\{', "a truth.json that lists calcifications"),
    (r"\.xml$", rb"<!DOCTYPE plist", "region files in XML, as INbreast has them"),
    (r"(^|/)inbreast\.(csv|xlsx?)$", None, "INbreast's table of findings"),
    (r"(^|/)(calc|mass)_case_description\w*\.csv$", None, "case descriptions, as CBIS-DDSM has them"),
    (r"(^|/)imagedb_[^/]*\.json$", rb'"MarkID"', "marks in JSON, as OMI-DB has them"),
    (r"(^|/)info\.txt$", rb"\bCALC\b", "an Info.txt that lists calcifications, as mini-MIAS has it"),
    (r"\.json$", rb'"annotations":\s*\[\s*\{', "annotations in JSON, as COCO has them"),
    (r"_gt\.\w+$", None, "ground-truth images (*_GT), as BMCD has them"),
    (r"(?<![a-z])masks?(?![a-z]).*\.(png|tiff?|pgm|jpe?g|bmp|dcm)$", None, "mask images"),
)


def refuse_annotated(folder: Path) -> None:
    """Raise UsageError where something below the folder marks calcifications: those images are not known normals."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    found = next((kind for path in files if (kind := _annotation(path, folder))), None)
    if found:
        raise UsageError(
            expected="normal mammograms without annotations",
            found=found,
            do="name a folder that holds images without findings only",
            where=folder,
        )


def _annotation(path: Path, folder: Path) -> str | None:
    """What kind of annotation a file is; None: it is none."""
    name = path.relative_to(folder).as_posix().lower()
    for named, holds, kind in _ANNOTATIONS:
        if re.search(named, name) and (holds is None or re.search(holds, _content(path))):
            return kind
    return None


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ReadError(
            expected="files that can be read", found=error.strerror or "none", do="check the permissions", where=path
        ) from error
