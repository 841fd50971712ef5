"""FOR PROCESSING images: the same drawn breast comes out in every way a detector may have stored it."""

from __future__ import annotations

import numpy as np
import pytest
from pydicom.uid import (
    DigitalMammographyXRayImageStorageForPresentation,
    DigitalMammographyXRayImageStorageForProcessing,
)

from microcalc.errors import ReadError
from microcalc.imageio import read_mammogram

RAW = {
    "SOPClassUID": DigitalMammographyXRayImageStorageForProcessing,
    "PresentationIntentType": "FOR PROCESSING",
    "bits": 14,
}


@pytest.fixture
def attenuation():
    """Air 0, a breast of 1.0 to 2.0 rising to the right, and a clip of 4.0."""
    image = np.zeros((60, 80))
    image[10:50, 30:] = 1.0 + np.linspace(0, 1, 50)
    image[20, 70] = 4.0
    return image


def linear(attenuation):
    return np.rint(16000 * np.exp(-attenuation)).astype("u2")


def logarithmic(attenuation):
    return np.rint(4000 * attenuation).astype("u2")


LINEAR = {"PixelIntensityRelationship": "LIN", "PixelIntensityRelationshipSign": 1}
LOGARITHMIC = {"PixelIntensityRelationship": "LOG", "PixelIntensityRelationshipSign": -1}
ENCODINGS = {
    "LIN, air high": (linear, 0, LINEAR),
    "nothing said but MONOCHROME1": (linear, 0, {"PhotometricInterpretation": "MONOCHROME1"}),
    "LIN, air low": (linear, 16383, {"PixelIntensityRelationship": "LIN", "PixelIntensityRelationshipSign": -1}),
    "LOG, air low": (logarithmic, 0, LOGARITHMIC),
    "LOG, air high": (logarithmic, 16383, {"PixelIntensityRelationship": "LOG", "PixelIntensityRelationshipSign": 1}),
    "the sign goes before MONOCHROME1": (
        logarithmic,
        0,
        {
            "PixelIntensityRelationship": "LOG",
            "PixelIntensityRelationshipSign": -1,
            "PhotometricInterpretation": "MONOCHROME1",
        },
    ),
}


@pytest.mark.parametrize(("encode", "flip_at", "attributes"), ENCODINGS.values(), ids=ENCODINGS)
def test_look(write_dicom, attenuation, encode, flip_at, attributes):
    stored = encode(attenuation)
    if flip_at:
        stored = (flip_at - stored).astype("u2")
    pixels = read_mammogram(write_dicom(stored, **RAW, **attributes)).pixels
    assert (pixels[:10] == 0).all()
    # Threshold and air are 1.0 and 0.0, so black is 0.5; white is the breast's densest but for the clip, 2.0.
    assert pixels[30, 30:] == pytest.approx((0.5 + np.linspace(0, 1, 50)) / 1.5, abs=0.01)
    assert pixels[20, 70] == 1


@pytest.mark.parametrize(
    ("encode", "edge", "columns", "attributes"),
    [
        (linear, 0, 20, LINEAR),  # known by its intensity, however wide
        (lambda attenuation: logarithmic(attenuation / 4), 16383, 2, LOGARITHMIC),  # known by being narrow and far off
    ],
)
def test_an_unexposed_edge_does_not_set_the_window(write_dicom, attenuation, encode, edge, columns, attributes):
    stored = encode(attenuation)
    plain = read_mammogram(write_dicom(stored, **RAW, **attributes)).pixels
    stored[:, :columns] = edge
    edged = read_mammogram(write_dicom(stored, **RAW, **attributes)).pixels
    assert edged[:, columns:] == pytest.approx(plain[:, columns:], abs=0.02)


@pytest.mark.parametrize("slope", [1e-7, 0.01])
def test_the_unit_of_linear_values_does_not_matter(write_dicom, attenuation, slope):
    stored = linear(attenuation)
    plain = read_mammogram(write_dicom(stored, **RAW, **LINEAR)).pixels
    scaled = read_mammogram(write_dicom(stored, **RAW, **LINEAR, RescaleSlope=slope)).pixels
    assert scaled == pytest.approx(plain, abs=1e-5)


@pytest.mark.filterwarnings("error")
def test_one_level_in_several_words(write_dicom, attenuation):
    """Words that differ in an overlay bit alone: nothing to see, and nothing divided by it."""
    stored = np.full((60, 80), 5000, "u2")
    stored[::2] |= 0x8000
    with pytest.raises(ReadError, match="in every pixel"):
        read_mammogram(write_dicom(stored, **RAW, **LINEAR))


def test_it_is_noted_and_windows_are_ignored(write_dicom, attenuation):
    path = write_dicom(linear(attenuation), **RAW, PixelIntensityRelationshipSign=1, WindowCenter=50, WindowWidth=10)
    assert read_mammogram(path).notes == (
        "FOR PROCESSING image converted: log, inverted, window from the image content",
    )


def test_padding_stays_out_of_the_window_and_black(write_dicom, attenuation):
    stored = linear(attenuation)
    plain = read_mammogram(write_dicom(stored, **RAW, PixelIntensityRelationshipSign=1)).pixels
    stored[:, :25] = 0  # no intensity at all: would be the densest of all
    padded = read_mammogram(write_dicom(stored, **RAW, PixelIntensityRelationshipSign=1, PixelPaddingValue=0)).pixels
    assert (padded[:, :25] == 0).all()
    assert padded[:, 25:] == pytest.approx(plain[:, 25:], abs=0.02)


@pytest.mark.parametrize(
    ("sop_class", "intent", "converted", "doubts"),
    [
        (DigitalMammographyXRayImageStorageForProcessing, None, True, 0),
        (DigitalMammographyXRayImageStorageForProcessing, "MEANT FOR NOBODY", True, 0),
        (DigitalMammographyXRayImageStorageForPresentation, None, False, 0),
        (DigitalMammographyXRayImageStorageForPresentation, "FOR PROCESSING", True, 1),
        (DigitalMammographyXRayImageStorageForProcessing, "FOR PRESENTATION", False, 1),
    ],
)
def test_what_decides(write_dicom, attenuation, sop_class, intent, converted, doubts):
    path = write_dicom(linear(attenuation), SOPClassUID=sop_class, PresentationIntentType=intent)
    mammogram = read_mammogram(path)
    assert any("FOR PROCESSING image converted" in note for note in mammogram.notes) == converted
    assert len(mammogram.warnings) == doubts
