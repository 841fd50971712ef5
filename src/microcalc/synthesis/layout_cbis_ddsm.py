"""CBIS-DDSM's layout: the DICOM tree of the current downloader, and the case descriptions as CSV.

Every picture is a case of its own; every finding on it is another case with a mask of the whole picture and a crop.
As in the set, pixels have 16 bits and no spacing, and some findings have traps that readers must stand: a mask of
another size than its picture, or mask and crop in each other's place. Which ones follows from their numbers.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage, generate_uid

from microcalc.synthesis.layout_parts import (
    Region,
    assess,
    check_number,
    monochrome2,
    named_view,
    regions,
    store,
    write_text,
)
from microcalc.truth import ImageTruth

if TYPE_CHECKING:
    from microcalc.synthesis.study import Picture

Grey = NDArray[np.uint8] | NDArray[np.uint16]

#: Case names hold five digits.
_PATIENTS = 99_999
#: One finding in so many has mask and crop swapped, one in so many a mask shrunk by the factor.
_SWAPPED_EVERY, _SHRUNK_EVERY, _SHRUNK = 5, 4, 0.87
#: Crops reach this far beyond their finding, pixels.
_MARGIN = 16
#: As DICOM, and folders and tables, have it.
_DATE, _FOLDER_DATE = "20160807", "08-07-2016"
_FULL, _ROI, _CROP = "full mammogram images", "ROI mask images", "cropped images"
_SIDES = {"L": "LEFT", "R": "RIGHT"}
_DENSITY = {"A": 1, "B": 2, "C": 3, "D": 4, None: 0}
_MORPHOLOGY = {
    "round": "ROUND_AND_REGULAR",
    "punctate": "PUNCTATE",
    "amorphous": "AMORPHOUS",
    "coarse heterogeneous": "COARSE-PLEOMORPHIC",
    "fine pleomorphic": "PLEOMORPHIC",
    "fine linear branching": "FINE_LINEAR_BRANCHING",
    "lucent centre": "LUCENT_CENTER",
    "vascular": "VASCULAR",
    "popcorn": "COARSE",
    "rod-like": "LARGE_RODLIKE",
    "rim": "EGGSHELL",
}
_DISTRIBUTION = {"grouped": "CLUSTERED", "diffuse": "DIFFUSELY_SCATTERED"}
#: Subtlety 1 (hardly seen) to 5 (obvious): how many of these SNRs a finding exceeds, and one.
_SUBTLETY_SNR = (4.0, 6.0, 9.0, 13.0)
_CASES = (
    "patient_id,breast density,left or right breast,image view,abnormality id,abnormality type,calc type,"
    "calc distribution,assessment,pathology,subtlety,image file path,cropped image file path,ROI mask file path"
)
_SERIES = (
    "Series UID,Collection,3rd Party Analysis,Data Description URI,Subject ID,Study UID,Study Description,Study Date,"
    "Series Description,Manufacturer,Modality,SOP Class Name,SOP Class UID,Number of Images,File Size,File Location,"
    "Download Timestamp"
)


@dataclass(frozen=True)
class _Series:
    """One folder of the tree: the picture of a case, or mask and crop of a finding."""

    case: str
    description: str
    study: str

    @property
    def uid(self) -> str:
        return generate_uid(entropy_srcs=[self.study, self.case])

    @property
    def folder(self) -> str:
        """Below the root; folders end in the last digits of the UIDs."""
        examination = f"{_FOLDER_DATE}-DDSM-NA-{self.study[-5:]}"
        return f"CBIS-DDSM/{self.case}/{examination}/1.000000-{self.description}-{self.uid[-5:]}"

    def described(self, file: int) -> str:
        """The path that the case descriptions give for file 0 or 1."""
        return f"{self.case}/{self.study}/{self.uid}/{file:06d}.dcm"


def check(number: int) -> None:
    """Raise UsageError for a patient's number that the set's names cannot hold."""
    check_number(number, _PATIENTS, "cbis_ddsm")


def write(root: Path, picture: Picture) -> ImageTruth:
    """Write one picture, and mask and crop of each finding."""
    side, view = named_view(picture.truth)
    part = "Test" if picture.truth.split == "test" else "Training"
    case = f"Calc-{part}_P_{picture.number:05d}_{_SIDES[side]}_{view}"
    full = _Series(case, _FULL, generate_uid(entropy_srcs=[picture.identity.key, case]))
    pixels = monochrome2(picture) << np.uint16(16 - picture.device.bits)
    image = _capture(full, 1, _FULL, pixels)
    # The set has the view where DICOM has the directions of rows and columns.
    image.Laterality, image.PatientOrientation = side, view
    path = f"{full.folder}/1-1.dcm"
    store(image, root / path)
    truth = picture.truth.model_copy(
        update={"path": path, "sop_instance_uid": image.SOPInstanceUID, "study": full.study}
    )
    for number, region in enumerate(regions(truth), start=1):
        _write_finding(root, _finding(full, number), region, pixels, picture.number + picture.instance + number)
    return truth


def _write_finding(root: Path, series: _Series, region: Region, pixels: NDArray[np.uint16], turn: int) -> None:
    mask = _mask(region, pixels.shape, _SHRUNK if turn % _SHRUNK_EVERY == 0 else 1.0)
    x0, y0, x1, y1 = region.pixel_box(pixels.shape)
    crop = pixels[max(y0 - _MARGIN, 0) : y1 + 1 + _MARGIN, max(x0 - _MARGIN, 0) : x1 + 1 + _MARGIN]
    pair: list[tuple[str, Grey]] = [(_ROI, mask), (_CROP, crop)]
    for instance, (description, values) in enumerate(pair[:: -1 if turn % _SWAPPED_EVERY == 0 else 1], start=1):
        store(_capture(series, instance, description, values), root / series.folder / f"1-{instance}.dcm")


def _mask(region: Region, shape: Sequence[int], scale: float) -> NDArray[np.uint8]:
    """0 and 255 over the whole picture, or over a smaller copy of it."""
    mask = np.zeros([max(1, round(length * scale)) for length in shape], np.uint8)
    ratio = np.array(mask.shape[::-1]) / shape[::-1]
    cv2.fillPoly(mask, [np.round((region.outline + 0.5) * ratio - 0.5).astype(np.int32)], 255)
    return mask


def finish(root: Path, images: Sequence[ImageTruth]) -> None:
    """Write ``metadata.csv`` (a row for each series) and both calcification case descriptions (one for each finding).

    Pictures without a finding are in the tree alone: the set has none.
    """
    ordered = sorted(images, key=lambda truth: truth.path)
    series = (_metadata(root, one) for truth in ordered for one in _all_series(truth))
    write_text(root / "metadata.csv", _table(_SERIES, series, "\n"))
    for part, name in (("Training", "train"), ("Test", "test")):
        rows = (row for truth in ordered if f"Calc-{part}_" in truth.path for row in _descriptions(truth))
        write_text(root / f"calc_case_description_{name}_set.csv", _table(_CASES, rows, "\r\n"))


def _full(truth: ImageTruth) -> _Series:
    return _Series(PurePosixPath(truth.path).parts[1], _FULL, str(truth.study))


def _finding(full: _Series, number: int) -> _Series:
    case = f"{full.case}_{number}"
    return _Series(case, _ROI, generate_uid(entropy_srcs=[full.study, case]))


def _all_series(truth: ImageTruth) -> Iterator[_Series]:
    full = _full(truth)
    yield full
    for number in range(1, len(regions(truth)) + 1):
        yield _finding(full, number)


def _descriptions(truth: ImageTruth) -> Iterator[tuple[object, ...]]:
    """A row for each finding of a picture; the crop's path ends in a line break, as in the set."""
    full = _full(truth)
    patient, side, view = re.findall(r"(P_\d+)_(LEFT|RIGHT)_(\w+)", full.case)[0]
    for number, region in enumerate(regions(truth), start=1):
        series = _finding(full, number)
        assessment = assess([region.pathology], patient, side)[0].replace("6", "5")
        yield (
            patient,
            _DENSITY[truth.density],
            side,
            view,
            number,
            "calcification",
            _MORPHOLOGY.get(str(region.morphology), "N/A"),
            _distribution(region),
            assessment,
            _pathology(region, assessment),
            1 + sum((region.snr or 0.0) > snr for snr in _SUBTLETY_SNR),
            full.described(0),
            series.described(1) + "\n",
            series.described(0),
        )


def _distribution(region: Region) -> str:
    return "N/A" if region.distribution is None else _DISTRIBUTION.get(region.distribution, region.distribution.upper())


def _pathology(region: Region, assessment: str) -> str:
    if region.pathology == "malignant":
        return "MALIGNANT"
    return "BENIGN_WITHOUT_CALLBACK" if assessment == "2" else "BENIGN"


def _metadata(root: Path, series: _Series) -> tuple[object, ...]:
    files = list((root / series.folder).glob("*.dcm"))
    megabytes = sum(file.stat().st_size for file in files) / 1e6
    return (
        *(series.uid, "CBIS-DDSM", "", "", series.case, series.study, "", _FOLDER_DATE, series.description, "", "MG"),
        *(SecondaryCaptureImageStorage.name, SecondaryCaptureImageStorage, len(files), f"{megabytes:.2f} MB"),
        *(f"./{series.folder}", "2016-08-07T12:00:00"),
    )


def _table(header: str, rows: Iterator[tuple[object, ...]], line_end: str) -> str:
    text = io.StringIO()
    text.write(header + line_end)
    csv.writer(text, lineterminator=line_end).writerows(rows)
    return text.getvalue()


def _capture(series: _Series, instance: int, description: str, pixels: Grey) -> FileDataset:
    """A Secondary Capture object of 8 or 16 bits; the patient in it is the case, as in the set."""
    uid = generate_uid(entropy_srcs=[series.uid, str(instance)])
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = SecondaryCaptureImageStorage, uid
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    image = FileDataset(io.BytesIO(), {}, file_meta=meta, preamble=bytes(128))
    image.SOPClassUID, image.SOPInstanceUID = SecondaryCaptureImageStorage, uid
    image.PatientName = image.PatientID = series.case
    image.PatientBirthDate = image.PatientSex = ""
    image.StudyInstanceUID, image.SeriesInstanceUID = series.study, series.uid
    image.StudyDate = image.ContentDate = _DATE
    image.StudyTime = image.ContentTime = "120000"
    image.StudyID, image.SeriesNumber, image.InstanceNumber = "DDSM", 1, instance
    image.SeriesDescription = description
    image.AccessionNumber = image.ReferringPhysicianName = ""
    image.Modality, image.ConversionType, image.BodyPartExamined = "MG", "WSD", "BREAST"
    image.set_pixel_data(pixels, "MONOCHROME2", 8 * pixels.itemsize, generate_instance_uid=False)
    return image
