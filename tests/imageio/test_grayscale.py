"""Pixel values worked by hand from PS3.3 C.7.6.3, C.8.11 and C.11, through files and back."""

from __future__ import annotations

import math

import numpy as np
import pydicom
import pytest
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.pixels import apply_modality_lut, apply_voi_lut
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from microcalc.imageio import read_mammogram

WIDE = {"WindowCenter": 2048, "WindowWidth": 4096}


def lut(entries: list[int], first: int, bits: int, explanation: str | None = None) -> list[Dataset]:
    item = Dataset()
    item.add_new("LUTDescriptor", "US", [len(entries), first, bits])
    item.add_new("LUTData", "OW", np.asarray(entries, "<u2").tobytes())
    if explanation:
        item.LUTExplanation = explanation
    return [item]


WINDOWS = {
    # y = (x - (c - 0.5)) / (w - 1) + 0.5: here x / 4095.
    "linear": (WIDE, [0, 1365, 4095], [0, 1 / 3, 1]),
    # c - 0.5 = 99.5, w - 1 = 10: from 94.5 to 104.5.
    "linear clips": ({"WindowCenter": 100, "WindowWidth": 11}, [94, 97, 99, 105], [0, 0.25, 0.45, 1]),
    "linear of width 1 is a threshold": ({"WindowCenter": 100, "WindowWidth": 1}, [98, 99, 100, 101], [0, 0, 1, 1]),
    "linear exact": (WIDE | {"VOILUTFunction": "LINEAR_EXACT"}, [0, 1024, 2048, 4095], [0, 0.25, 0.5, 4095 / 4096]),
    # 1 / (1 + exp(-4 (x - 2000) / 800)).
    "sigmoid": (
        {"WindowCenter": 2000, "WindowWidth": 800, "VOILUTFunction": "SIGMOID"},
        [2000, 2200, 1600],
        [0.5, 1 / (1 + math.exp(-1)), 1 / (1 + math.exp(2))],
    ),
    "first of several": ({"WindowCenter": [2048, 9], "WindowWidth": [4096, 9]}, [0, 1365, 4095], [0, 1 / 3, 1]),
    "unknown function taken as linear": (WIDE | {"VOILUTFunction": "CUBIC"}, [0, 1365, 4095], [0, 1 / 3, 1]),
    "a table goes before a window": (
        WIDE | {"VOILUTSequence": lut([0, 1023, 4095], 10, 12)},
        [10, 11],
        [0, 1023 / 4095],
    ),
}
MODALITY = {
    # 2 x - 100 = 0, 2730, 4096 (clipped) on the wide window.
    "rescaled": ({"RescaleSlope": 2, "RescaleIntercept": -100}, [50, 1415, 2098], [0, 2 / 3, 1]),
    "table": ({"ModalityLUTSequence": lut([0, 1365, 4095], 7, 16)}, [0, 7, 8, 9, 500], [0, 0, 1 / 3, 1, 1]),
    "a slope of zero is passed over": ({"RescaleSlope": 0, "RescaleIntercept": 5}, [0, 1365, 4095], [0, 1 / 3, 1]),
}
PRESENTATION = {
    "MONOCHROME1": ({"PhotometricInterpretation": "MONOCHROME1"}, [1, 2 / 3, 0]),
    "MONOCHROME1 and INVERSE are one inversion": (
        {"PhotometricInterpretation": "MONOCHROME1", "PresentationLUTShape": "INVERSE"},
        [1, 2 / 3, 0],
    ),
    "MONOCHROME2 and IDENTITY": ({"PresentationLUTShape": "IDENTITY"}, [0, 1 / 3, 1]),
    # 4 entries: inputs 0, 1/3 and 1 are entries 0, 1 and 3.
    "table": ({"PresentationLUTSequence": lut([1023, 500, 1, 0], 0, 10)}, [1, 500 / 1023, 0]),
}
PADDING = {
    "a value": ({"PixelPaddingValue": 4095}, [0, 1 / 3, 0]),
    "a range, ends included": ({"PixelPaddingValue": 4000, "PixelPaddingRangeLimit": 4095}, [0, 1 / 3, 0]),
    "a range downwards": ({"PixelPaddingValue": 4095, "PixelPaddingRangeLimit": 4000}, [0, 1 / 3, 0]),
    "black also when inverted": (
        {"PixelPaddingValue": 4095, "PhotometricInterpretation": "MONOCHROME1"},
        [1, 2 / 3, 0],
    ),
    "black also where inversion makes it white": (
        {"PixelPaddingValue": 0, "PhotometricInterpretation": "MONOCHROME1"},
        [0, 2 / 3, 0],
    ),
}
SYNTAXES = [ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian]


def shown(write_dicom, stored, dtype="u2", **options):
    return read_mammogram(write_dicom(np.array([stored], dtype), **options)).pixels[0]


@pytest.mark.parametrize(("attributes", "stored", "expected"), WINDOWS.values(), ids=WINDOWS)
def test_windows(write_dicom, attributes, stored, expected):
    assert shown(write_dicom, stored, bits=12, **attributes) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(("attributes", "stored", "expected"), MODALITY.values(), ids=MODALITY)
def test_modality(write_dicom, attributes, stored, expected):
    assert shown(write_dicom, stored, bits=12, **WIDE, **attributes) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(("attributes", "expected"), PRESENTATION.values(), ids=PRESENTATION)
def test_presentation(write_dicom, attributes, expected):
    assert shown(write_dicom, [0, 1365, 4095], bits=12, **WIDE, **attributes) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(("attributes", "expected"), PADDING.values(), ids=PADDING)
def test_padding(write_dicom, attributes, expected):
    assert shown(write_dicom, [0, 1365, 4095], bits=12, **WIDE, **attributes) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(("photometric", "shape"), [("MONOCHROME1", "IDENTITY"), ("MONOCHROME2", "INVERSE")])
def test_contradicting_presentation_inverts_and_warns(write_dicom, photometric, shape):
    path = write_dicom(
        np.array([[0, 4095]], "u2"), bits=12, PhotometricInterpretation=photometric, PresentationLUTShape=shape, **WIDE
    )
    mammogram = read_mammogram(path)
    assert mammogram.pixels.tolist() == [[1, 0]]
    assert any("disagree" in warning for warning in mammogram.warnings)


def test_missing_photometric_interpretation_warns(write_dicom):
    mammogram = read_mammogram(write_dicom(np.array([[0, 255]], "u2"), PhotometricInterpretation=None))
    assert mammogram.pixels.tolist() == [[0, 1]]
    assert mammogram.warnings == ("Photometric Interpretation is missing, taken as MONOCHROME2",)


@pytest.mark.parametrize("syntax", SYNTAXES, ids=lambda syntax: syntax.name)
@pytest.mark.parametrize("bits", [9, 12, 15, 16])
def test_signed_values(write_dicom, syntax, bits):
    half = 1 << (bits - 1)
    window = {"WindowCenter": 0, "WindowWidth": 2 * half, "VOILUTFunction": "LINEAR_EXACT"}
    pixels = shown(
        write_dicom, [-half, -half // 2, 0, half // 2], "i2", bits=bits, syntax=syntax, PixelRepresentation=1, **window
    )
    assert pixels.tolist() == [0, 0.25, 0.5, 0.75]


@pytest.mark.parametrize("syntax", SYNTAXES, ids=lambda syntax: syntax.name)
def test_signed_padding_written_as_unsigned(write_dicom, syntax):
    pixels = shown(
        write_dicom,
        [-2000, -1000, 0, 1000],
        "i2",
        syntax=syntax,
        PixelRepresentation=1,
        PixelPaddingValue=DataElement("PixelPaddingValue", "US", 0x10000 - 2000),
    )
    # Padding left out, the values run from -1000 to 1000.
    assert pixels.tolist() == [0, 0, 0.5, 1]


@pytest.mark.parametrize("syntax", SYNTAXES, ids=lambda syntax: syntax.name)
@pytest.mark.parametrize("vr", ["OB", "OW"])
def test_eight_bits(write_dicom, tmp_path, syntax, vr):
    stored = np.array([[0, 51, 102, 255]], "u1")
    # Only bytes in big-endian words lie in swapped pairs.
    swapped = syntax == ExplicitVRBigEndian and vr == "OW"
    path = write_dicom(
        stored, syntax=syntax, pixel_vr=vr, PixelData=stored[:, [1, 0, 3, 2] if swapped else slice(None)].tobytes()
    )
    assert read_mammogram(path).pixels[0] == pytest.approx([0, 0.2, 0.4, 1])


def test_bits_above_the_stored_ones_are_masked(write_dicom):
    overlay = 0xF000
    assert shown(write_dicom, [0, 1365 | overlay, 4095], bits=12, **WIDE) == pytest.approx([0, 1 / 3, 1])


def test_stored_bits_at_the_top_of_the_word(write_dicom):
    low_noise = 0x000F
    stored = [0, 1365 << 4 | low_noise, 4095 << 4]
    assert shown(write_dicom, stored, bits=12, HighBit=15, **WIDE) == pytest.approx([0, 1 / 3, 1])


class TestWithoutVoi:
    @pytest.mark.parametrize(
        ("stored", "scale"),
        [
            ([0, 200], 255),
            ([0, 256], 1023),
            ([7, 1023], 1023),
            ([0, 4000], 4095),
            ([0, 4096], 16383),
            ([0, 16384], 65535),
        ],
    )
    def test_full_scale_of_the_depth_in_use(self, write_dicom, stored, scale):
        assert shown(write_dicom, stored) == pytest.approx([value / scale for value in stored])

    def test_the_range_is_noted(self, write_dicom):
        mammogram = read_mammogram(write_dicom(np.array([[0, 4000]], "u2")))
        assert "no VOI given: 0 to 4095 shown as black to white" in mammogram.notes

    @pytest.mark.parametrize("highest", [900, 4000])
    def test_bits_stored_keep_the_relative_brightness_of_views(self, write_dicom, highest):
        assert shown(write_dicom, [0, 900, highest], bits=12) == pytest.approx([0, 900 / 4095, highest / 4095])

    def test_bits_stored_of_signed_and_rescaled_values(self, write_dicom):
        # -128..127 becomes -156..354.
        attributes = {"PixelRepresentation": 1, "RescaleSlope": 2, "RescaleIntercept": 100}
        assert shown(write_dicom, [-28, 0, 127], "i2", bits=8, **attributes) == pytest.approx([200 / 510, 256 / 510, 1])

    def test_padding_does_not_count(self, write_dicom):
        assert shown(write_dicom, [0, 200, 65535], PixelPaddingValue=65535) == pytest.approx([0, 200 / 255, 0])

    def test_negative_values_run_from_lowest_to_highest(self, write_dicom):
        assert shown(write_dicom, [0, 50, 100], RescaleSlope=1, RescaleIntercept=-50).tolist() == [0, 0.5, 1]


class TestVoiTables:
    def test_inputs_outside_take_the_ends(self, write_dicom):
        table = lut([0, 1023, 4095], 10, 12)
        assert shown(write_dicom, [0, 10, 11, 12, 4000], VOILUTSequence=table) == pytest.approx(
            [0, 0, 1023 / 4095, 1, 1]
        )

    @pytest.mark.parametrize(("declared", "scale"), [(16, 4095), (12, 4095), (10, 4095), (13, 8191)])
    def test_entries_that_do_not_fit_the_declared_bits(self, write_dicom, declared, scale):
        assert shown(write_dicom, [0, 1, 2], VOILUTSequence=lut([0, 819, 4095], 0, declared)) == pytest.approx(
            [0, 819 / scale, 4095 / scale]
        )

    @pytest.mark.parametrize("syntax", SYNTAXES, ids=lambda syntax: syntax.name)
    def test_negative_first_input(self, write_dicom, syntax):
        table = lut([0, 2047, 4095], 0xFFFF, 12)  # -1 as if unsigned
        if syntax == ExplicitVRBigEndian:
            table[0].LUTData = np.frombuffer(table[0].LUTData, "<u2").astype(">u2").tobytes()
        pixels = shown(write_dicom, [-5, -1, 0, 1], "i2", syntax=syntax, PixelRepresentation=1, VOILUTSequence=table)
        assert pixels == pytest.approx([0, 0, 2047 / 4095, 1])

    def test_bytes_packed_two_to_a_word(self, write_dicom):
        table = lut([0], 0, 8)
        table[0].LUTDescriptor, table[0].LUTData = [4, 0, 8], bytes([0, 51, 102, 255])
        assert shown(write_dicom, [0, 1, 2, 3], VOILUTSequence=table) == pytest.approx([0, 0.2, 0.4, 1])

    def test_a_full_table_has_length_zero(self, write_dicom):
        table = lut([0], 0, 16)
        table[0].LUTDescriptor, table[0].LUTData = [0, 0, 16], np.arange(65535, -1, -1).astype("<u2").tobytes()
        assert shown(write_dicom, [0, 65535, 13107], VOILUTSequence=table) == pytest.approx([1, 0, 0.8])

    def test_a_malformed_table_gives_way_to_the_window(self, write_dicom):
        table = lut([0, 1], 0, 12)
        table[0].LUTDescriptor = [900, 0, 12]
        mammogram = read_mammogram(write_dicom(np.array([[0, 4095]], "u2"), VOILUTSequence=table, **WIDE))
        assert mammogram.pixels.tolist() == [[0, 1]]
        assert "the first VOI LUT is malformed and was passed over" in mammogram.warnings


@pytest.mark.parametrize(
    ("attributes", "note"),
    [
        (WIDE, "VOI window of center 2048 and width 4096"),
        ({"WindowCenter": [9.5, 1], "WindowWidth": [7, 1]}, "VOI window of center 9.5 and width 7 (first of 2)"),
        (WIDE | {"WindowCenterWidthExplanation": "WINDOW1"}, 'VOI window "WINDOW1"'),
        (WIDE | {"WindowCenterWidthExplanation": "High Contrast 2"}, 'VOI window "HIGH CONTRAST 2"'),
        (
            {
                "WindowCenter": [2048, 9, 9],
                "WindowWidth": [4096, 9, 9],
                "WindowCenterWidthExplanation": ["NORMAL", "HARDER", "SOFTER"],
            },
            'VOI window "NORMAL" (first of 3)',
        ),
        ({"VOILUTSequence": lut([0, 4095], 0, 12, "Harder") + lut([0, 9], 0, 12)}, 'VOI LUT "HARDER" (first of 2)'),
    ],
)
def test_the_choice_is_noted(write_dicom, attributes, note):
    assert note in read_mammogram(write_dicom(np.array([[0, 4095]], "u2"), **attributes)).notes


@pytest.mark.parametrize("width", ["0", "-3", ""])
def test_malformed_window_gives_way_to_the_full_range(write_dicom, width):
    mammogram = read_mammogram(write_dicom(np.array([[0, 4095]], "u2"), WindowCenter="50", WindowWidth=width))
    assert mammogram.pixels.tolist() == [[0, 1]]
    assert "the first VOI window is malformed and was passed over" in mammogram.warnings


@pytest.mark.parametrize("function", ["LINEAR", "LINEAR_EXACT", "SIGMOID"])
def test_against_pydicom(write_dicom, function):
    """pydicom's own pipeline as a witness, over all 12-bit values."""
    ramp = np.arange(4096, dtype="u2").reshape(64, 64)
    path = write_dicom(
        ramp,
        bits=12,
        RescaleSlope=1.5,
        RescaleIntercept=-300,
        WindowCenter=2500,
        WindowWidth=1800,
        VOILUTFunction=function,
    )
    ds = pydicom.dcmread(path)
    witness = apply_voi_lut(apply_modality_lut(ramp, ds), ds)
    low, high = -300.0, 1.5 * 4095 - 300
    assert read_mammogram(path).pixels == pytest.approx((witness - low) / (high - low), abs=1e-6)
