"""Headers of compressed streams, written byte by byte from ITU-T T.81, T.87 and T.800."""

from __future__ import annotations

import struct

import pytest

from microcalc.errors import ReadError
from microcalc.imageio.codestream import JPEG_2000, JPEG_LOSSLESS, JPEG_LS, Codestream, read_codestream

COMMENT = b"\xff\xfe\x00\x06note"


def jpeg(marker: int, before: bytes = b"") -> bytes:
    return b"\xff\xd8" + before + struct.pack(">BBHBHHB", 0xFF, marker, 11, 12, 300, 200, 1) + b"\x01\x11\x00"


def jpeg_2000(tile: tuple[int, int] = (200, 300), depths: bytes = b"\x0b\x01\x01", components: int = 1) -> bytes:
    """300 rows and 200 columns, in an image area offset by (10, 20)."""
    sizes = struct.pack(">HH8IH", 41, 0, 210, 320, 10, 20, *tile, 10, 20, components)
    return b"\xff\x4f\xff\x51" + sizes + depths


@pytest.mark.parametrize("marker", [0xC0, 0xC1, 0xC2, JPEG_LOSSLESS, JPEG_LS])
@pytest.mark.parametrize("before", [b"", COMMENT, b"\xff\xff" + COMMENT[1:], b"\xff\xc4\x00\x03\x00"])
def test_jpeg(marker, before):
    assert read_codestream(jpeg(marker, before)) == Codestream(300, 200, 1, 12, marker)


@pytest.mark.parametrize("before", [b"", b"\x00\x00\x00\x0cjP  \r\n\x87\n"])
def test_jpeg_2000(before):
    assert read_codestream(before + jpeg_2000()) == Codestream(300, 200, 1, 12, JPEG_2000)


def test_the_sign_bit_is_no_depth():
    assert read_codestream(jpeg_2000(depths=b"\x8b\x01\x01")).precision == 12


@pytest.mark.parametrize(
    "stream",
    [
        b"",
        b"\xff\xd8",
        b"\xff\xd8\xff\xda" + bytes(20),
        b"\xff\xd8" + bytes(20),
        jpeg(JPEG_LOSSLESS)[:8],
        jpeg_2000()[:30],
        jpeg_2000(tile=(0, 300)),
        jpeg_2000(tile=(200, 0)),
        jpeg_2000(tile=(1, 1)),  # 60,000 tiles
        jpeg_2000(components=2, depths=b"\x0b\x01\x01\x07\x01\x01"),
        b"GIF89a" + bytes(40),
    ],
)
def test_damaged(stream):
    with pytest.raises(ReadError, match="found a damaged header"):
        read_codestream(stream)
