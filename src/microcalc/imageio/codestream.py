"""What a compressed stream says about itself, read before a decoder allocates what it claims."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from microcalc.errors import ReadError

#: Coding processes: the start-of-frame markers of lossless JPEG (ITU-T T.81 table B.1) and JPEG-LS (T.87).
JPEG_LOSSLESS = 0xC3
JPEG_LS = 0xF7
JPEG_2000 = 0
_JPEG_FRAMES = {*range(0xC0, 0xD0), JPEG_LS} - {0xC4, 0xC8, 0xCC}
_JPEG_START_OF_SCAN = 0xDA
#: OpenJPEG keeps kilobytes per tile; 64-pixel tiles over the largest detectors stay below this.
_MAX_TILES = 4096


@dataclass(frozen=True)
class Codestream:
    """Size, components and bits per sample of a compressed image; ``process`` is its start-of-frame marker."""

    rows: int
    columns: int
    components: int
    precision: int
    process: int


def read_codestream(stream: bytes) -> Codestream:
    """The header of a JPEG, JPEG-LS or JPEG 2000 stream.

    Raises:
        ReadError: the stream is neither, or ends before its header does.
    """
    try:
        if stream.startswith(b"\xff\xd8"):
            return _read_jpeg(stream)
        start = stream.find(b"\xff\x4f\xff\x51")  # not at 0 where a JP2 file was embedded whole
        if start >= 0:
            return _read_jpeg2000(stream, start + 4)
    except (struct.error, IndexError, ValueError) as error:
        raise _damaged() from error
    raise _damaged()


def _read_jpeg(stream: bytes) -> Codestream:
    position = 2
    while True:
        if stream[position] != 0xFF:
            raise ValueError("no marker")
        marker = stream[position + 1]
        if marker == 0xFF:  # a fill byte
            position += 1
            continue
        if marker == _JPEG_START_OF_SCAN:
            raise ValueError("a scan before its frame header")
        (length,) = struct.unpack_from(">H", stream, position + 2)
        if marker in _JPEG_FRAMES:
            precision, rows, columns, components = struct.unpack_from(">BHHB", stream, position + 4)
            return Codestream(rows, columns, components, precision, marker)
        position += 2 + length


def _read_jpeg2000(stream: bytes, position: int) -> Codestream:
    """The SIZ segment (ITU-T T.800 A.5.1): image area, tile size and components."""
    _, _, right, bottom, left, top, tile_width, tile_height, tile_left, tile_top, components = struct.unpack_from(
        ">HH8IH", stream, position
    )
    depths = stream[position + 38 : position + 38 + 3 * components : 3]
    rows, columns = bottom - top, right - left
    if min(tile_width, tile_height) == 0 or len(set(depths)) != 1:
        raise ValueError("no tiles, or components of different depths")
    tiles = -(-(right - tile_left) // tile_width) * -(-(bottom - tile_top) // tile_height)
    if not 0 < tiles <= _MAX_TILES:
        raise ValueError("too many tiles")
    return Codestream(rows, columns, components, (depths[0] & 0x7F) + 1, JPEG_2000)


def _damaged() -> ReadError:
    return ReadError(
        expected="a JPEG, JPEG-LS or JPEG 2000 stream",
        found="a damaged header",
        do="fetch the file again; it may be damaged",
    )
