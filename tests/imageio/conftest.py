"""Writers of small DICOM files, and what the tests need to skip."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import UID, DigitalMammographyXRayImageStorageForPresentation, ExplicitVRLittleEndian

WriteDicom = Callable[..., Path]
DcmtkTool = Callable[..., Path]

#: The smallest attributes of a mammogram for presentation; tests replace or, with None, remove them.
MAMMOGRAM = {
    "SOPClassUID": DigitalMammographyXRayImageStorageForPresentation,
    "SOPInstanceUID": "1.2.3.4",
    "StudyInstanceUID": "1.2.3",
    "PatientName": "Secret^Name",
    "PatientID": "secret-id",
    "Modality": "MG",
    "PresentationIntentType": "FOR PRESENTATION",
    "PhotometricInterpretation": "MONOCHROME2",
    "SamplesPerPixel": 1,
    "PixelRepresentation": 0,
}


def data_set(
    stored: NDArray[Any],
    bits: int | None = None,
    syntax: UID = ExplicitVRLittleEndian,
    pixel_vr: str | None = None,
    **attributes: Any,
) -> Dataset:
    """A data set around stored values of shape (rows, columns) or (rows, columns, samples)."""
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = syntax
    word = 8 * stored.dtype.itemsize
    ds.Rows, ds.Columns = stored.shape[:2]
    ds.BitsAllocated, ds.BitsStored, ds.HighBit = word, bits or word, (bits or word) - 1
    for keyword, value in (MAMMOGRAM | attributes).items():
        if value is None:
            if keyword in ds:
                delattr(ds, keyword)
        elif isinstance(value, DataElement):  # with a value representation that pydicom would not choose
            ds[keyword] = value
        else:
            setattr(ds, keyword, value)
    if "PixelData" not in attributes:
        ds.PixelData = stored.tobytes() if syntax.is_little_endian else stored.byteswap().tobytes()
    if "PixelData" in ds:
        ds["PixelData"].VR = pixel_vr or ("OB" if word == 8 else "OW")
    return ds


@pytest.fixture
def write_dicom(tmp_path: Path) -> WriteDicom:
    """Write stored values and attributes to a file: ``write_dicom(stored, bits=12, Rows=None) -> path``.

    ``frame`` puts an already compressed stream in place of the pixels.
    """

    def write(stored: NDArray[Any], *, name: str = "image.dcm", frame: bytes | None = None, **options: Any) -> Path:
        if frame is not None:
            options["PixelData"] = encapsulate([frame])
        ds = data_set(stored, **options)
        if frame is not None:
            ds["PixelData"].is_undefined_length = True
        path = tmp_path / name
        ds.save_as(path, enforce_file_format=True)
        return path

    return write


@pytest.fixture
def dcmtk(tmp_path: Path) -> DcmtkTool:
    """Run a tool of dcmtk on a file: ``dcmtk("dcmcjpeg", path, "+e1") -> new path``; skips without dcmtk."""

    def run(tool: str, source: Path, *options: str) -> Path:
        program = shutil.which(tool)
        if program is None:
            pytest.skip(f"dcmtk's {tool} is not installed")
        target = tmp_path / f"{tool}.dcm"
        subprocess.run([program, *options, source, target], check=True, capture_output=True)
        return target

    return run


@pytest.fixture(scope="session")
def texture() -> NDArray[np.uint16]:
    """(48, 40) 12-bit values, no two neighbours alike, the largest 4032."""
    y, x = np.mgrid[:48, :40]
    return (x * 60 + y * 36).astype(np.uint16)
