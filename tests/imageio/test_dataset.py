"""The way to the pixels: preambles, transfer syntaxes, deflated data, ends cut off."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from microcalc.errors import ReadError
from microcalc.imageio import dataset, read_mammogram

RAMP = np.arange(12, dtype="u2").reshape(3, 4)
META_START = 132


def meta_end(content: bytes) -> int:
    """Behind the file meta group, by its group length."""
    (length,) = struct.unpack_from("<I", content, META_START + 8)
    return META_START + 12 + length


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian])
def test_without_preamble_and_meta(write_dicom, tmp_path, syntax):
    content = write_dicom(RAMP, syntax=syntax).read_bytes()
    bare = tmp_path / "bare"
    bare.write_bytes(content[meta_end(content) :])
    assert read_mammogram(bare).pixels == pytest.approx(RAMP / 255)


def test_without_preamble_but_with_meta(write_dicom, tmp_path):
    bare = tmp_path / "bare"
    bare.write_bytes(write_dicom(RAMP).read_bytes()[META_START:])
    assert read_mammogram(bare).pixels == pytest.approx(RAMP / 255)


def test_implicit_data_under_an_explicit_label(write_dicom):
    content = write_dicom(RAMP, syntax=ImplicitVRLittleEndian).read_bytes()
    path = write_dicom(RAMP, syntax=ExplicitVRLittleEndian)
    explicit = path.read_bytes()
    path.write_bytes(explicit[: meta_end(explicit)] + content[meta_end(content) :])
    assert read_mammogram(path).pixels == pytest.approx(RAMP / 255)


@pytest.mark.parametrize("stated", ["1.2.3.4.5", "1.2.840.113619.5.2", "1.2.840.10008.1.1"])
def test_unknown_transfer_syntax(write_dicom, stated):
    path = write_dicom(RAMP)
    known = ExplicitVRLittleEndian.encode() + b"\0"
    replaced = path.read_bytes().replace(known, stated.encode().ljust(len(known), b"\0"))
    path.write_bytes(replaced)
    with pytest.raises(ReadError, match=f"found {stated};"):
        read_mammogram(path)


def test_deflated_data_cannot_inflate_without_bound(write_dicom, monkeypatch):
    path = write_dicom(RAMP, syntax=DeflatedExplicitVRLittleEndian)
    content = path.read_bytes()
    deflator = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    bomb = deflator.compress(bytes(1 << 20)) + deflator.flush()
    monkeypatch.setattr(dataset, "_MAX_INFLATED_BYTES", 1 << 16)
    path.write_bytes(content[: meta_end(content)] + bomb)
    with pytest.raises(ReadError, match="found a longer one"):
        read_mammogram(path)


def test_every_cut_is_a_clean_error(write_dicom):
    path = write_dicom(RAMP)
    content = path.read_bytes()
    for length in range(len(content)):
        path.write_bytes(content[:length])
        with pytest.raises(ReadError):
            read_mammogram(path)


def test_an_absurd_element_length_takes_no_memory(write_dicom):
    path = write_dicom(RAMP, syntax=ImplicitVRLittleEndian)
    content = bytearray(path.read_bytes())
    at = content.index(b"\x08\x00\x60\x00")  # Modality
    content[at + 4 : at + 8] = b"\xfe\xff\xff\x7f"
    path.write_bytes(content)
    with pytest.raises(ReadError):
        read_mammogram(path)
