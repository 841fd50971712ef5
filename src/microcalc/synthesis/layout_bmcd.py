"""BMCD's layout: one folder for each breast, DICOM files, a JPEG with red marks for each, one workbook.

``Dataset_v3/<Normal_cases|Suspicious_cases>/<folder>/<CC|MLO>_recent.dcm`` and ``.._recent_GT.jpg``. Folder 2n - 1 is
the left breast of patient n, 2n the right one. No prior mammograms are written: there is only one examination.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from microcalc.errors import UsageError
from microcalc.output.files import replacing
from microcalc.synthesis.layout_parts import as_dicom, assess, breasts, monochrome2, named_view, outline, store
from microcalc.truth import ImageTruth

if TYPE_CHECKING:
    from microcalc.synthesis.study import Picture

#: The marks are drawn on a smaller copy of the picture, by this factor.
_SHRINK = 2
_RED_BGR = (0, 0, 255)
#: In folders with such numbers, MLO files end in .DCM, and biopsies found DCIS alone.
_CAPITALS_EVERY, _DCIS_EVERY = 5, 3
_COLUMNS = (
    "Folder #",
    "Breast (Right/Left)",
    "Age (at the time of the recent mammogram)",
    "BI-RADS categories for breast density",
    "BI-RADS categories for classification ",  # the blank is the set's own
)
_SIDES = {"L": "Left", "R": "Right"}


def check(number: int) -> None:
    """Raise UsageError unless openpyxl, which the workbook needs, is installed; ``number`` may be any."""
    _openpyxl()


def write(root: Path, picture: Picture) -> ImageTruth:
    """Write one picture, and its copy with every calcification filled red."""
    side, view = named_view(picture.truth)
    folder = 2 * picture.number - (side == "L")
    kind = "Normal_cases" if picture.truth.normal else "Suspicious_cases"
    ending = "DCM" if view == "MLO" and folder % _CAPITALS_EVERY == 0 else "dcm"
    path = f"Dataset_v3/{kind}/{folder}/{view}_recent.{ending}"
    store(as_dicom(picture), root / path)
    with replacing((root / path).with_name(f"{view}_recent_GT.jpg")) as file:
        file.write(_marked(picture))
    return picture.truth.model_copy(update={"path": path})


def finish(root: Path, images: Sequence[ImageTruth]) -> None:
    """Write ``Description.xlsx``: a sheet for each kind of case, the column names in its third row.

    Raises:
        UsageError: openpyxl is not installed.
    """
    book = _openpyxl().Workbook()
    book.remove(book.active)
    found = breasts(images)
    # Both views of a breast give the same row: one is enough.
    cases = {_case(truth): truth for truth in images}
    for kind, columns in (("Normal_cases", _COLUMNS), ("Suspicious_cases", (*_COLUMNS, "Biopsy results"))):
        sheet = book.create_sheet(kind)
        sheet.append([kind.replace("_", " ")])
        sheet.append([])
        sheet.append(columns)
        for (_, folder), truth in sorted(item for item in cases.items() if item[0][0] == kind):
            birads = assess(found[truth.patient, truth.side], str(truth.patient), str(truth.side))
            row = [folder, _SIDES.get(str(truth.side)), truth.age, truth.density, birads.replace("6", "5")]
            sheet.append([*row, _biopsy(birads, folder)][: len(columns)])
    with replacing(root / "Description.xlsx") as file:
        book.save(file)


def _case(truth: ImageTruth) -> tuple[str, int]:
    """Kind of case and number of the folder."""
    folder = Path(truth.path).parent
    return folder.parent.name, int(folder.name)


def _biopsy(birads: str, folder: int) -> str:
    if birads[0] < "4":
        return "NOT AVAILABLE"
    return "DCIS" if folder % _DCIS_EVERY == 0 else "MALIGNANT"


def _marked(picture: Picture) -> bytes:
    """JPEG of the picture at half its size, 8 bit, with every calcification filled red."""
    pixels = monochrome2(picture)
    size = (max(1, pixels.shape[1] // _SHRINK), max(1, pixels.shape[0] // _SHRINK))
    grey = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA) * (255 / picture.device.full)
    marked = cv2.cvtColor(np.round(grey).astype(np.uint8), cv2.COLOR_GRAY2BGR)
    cv2.fillPoly(marked, [_shrunk(outline(mark)) for mark in picture.truth.calcifications], _RED_BGR)
    # Full colour resolution: small marks would fade.
    sampling = (cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444)
    return bytes(cv2.imencode(".jpg", marked, [cv2.IMWRITE_JPEG_QUALITY, 95, *sampling])[1])


def _shrunk(points: NDArray[np.float64]) -> NDArray[np.int32]:
    return np.round((points + 0.5) / _SHRINK - 0.5).astype(np.int32)


def _openpyxl() -> ModuleType:
    try:
        import openpyxl  # type: ignore[import-untyped]
    except ImportError as error:
        raise UsageError(
            expected="the package openpyxl for the layout bmcd",
            found="none",
            do='install it with: pip install "microcalc[data]"',
        ) from error
    module: ModuleType = openpyxl
    return module
