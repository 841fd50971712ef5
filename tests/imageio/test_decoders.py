"""Every transfer syntax: the same stored values come out of all of them."""

from __future__ import annotations

import base64
import importlib.util
import io

import jpeg_ls
import numpy as np
import openjpeg.utils
import pydicom
import pytest
from PIL import Image
from pydicom.uid import (
    HTJ2K,
    JPEG2000,
    MPEG2MPML,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)

from microcalc.errors import ReadError
from microcalc.imageio import read_mammogram

# The texture fixture, encoded reversibly by OpenJPH (through imagecodecs), which no test dependency can do.
HTJ2K_TEXTURE = base64.b64decode(
    "/0//UQApQAAAAAAoAAAAMAAAAAAAAAAAAAAAKAAAADAAAAAAAAAAAAABDwEB/1AACAACAAAACv9SAAwAAgABAAUEBEAB/1wAEyCI"
    "kJCQkJCQkJCQkJCQiIiI/2QAFwABT3BlbkpQSCBWZXIgMC4yNi4zLv+QAAoAAAAAAPQAAf+TwAArAEkApfbh8D3nAsM0AMAAE0AA"
    "EwDD4QCLdADR6AAiNADAABUwAAVQwzD8ACIwgnYAkEIK6cBCAf62AMAAFdAABXAiihAhoggR2C/X4gt3AEaNjIyM/vQMRjGB7LgA"
    "wAAWtAABawAMDAwMDAwMDAwMDAzv+np6enpxgnoAoCAQCAQCgUCg/1AEPYhAe/YhAey9AMAALo4AAXTgtm3btm3btm3btm3btm3b"
    "tm3b/H/Kenp6enp6enp6enCCcQFGwzAMwzAMwzAMwzAMwzD+/32QEIHv2EIHv2EIHv2EIHv2EIHstwH/2Q=="
)


@pytest.fixture
def expected(texture):
    """12 bits without a VOI are shown over 0..4095."""
    return pytest.approx(texture / 4095, abs=1e-6)


@pytest.mark.parametrize(
    "syntax",
    [ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian],
    ids=lambda syntax: syntax.name,
)
def test_plain(write_dicom, texture, expected, syntax):
    assert read_mammogram(write_dicom(texture, bits=12, syntax=syntax)).pixels == expected


@pytest.mark.parametrize("option", ["+ti", "+te", "+tb", "+td"])
def test_plain_by_dcmtk(write_dicom, dcmtk, texture, expected, option):
    assert read_mammogram(dcmtk("dcmconv", write_dicom(texture, bits=12), option)).pixels == expected


def test_rle(write_dicom, texture, expected):
    path = write_dicom(texture, bits=12)
    ds = pydicom.dcmread(path)
    ds.compress(RLELossless, encoding_plugin="pydicom")
    ds.save_as(path)
    assert read_mammogram(path).pixels == expected


@pytest.mark.parametrize(
    ("tool", "options", "syntax"),
    [
        ("dcmcjpeg", ["+e1"], JPEGLosslessSV1),
        *[("dcmcjpeg", ["+el", "+sv", str(predictor)], JPEGLossless) for predictor in range(1, 8)],
        ("dcmcjpls", [], JPEGLSLossless),
        ("dcmcrle", [], RLELossless),
    ],
)
@pytest.mark.parametrize("signed", [False, True])
def test_lossless_by_dcmtk(write_dicom, dcmtk, texture, expected, tool, options, syntax, signed):
    # Signed samples lie 2048 lower; the intercept brings them back.
    attributes = {"PixelRepresentation": 1, "RescaleSlope": 1, "RescaleIntercept": 2048} if signed else {}
    stored = texture.astype("i2") - 2048 if signed else texture
    path = dcmtk(tool, write_dicom(stored, bits=12, **attributes), *options)
    assert pydicom.dcmread(path).file_meta.TransferSyntaxUID == syntax
    assert read_mammogram(path).pixels == expected


def test_jpeg_ls_near_lossless(write_dicom, texture):
    frame = jpeg_ls.encode_array(texture, lossy_error=2)
    path = write_dicom(texture, bits=12, syntax=JPEGLSNearLossless, frame=bytes(frame))
    assert read_mammogram(path).pixels == pytest.approx(texture / 4095, abs=2.01 / 4095)


@pytest.mark.parametrize("syntax", [JPEG2000Lossless, JPEG2000], ids=lambda syntax: syntax.name)
def test_jpeg_2000(write_dicom, texture, expected, syntax):
    frame = openjpeg.utils.encode_array(texture, bits_stored=12)
    assert read_mammogram(write_dicom(texture, bits=12, syntax=syntax, frame=frame)).pixels == expected


def test_jpeg_2000_in_a_jp2_file(write_dicom, texture, expected):
    frame = openjpeg.utils.encode_array(texture, bits_stored=12, codec_format=1)
    assert read_mammogram(write_dicom(texture, bits=12, syntax=JPEG2000Lossless, frame=frame)).pixels == expected


def test_signed_jpeg_2000(write_dicom, texture, expected):
    stored = texture.astype("i2") - 2048
    attributes = {"PixelRepresentation": 1, "RescaleSlope": 1, "RescaleIntercept": 2048}
    frame = openjpeg.utils.encode_array(stored, bits_stored=12)
    path = write_dicom(stored, bits=12, syntax=JPEG2000Lossless, frame=frame, **attributes)
    assert read_mammogram(path).pixels == expected


@pytest.mark.parametrize("syntax", [HTJ2KLossless, HTJ2KLosslessRPCL, HTJ2K], ids=lambda syntax: syntax.name)
def test_high_throughput_jpeg_2000(write_dicom, texture, expected, syntax):
    assert read_mammogram(write_dicom(texture, bits=12, syntax=syntax, frame=HTJ2K_TEXTURE)).pixels == expected


@pytest.mark.parametrize("syntax", [JPEGBaseline8Bit, JPEGExtended12Bit], ids=lambda syntax: syntax.name)
def test_eight_bit_jpeg(write_dicom, syntax):
    """A smooth ramp comes through nearly unharmed."""
    ramp = np.add.outer(np.arange(24), np.arange(20) * 10).astype("u1")
    stream = io.BytesIO()
    Image.fromarray(ramp).save(stream, "JPEG", quality=95)
    path = write_dicom(ramp, syntax=syntax, frame=stream.getvalue())
    assert read_mammogram(path).pixels == pytest.approx(ramp / 255, abs=3 / 255)


def test_twelve_bit_jpeg(write_dicom, dcmtk, texture):
    path = dcmtk("dcmcjpeg", write_dicom(texture, bits=12), "+ee", "+q", "100")
    if importlib.util.find_spec("libjpeg"):
        assert read_mammogram(path).pixels == pytest.approx(texture / 4095, abs=0.01)
    else:
        with pytest.raises(ReadError, match=r"pip install 'microcalc\[jpeg12\]'"):
            read_mammogram(path)


def test_a_frame_in_several_fragments(write_dicom, dcmtk, texture, expected):
    path = dcmtk("dcmcjpeg", write_dicom(np.tile(texture, (4, 4)), bits=12), "+e1", "+fs", "1")
    assert len(list(pydicom.encaps.generate_fragments(pydicom.dcmread(path).PixelData))) > 2
    assert read_mammogram(path).pixels[:48, :40] == expected


def test_the_stream_decides_where_the_syntax_is_mislabelled(write_dicom, texture, expected):
    frame = openjpeg.utils.encode_array(texture, bits_stored=12)
    assert read_mammogram(write_dicom(texture, bits=12, syntax=JPEGLosslessSV1, frame=frame)).pixels == expected


class TestRefusals:
    def test_syntax_without_a_decoder(self, write_dicom, texture):
        with pytest.raises(ReadError, match="found MPEG2"):
            read_mammogram(write_dicom(texture, syntax=MPEG2MPML, frame=b"\0" * 400))

    @pytest.mark.parametrize("change", [{"Rows": 47}, {"Columns": 400}, {"SamplesPerPixel": 3}])
    def test_stream_of_another_size(self, write_dicom, texture, change):
        frame = openjpeg.utils.encode_array(texture, bits_stored=12)
        with pytest.raises(ReadError, match="found 48 x 40 of 1 x 12"):
            read_mammogram(write_dicom(texture, bits=12, syntax=JPEG2000, frame=frame, **change))

    def test_stored_bits_at_the_top_of_the_word(self, write_dicom, texture):
        frame = openjpeg.utils.encode_array(texture, bits_stored=12)
        with pytest.raises(ReadError, match="expected a High Bit one below Bits Stored"):
            read_mammogram(write_dicom(texture, bits=12, HighBit=15, syntax=JPEG2000, frame=frame))

    def test_more_bits_than_allocated(self, write_dicom, texture):
        frame = openjpeg.utils.encode_array(texture, bits_stored=12)
        with pytest.raises(ReadError, match="found 48 x 40 of 1 x 12"):
            read_mammogram(write_dicom(texture.astype("u1"), syntax=JPEG2000, frame=frame))

    @pytest.mark.parametrize("syntax", [JPEG2000Lossless, JPEGLSLossless], ids=lambda syntax: syntax.name)
    def test_stream_cut_in_the_middle(self, write_dicom, texture, syntax):
        encoders = {JPEG2000Lossless: openjpeg.utils.encode_array, JPEGLSLossless: jpeg_ls.encode_array}
        frame = bytes(encoders[syntax](texture))
        with pytest.raises(ReadError):
            read_mammogram(write_dicom(texture, bits=12, syntax=syntax, frame=frame[: len(frame) // 2]))

    def test_lossless_jpeg_cut_in_the_middle(self, write_dicom, dcmtk, texture):
        source = pydicom.dcmread(dcmtk("dcmcjpeg", write_dicom(texture, bits=12), "+e1"))
        frame = pydicom.encaps.get_frame(source.PixelData, 0, number_of_frames=1)
        with pytest.raises(ReadError, match="damaged compressed data"):
            read_mammogram(write_dicom(texture, bits=12, syntax=JPEGLosslessSV1, frame=frame[: len(frame) // 2]))

    def test_a_header_that_aborts_gdcm(self, write_dicom, dcmtk, texture, capfd):
        """Without its Huffman table: GDCM must neither take this process along nor write to its stderr."""
        source = pydicom.dcmread(dcmtk("dcmcjpeg", write_dicom(texture, bits=12), "+e1"))
        frame = bytearray(pydicom.encaps.get_frame(source.PixelData, 0, number_of_frames=1))
        frame[frame.index(b"\xff\xc4") + 1] = 0
        with pytest.raises(ReadError, match="damaged compressed data"):
            read_mammogram(write_dicom(texture, bits=12, syntax=JPEGLosslessSV1, frame=bytes(frame)))
        assert capfd.readouterr() == ("", "")
