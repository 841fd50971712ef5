"""A synthetic mammogram as a Digital Mammography X-Ray Image, for presentation or processing (DICOM PS3.3 A.27)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.sr.coding import Code
from pydicom.uid import (
    UID,
    DigitalMammographyXRayImageStorageForPresentation,
    DigitalMammographyXRayImageStorageForProcessing,
    ExplicitVRLittleEndian,
    generate_uid,
)

from microcalc import __version__
from microcalc.mammogram import Side
from microcalc.synthesis.device import Device
from microcalc.synthesis.outline import View

MANUFACTURER = "microcalc synthetic"
#: Fixed, so that equal seeds give equal files.
_DATE, _TIME = "20250101", "120000"

_SOP_CLASSES = {
    "presentation": DigitalMammographyXRayImageStorageForPresentation,
    "processing": DigitalMammographyXRayImageStorageForProcessing,
}

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
    """Who and what the images of one study belong to."""

    patient: str
    #: In years, where known.
    age: int | None
    #: What the UIDs are made from.
    key: str
    #: Whether the images are computed through and through, rather than calcium put into somebody's mammograms.
    computed: bool = True

    def uid(self, *of: str) -> UID:
        """Unique identifier of a part of the study, the same for the same key."""
        return generate_uid(entropy_srcs=[self.key, *of])


def make_dataset(
    pixels: NDArray[np.uint16], device: Device, identity: StudyIdentity, side: Side, view: View, *, instance: int
) -> FileDataset:
    """One picture as a data set of the storage class its device is meant for, explicit VR little endian.

    Args:
        pixels: (rows, columns) stored values, 0..``device.full``.
        device: the unit that made it.
        identity: of the study.
        side: which breast.
        view: from where.
        instance: Instance Number.
    """
    sop_class, uid = _SOP_CLASSES[device.intent], identity.uid(side, view)
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = sop_class
    meta.MediaStorageSOPInstanceUID = uid
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    image = FileDataset("", {}, file_meta=meta, preamble=bytes(128))
    image.SOPClassUID, image.SOPInstanceUID = sop_class, uid
    image.InstanceNumber = instance
    _describe_study(image, identity)
    _describe_view(image, side, view)
    _describe_acquisition(image, device)
    if identity.computed:
        _describe_simulation(image)
    _describe_grey(image, device)
    _attach_pixels(image, pixels, device)
    return image


def save(image: FileDataset, path: Path) -> None:
    """Write a data set as a DICOM file.

    Raises:
        OSError: the file cannot be written.
    """
    image.save_as(path, enforce_file_format=True)


def _describe_study(image: Dataset, study: StudyIdentity) -> None:
    """Patient, study, series, equipment; no person can be told from it."""
    image.PatientName = "SYNTHETIC^PHANTOM" if study.computed else "ANONYMOUS"
    image.PatientID = study.patient
    image.PatientBirthDate = ""
    image.PatientSex = "F"
    if study.age is not None:
        image.PatientAge = f"{study.age:03d}Y"
    image.PatientIdentityRemoved = "YES"
    # A phantom's marker names a side and a view, no patient; what stands in somebody's mammogram is not known.
    image.BurnedInAnnotation = "NO" if study.computed else "YES"
    image.DeidentificationMethod = (
        "No patient: computed from random numbers"
        if study.computed
        else "Header made anew; pixels kept but for calcium"
    )
    image.StudyInstanceUID, image.SeriesInstanceUID = study.uid("study"), study.uid("series")
    image.StudyDate = image.SeriesDate = image.AcquisitionDate = image.ContentDate = _DATE
    image.StudyTime = image.SeriesTime = image.AcquisitionTime = image.ContentTime = _TIME
    image.StudyID = "1"
    image.SeriesNumber = 1
    image.AccessionNumber = ""
    image.ReferringPhysicianName = ""
    image.StudyDescription = "Synthetic mammography" if study.computed else "Mammography, calcifications inserted"
    image.Modality = "MG"
    image.Manufacturer = MANUFACTURER
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


def _describe_acquisition(image: Dataset, device: Device) -> None:
    """The unit, and how it came by the picture."""
    image.PresentationIntentType = f"FOR {device.intent.upper()}"
    image.ManufacturerModelName = device.name
    # Computed, no exposure's own values: ORIGINAL would claim an acquisition.
    image.ImageType = ["DERIVED", "PRIMARY"]
    image.ImagerPixelSpacing = [device.spacing_mm, device.spacing_mm]
    image.DetectorType = device.detector
    image.AcquisitionContextSequence = []
    image.LossyImageCompression = "00"


def _describe_simulation(image: Dataset) -> None:
    """What holds for phantoms only."""
    image.DerivationDescription = "Simulated attenuation, blur, noise and look"
    # The spectrum that the attenuation of tissue and calcium stands for.
    image.KVP, image.AnodeTargetMaterial, image.FilterMaterial = 28, "TUNGSTEN", "RHODIUM"


def _describe_grey(image: Dataset, device: Device) -> None:
    """What stored values mean, and how to show those that are made for it."""
    image.PhotometricInterpretation = "MONOCHROME1" if device.inverted else "MONOCHROME2"
    image.PresentationLUTShape = "INVERSE" if device.inverted else "IDENTITY"
    image.PixelIntensityRelationship = "LOG" if device.intent == "presentation" else "LIN"
    image.PixelIntensityRelationshipSign = 1 if device.inverted else -1  # 1: more exposure, larger value
    image.RescaleIntercept, image.RescaleSlope, image.RescaleType = 0, 1, "US"
    if device.intent == "presentation":
        # The first window spans all values: grey is as meant. The second is a choice that workstations offer.
        levels = device.full + 1
        image.WindowCenter, image.WindowWidth = [levels // 2, levels // 2], [levels, levels // 2]
        image.WindowCenterWidthExplanation = ["NORMAL", "HARDER"]


def _attach_pixels(image: Dataset, pixels: NDArray[np.uint16], device: Device) -> None:
    image.Rows, image.Columns = pixels.shape
    image.SamplesPerPixel = 1
    image.BitsAllocated = 8 if device.bits == 8 else 16
    image.BitsStored, image.HighBit = device.bits, device.bits - 1
    image.PixelRepresentation = 0
    data = pixels.astype("<u1" if device.bits == 8 else "<u2").tobytes()
    image.PixelData = data + bytes(len(data) % 2)
    image["PixelData"].VR = "OB" if device.bits == 8 else "OW"


def _coded(code: Code) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = code.value, code.scheme_designator, code.meaning
    return item
