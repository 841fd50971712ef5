"""Which DICOM objects pass as single-frame mammograms."""

from __future__ import annotations

import numpy as np
import pytest
from pydicom.uid import (
    BasicTextSRStorage,
    BreastTomosynthesisImageStorage,
    ComputedRadiographyImageStorage,
    DigitalXRayImageStorageForPresentation,
    GrayscaleSoftcopyPresentationStateStorage,
    KeyObjectSelectionDocumentStorage,
    MRImageStorage,
    SecondaryCaptureImageStorage,
    SegmentationStorage,
)

from microcalc.errors import NotAnImageError, ReadError
from microcalc.imageio import read_mammogram

RAMP = np.arange(12, dtype="u2").reshape(3, 4)
NO_PIXELS = dict.fromkeys(["PixelData", "Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit", "SamplesPerPixel"])


@pytest.mark.parametrize(
    "attributes",
    [
        {},
        {"Modality": None},
        {"Modality": "CR", "SOPClassUID": ComputedRadiographyImageStorage},
        {"Modality": "DX", "SOPClassUID": DigitalXRayImageStorageForPresentation, "BodyPartExamined": "BREAST"},
        {"Modality": "RG", "SOPClassUID": SecondaryCaptureImageStorage},
        {"Modality": "MG", "SOPClassUID": SecondaryCaptureImageStorage, "BodyPartExamined": "Left Breast"},
        {"Modality": "OT", "SOPClassUID": SecondaryCaptureImageStorage, "ConversionType": "DF"},
        {"Modality": "MG", "BodyPartExamined": "CHEST"},  # an MG unit images nothing but breasts
    ],
)
def test_admitted(write_dicom, attributes):
    assert read_mammogram(write_dicom(RAMP, **attributes)).warnings == ()


@pytest.mark.parametrize(
    ("attributes", "found"),
    [
        ({"Modality": "MR", "SOPClassUID": MRImageStorage}, r"modality MR \(MR Image Storage\)"),
        ({"Modality": "OT", "SOPClassUID": SecondaryCaptureImageStorage}, "modality OT"),
        ({"Modality": None, "SOPClassUID": SecondaryCaptureImageStorage}, "modality not stated"),
        ({"Modality": "CR", "BodyPartExamined": "CHEST"}, "modality CR .*, body part CHEST"),
    ],
)
def test_others_need_force(write_dicom, attributes, found):
    path = write_dicom(RAMP, **attributes)
    with pytest.raises(ReadError, match=f"found {found}.*re-run with --force"):
        read_mammogram(path)
    forced = read_mammogram(path, force=True)
    assert forced.shape == (3, 4)
    assert forced.warnings[0].startswith("read by force: modality")


@pytest.mark.parametrize(
    ("modality", "sop_class"),
    [
        ("SR", BasicTextSRStorage),
        ("PR", GrayscaleSoftcopyPresentationStateStorage),
        ("KO", KeyObjectSelectionDocumentStorage),
    ],
)
@pytest.mark.parametrize("force", [False, True])
def test_objects_without_an_image(write_dicom, modality, sop_class, force):
    path = write_dicom(RAMP, **NO_PIXELS, Modality=modality, SOPClassUID=sop_class)
    with pytest.raises(NotAnImageError, match=sop_class.name):
        read_mammogram(path, force=force)


def test_a_segmentation_is_no_image(write_dicom):
    with pytest.raises(NotAnImageError, match="Segmentation Storage"):
        read_mammogram(write_dicom(RAMP, Modality="SEG", SOPClassUID=SegmentationStorage))


def test_an_image_that_lost_its_pixels_is_not_passed_over(write_dicom):
    with pytest.raises(ReadError, match="expected Pixel Data behind the header of an image") as caught:
        read_mammogram(write_dicom(RAMP, PixelData=None))
    assert not isinstance(caught.value, NotAnImageError)


def test_tomosynthesis_is_named(write_dicom):
    path = write_dicom(
        np.zeros((3, 4), "u2"),
        PixelData=bytes(24 * 57),
        NumberOfFrames=57,
        SOPClassUID=BreastTomosynthesisImageStorage,
    )
    with pytest.raises(ReadError, match="found Breast Tomosynthesis Image Storage with 57 frames"):
        read_mammogram(path)


@pytest.mark.parametrize("frames", [1, None])
def test_one_frame(write_dicom, frames):
    assert read_mammogram(write_dicom(RAMP, NumberOfFrames=frames)).shape == (3, 4)


@pytest.mark.parametrize(
    ("attributes", "kind"),
    [
        ({"ImageType": ["DERIVED", "PRIMARY", "TOMO", "GENERATED_2D"]}, "a synthesised 2-D image"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "TOMO_PROJ"]}, "an image from tomosynthesis"),
        ({"ImageType": ["DERIVED", "PRIMARY", "", "SUBTRACTION"]}, "a contrast-enhanced, recombined image"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "", "", "HIGH_ENERGY"]}, "the high-energy image"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "STEREO_SCOUT"]}, "a stereotactic image"),
        ({"SOPClassUID": BreastTomosynthesisImageStorage}, "an image from tomosynthesis"),
    ],
)
def test_unusual_kinds_are_flagged(write_dicom, attributes, kind):
    (warning,) = read_mammogram(write_dicom(RAMP, **attributes)).warnings
    assert warning.startswith(kind)


@pytest.mark.parametrize(
    "image_type", [["ORIGINAL", "PRIMARY"], ["ORIGINAL", "PRIMARY", ""], ["DERIVED", "SECONDARY", "X"]]
)
def test_usual_kinds_are_not(write_dicom, image_type):
    assert read_mammogram(write_dicom(RAMP, ImageType=image_type)).warnings == ()
