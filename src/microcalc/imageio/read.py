"""One door for every file: look at its first bytes, read it, and put the path on whatever went wrong."""

from __future__ import annotations

import dataclasses
import os
import stat
from pathlib import Path

import numpy as np

from microcalc.errors import ReadError
from microcalc.imageio.names import named_by_file
from microcalc.imageio.sniff import HEAD_BYTES, is_dicom, is_raster
from microcalc.mammogram import Mammogram, check_spacing

#: Header and user are said to disagree above this relative difference.
_SPACING_TOLERANCE = 0.01


def read_mammogram(
    path: str | os.PathLike[str], *, force: bool = False, spacing_mm: tuple[float, float] | float | None = None
) -> Mammogram:
    """Read one mammogram: DICOM, or an 8- or 16-bit grey PNG, JPEG, TIFF or PGM.

    Args:
        path: The file. Its content decides how it is read, not its suffix.
        force: Read DICOM objects of any modality and body part.
        spacing_mm: The true (row, column) pixel spacing at the detector in mm, or one number for both; wins over the
            file's own.

    Returns:
        Pixels of shape (rows, columns), float32 in 0..1, bright = radio-opaque, padding 0; spacing, side and view as
        far as the file tells (such a file tells side and view by its name at most); in ``notes`` what was
        chosen on the way, in ``warnings`` what is doubtful.

    Raises:
        NotAnImageError: a sound DICOM object without an image (a report, a presentation state, a segmentation).
        ReadError: the file is missing, unreadable, damaged, not a mammogram, or of a kind that is not supported.
        MicrocalcError: ``spacing_mm`` is not plausible.
    """
    path = Path(path)
    try:
        mammogram = dataclasses.replace(_read(path, force), path=path)
        _check_content(mammogram)
    except ReadError as error:
        raise type(error)(expected=error.expected, found=error.found, do=error.do, where=path) from error
    except OSError as error:
        raise ReadError(
            expected="a readable file", found=error.strerror or type(error).__name__, do="check the path", where=path
        ) from error
    return mammogram if spacing_mm is None else _with_user_spacing(mammogram, spacing_mm)


def _read(path: Path, force: bool) -> Mammogram:
    status = path.stat()
    if not (stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)):  # opening a pipe could wait for ever
        raise ReadError(expected="an image file", found="neither a file nor a folder", do="name the file itself")
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
        file.seek(0)
        if is_dicom(head):
            # Imported here, because pydicom takes a tenth of a second that a folder of PNGs need not pay.
            from microcalc.imageio.dicom import read_dicom

            return read_dicom(file, force=force)
        if is_raster(head):
            from microcalc.imageio.raster import read_raster

            return named_by_file(read_raster(file), path.stem)
    raise ReadError(
        expected="a DICOM, PNG, JPEG, TIFF or PGM file",
        found="an empty file" if status.st_size == 0 else "something else",
        do="convert it, or leave it out",
    )


def _check_content(mammogram: Mammogram) -> None:
    level = float(mammogram.pixels[0, 0])
    if (mammogram.pixels == level).all():
        raise ReadError(
            expected="an image that shows something",
            found=f"{level:g} in every pixel",
            do="check the file; its pixels or its display window may be damaged",
        )


def _with_user_spacing(mammogram: Mammogram, spacing_mm: tuple[float, float] | float) -> Mammogram:
    row, column = np.broadcast_to(np.asarray(spacing_mm, np.float64), 2).tolist()
    given = (row, column)
    check_spacing(given, where=mammogram.path)
    header = mammogram.spacing_mm
    if header is None or all(abs(g - h) <= _SPACING_TOLERANCE * h for g, h in zip(given, header, strict=True)):
        return mammogram.with_spacing(given, "user")
    doubt = f"the given spacing {given[0]:g} x {given[1]:g} mm replaces the file's {header[0]:g} x {header[1]:g} mm"
    return mammogram.with_spacing(given, "user", doubt)
