"""Stored words: image pixel attributes, lengths, colour."""

from __future__ import annotations

import numpy as np
import pytest

from microcalc.errors import ReadError
from microcalc.imageio import read_mammogram

RAMP = np.arange(12, dtype="u2").reshape(3, 4)


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"Rows": None}, "none"),
        ({"Columns": None}, "none"),
        ({"BitsAllocated": None}, "none"),
        ({"BitsAllocated": 32, "BitsStored": 32, "HighBit": 31}, "32 allocated, 32 stored, high bit 31"),
        ({"BitsAllocated": 1, "BitsStored": 1, "HighBit": 0}, "1 allocated, 1 stored, high bit 0"),
        ({"BitsStored": 17}, "16 allocated, 17 stored, high bit 15"),
        ({"BitsStored": 12, "HighBit": 10}, "16 allocated, 12 stored, high bit 10"),
        ({"BitsStored": 12, "HighBit": 16}, "16 allocated, 12 stored, high bit 16"),
        ({"SamplesPerPixel": 4}, "4 samples per pixel"),
        ({"PhotometricInterpretation": "PALETTE COLOR"}, "a palette of colours"),
        ({"Rows": 0}, "0 x 4"),
        ({"Rows": 60000, "Columns": 60000}, "60000 x 60000"),
        ({"Rows": 5000, "Columns": 5000}, "24 bytes"),
        ({"Rows": 4}, "24"),
    ],
)
def test_absurd_attributes(write_dicom, change, found):
    with pytest.raises(ReadError, match=f"found {found};"):
        read_mammogram(write_dicom(RAMP, **change))


@pytest.mark.parametrize("missing", ["BitsStored", "HighBit", "SamplesPerPixel", "PixelRepresentation"])
def test_attributes_with_an_obvious_value_may_be_missing(write_dicom, missing):
    assert read_mammogram(write_dicom(RAMP, **{missing: None})).pixels == pytest.approx(RAMP / 255)


def test_trailing_bytes_are_ignored(write_dicom):
    path = write_dicom(RAMP, PixelData=RAMP.tobytes() + b"\xff" * 10)
    assert read_mammogram(path).pixels == pytest.approx(RAMP / 255)


@pytest.mark.parametrize("planar", [0, 1])
class TestColour:
    def write(self, write_dicom, channels, planar, **attributes):
        stored = np.stack(channels, axis=0 if planar else -1).astype("u1")
        return write_dicom(
            np.zeros((3, 4, 3), "u1"),
            PixelData=stored.tobytes(),
            SamplesPerPixel=3,
            PlanarConfiguration=planar,
            **{"PhotometricInterpretation": "RGB"} | attributes,
        )

    def test_equal_channels_are_grey(self, write_dicom, planar):
        mammogram = read_mammogram(self.write(write_dicom, [RAMP] * 3, planar))
        assert mammogram.pixels == pytest.approx(RAMP / 255)
        assert "stored in colour, all pixels grey" in mammogram.notes

    def test_no_chroma_is_grey(self, write_dicom, planar):
        channels = [RAMP, np.full_like(RAMP, 128), np.full_like(RAMP, 128)]
        path = self.write(write_dicom, channels, planar, PhotometricInterpretation="YBR_FULL")
        assert read_mammogram(path).pixels == pytest.approx(RAMP / 255)

    def test_colour_is_refused(self, write_dicom, planar):
        with pytest.raises(ReadError, match="found colour"):
            read_mammogram(self.write(write_dicom, [RAMP, RAMP, RAMP[::-1]], planar))
