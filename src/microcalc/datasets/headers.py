"""What an image file states about itself, read without its pixels."""

from __future__ import annotations

import re
import struct
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

from PIL import Image
from pydicom.dataset import Dataset

from microcalc.errors import ReadError
from microcalc.findings import Spacing
from microcalc.imageio.admission import admit
from microcalc.imageio.dataset import open_dicom
from microcalc.imageio.limits import check_dimensions
from microcalc.imageio.processing import is_for_processing
from microcalc.imageio.remarks import Remarks
from microcalc.imageio.sniff import HEAD_BYTES, is_dicom
from microcalc.imageio.spacing import header_spacing
from microcalc.imageio.tags import code, integer, quiet, raw, uid
from microcalc.imageio.view import read_side, read_view
from microcalc.mammogram import Side

_FORMATS = ("PNG", "JPEG", "TIFF", "PPM")
#: Makers of mammography units, by the words their files name them with: texts of a file are never quoted as they are.
_VENDORS = {
    "HOLOGIC": "Hologic",
    "LORAD": "Hologic",
    "GE MEDICAL": "GE",
    "GE HEALTHCARE": "GE",
    "SIEMENS": "Siemens",
    "PHILIPS": "Philips",
    "SECTRA": "Philips",
    "FUJI": "Fujifilm",
    "IMS": "IMS",
    "PLANMED": "Planmed",
    "KODAK": "Carestream",
    "CARESTREAM": "Carestream",
    "AGFA": "Agfa",
    "KONICA": "Konica Minolta",
}
_AGE = re.compile(r"(\d{3})Y")


@dataclass(frozen=True)
class Stated:
    """What a header says; None where it is silent, or where the format has no word for it."""

    rows: int
    columns: int
    sop_instance_uid: str | None = None
    #: StudyInstanceUID.
    study: str | None = None
    #: (row, column), mm.
    spacing_mm: Spacing | None = None
    side: Side | None = None
    #: ACR view code, as of :class:`~microcalc.mammogram.Mammogram`.
    view: str | None = None
    processing: Literal["FOR PRESENTATION", "FOR PROCESSING"] | None = None
    vendor: str | None = None
    #: Years.
    age: float | None = None
    #: What is doubtful about it.
    warnings: tuple[str, ...] = ()


def stated(path: Path) -> Stated:
    """Read the header of a DICOM, PNG, JPEG, TIFF or PGM file; the pixels are neither read nor checked.

    Raises:
        NotAnImageError: a sound DICOM object without an image.
        ReadError: the file is missing, damaged, or of another kind.
    """
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
            file.seek(0)
            return _dicom(file) if is_dicom(head) else _raster(file)
    except ReadError as error:
        raise type(error)(expected=error.expected, found=error.found, do=error.do, where=path) from error
    except OSError as error:
        raise ReadError(
            expected="a readable file", found=error.strerror or type(error).__name__, do="check the path", where=path
        ) from error


def vendor_of(manufacturer: str) -> str | None:
    """The maker of a unit by what a file states as Manufacturer; None for one that is not known here."""
    named = manufacturer.upper()
    return next((vendor for word, vendor in _VENDORS.items() if re.search(rf"\b{word}", named)), None)


def _dicom(file: BinaryIO) -> Stated:
    remarks = Remarks()
    with quiet():
        dicom = open_dicom(file)
        header = dicom.header
        admit(dicom, remarks, force=True)
        rows, columns = integer(header, "Rows") or 0, integer(header, "Columns") or 0
        check_dimensions(rows, columns, rows * columns)  # how long the pixels are is not known here
        view = read_view(header, remarks)
        return Stated(
            rows,
            columns,
            sop_instance_uid=uid(header, "SOPInstanceUID"),
            study=uid(header, "StudyInstanceUID"),
            spacing_mm=header_spacing(header, magnified="magnification" in view.modifiers, remarks=remarks),
            side=read_side(header, remarks),
            view=view.name,
            processing=_processing(header, remarks),
            vendor=vendor_of(str(raw(header, "Manufacturer") or "")),
            age=_age(header),
            warnings=tuple(remarks.warnings),
        )


def _processing(header: Dataset, remarks: Remarks) -> Literal["FOR PRESENTATION", "FOR PROCESSING"] | None:
    if is_for_processing(header, remarks):
        return "FOR PROCESSING"
    return "FOR PRESENTATION" if code(header, "PresentationIntentType") == "FOR PRESENTATION" else None


def _age(header: Dataset) -> float | None:
    years = _AGE.fullmatch(code(header, "PatientAge"))
    return float(years[1]) if years else None


def _raster(file: BinaryIO) -> Stated:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            image = Image.open(file, formats=_FORMATS)
        except (OSError, ValueError, SyntaxError, struct.error, Image.DecompressionBombError) as error:
            raise ReadError(
                expected="a DICOM, PNG, JPEG, TIFF or PGM file",
                found="an empty file" if not file.seek(0, 2) else "one that cannot be opened as such",
                do="fetch the file again, or leave it out",
            ) from error
    check_dimensions(image.height, image.width, image.height * image.width)
    return Stated(image.height, image.width)
