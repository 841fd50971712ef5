"""A synthetic mammogram as a Digital Mammography X-Ray Image for presentation (DICOM PS3.3 A.27)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.sr.coding import Code
from pydicom.uid import UID, DigitalMammographyXRayImageStorageForPresentation, ExplicitVRLittleEndian, generate_uid

from microcalc import __version__
from microcalc.mammogram import Side
from microcalc.synthesis.outline import View

MANUFACTURER = "microcalc synthetic"
#: Fixed, so that equal seeds give equal files.
_DATE, _TIME = "20250101", "120000"

#: CID 4014, SNOMED CT.
_VIEW_CODES = {
    "CC": Code("399162004", "SCT", "cranio-caudal"),
    "MLO": Code("399368009", "SCT", "medio-lateral oblique"),
}
#: Directions of rows and columns: chest wall at the left edge for left breasts, mirrored for right ones.
_ORIENTATION = {
    ("L", "CC"): ["A", "R"],
    ("R", "CC"): ["P", "L"],
    ("L", "MLO"): ["A", "FR"],
    ("R", "MLO"): ["P", "FL"],
}


@dataclass(frozen=True)
class StudyIdentity:
    """Who and what the images of one study belong to; ``key`` is what its UIDs are made from."""

    patient: str
    age: int
    key: str

    def uid(self, *of: str) -> UID:
        """Unique identifier of a part of the study, the same for the same key."""
        return generate_uid(entropy_srcs=[self.key, *of])


def write_image(
    path: Path,
    pixels: NDArray[np.uint16],
    study: StudyIdentity,
    side: Side,
    view: View,
    *,
    instance: int,
    spacing_mm: float,
) -> UID:
    """Write one image, 12 bit in uint16, explicit VR little endian; return its SOPInstanceUID.

    Raises:
        OSError: the file cannot be written.
    """
    uid = study.uid(side, view)
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = DigitalMammographyXRayImageStorageForPresentation
    meta.MediaStorageSOPInstanceUID = uid
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    image = FileDataset(path, {}, file_meta=meta, preamble=bytes(128))
    image.SOPClassUID, image.SOPInstanceUID = DigitalMammographyXRayImageStorageForPresentation, uid
    _describe_study(image, study)
    _describe_view(image, side, view)
    _describe_acquisition(image, instance, spacing_mm)
    _attach_pixels(image, pixels)
    image.save_as(path, enforce_file_format=True)
    return uid


def _describe_study(image: Dataset, study: StudyIdentity) -> None:
    """Patient, study, series, equipment, and that none of it is a person."""
    image.PatientName = "SYNTHETIC^PHANTOM"
    image.PatientID = study.patient
    image.PatientBirthDate = ""
    image.PatientSex = "F"
    image.PatientAge = f"{study.age:03d}Y"
    image.PatientIdentityRemoved = "YES"
    image.DeidentificationMethod = "No patient: computed from random numbers"
    image.StudyInstanceUID, image.SeriesInstanceUID = study.uid("study"), study.uid("series")
    image.StudyDate = image.SeriesDate = image.AcquisitionDate = image.ContentDate = _DATE
    image.StudyTime = image.SeriesTime = image.AcquisitionTime = image.ContentTime = _TIME
    image.StudyID = "1"
    image.SeriesNumber = 1
    image.AccessionNumber = ""
    image.ReferringPhysicianName = ""
    image.StudyDescription = "Synthetic mammography"
    image.Modality = "MG"
    image.PresentationIntentType = "FOR PRESENTATION"
    image.Manufacturer = MANUFACTURER
    image.ManufacturerModelName = "phantom"
    image.SoftwareVersions = __version__


def _describe_view(image: Dataset, side: Side, view: View) -> None:
    """Which breast, from where, and how it lies on the picture."""
    image.ImageLaterality = side
    image.OrganExposed = "BREAST"
    image.BodyPartExamined = "BREAST"
    image.AnatomicRegionSequence = [_coded(Code("76752008", "SCT", "Breast"))]
    code = _coded(_VIEW_CODES[view])
    code.ViewModifierCodeSequence = []
    image.ViewCodeSequence = [code]
    image.ViewPosition = view
    image.PatientOrientation = _ORIENTATION[side, view]
    image.PositionerType = "MAMMOGRAPHIC"
    image.BreastImplantPresent = "NO"
    image.PartialView = "NO"


def _describe_acquisition(image: Dataset, instance: int, spacing_mm: float) -> None:
    image.InstanceNumber = instance
    # Computed for presentation, no exposure's own values: ORIGINAL would claim an acquisition.
    image.ImageType = ["DERIVED", "PRIMARY"]
    image.DerivationDescription = "Simulated attenuation, blur, noise and presentation look"
    image.ImagerPixelSpacing = [spacing_mm, spacing_mm]
    image.DetectorType = "DIRECT"
    image.AcquisitionContextSequence = []
    # The marker names a side and a view, no patient.
    image.BurnedInAnnotation = "NO"
    image.LossyImageCompression = "00"


def _attach_pixels(image: Dataset, pixels: NDArray[np.uint16]) -> None:
    """12-bit greyscale and how to show it: stored values are presentation values, one window spans them all."""
    image.Rows, image.Columns = pixels.shape
    image.SamplesPerPixel = 1
    image.PhotometricInterpretation = "MONOCHROME2"
    image.BitsAllocated, image.BitsStored, image.HighBit = 16, 12, 11
    image.PixelRepresentation = 0
    image.PixelIntensityRelationship = "LOG"
    image.PixelIntensityRelationshipSign = -1
    image.RescaleIntercept, image.RescaleSlope, image.RescaleType = 0, 1, "US"
    image.PresentationLUTShape = "IDENTITY"
    image.WindowCenter, image.WindowWidth = 2048, 4096
    image.WindowCenterWidthExplanation = "NORMAL"
    image.PixelData = pixels.astype("<u2").tobytes()
    image["PixelData"].VR = "OW"


def _coded(code: Code) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = code.value, code.scheme_designator, code.meaning
    return item
