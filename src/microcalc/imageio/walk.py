"""Files and folders in, the images among them out, always in the same order."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from microcalc.imageio.sniff import HEAD_BYTES, is_dicom

_RASTER_SUFFIXES = {".png", ".tif", ".tiff", ".pgm", ".pnm"}
_DICOM_SUFFIXES = {".dcm", ".dicom"}


@dataclass(frozen=True)
class Found:
    """A path to read.

    ``named``: the user named it outright, so that :class:`~microcalc.errors.NotAnImageError` is a failure; in a
    walked folder it is not.
    """

    path: Path
    named: bool


def find_images(inputs: Sequence[Path]) -> list[Found]:
    """Expand files and folders, in the order given and sorted by name within a folder; each file once.

    A path that is no folder is kept as it is, even if it is missing. In a folder (and its subfolders; links are
    followed) raster files count by suffix, DICOM files by content or suffix; hidden files, DICOMDIR and everything
    else are passed over. A file or folder that cannot be opened is kept, so that reading it says why.
    """
    found: dict[str, Found] = {}
    for path in map(Path, inputs):
        named = not _is_folder(path)
        for file in (path,) if named else _walk(path, set()):
            identity = os.path.realpath(file)
            # Named once is named, though an earlier folder held it too.
            if identity not in found or (named and not found[identity].named):
                found[identity] = Found(found[identity].path if identity in found else file, named)
    return list(found.values())


def _walk(folder: Path, visited: set[str]) -> Iterator[Path]:
    """The images below a folder; ``visited`` real paths stop loops of links."""
    real = os.path.realpath(folder)
    if real in visited:
        return
    visited.add(real)
    try:
        entries = sorted(folder.iterdir())
    except OSError:
        yield folder
        return
    for entry in entries:
        if entry.name.startswith(".") or entry.name.upper() == "DICOMDIR":
            continue
        if _is_folder(entry):
            yield from _walk(entry, visited)
        elif _is_candidate(entry):
            yield entry


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:
        return False


def _is_candidate(path: Path) -> bool:
    if path.suffix.lower() in _RASTER_SUFFIXES | _DICOM_SUFFIXES:
        return True
    try:
        if path.exists() and not path.is_file():  # opening a pipe or a device could wait for ever
            return False
        with path.open("rb") as file:
            return is_dicom(file.read(HEAD_BYTES))
    except OSError:
        return True
