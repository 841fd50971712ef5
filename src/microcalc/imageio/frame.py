"""The stored words of a DICOM frame, whatever they are encoded in."""

from __future__ import annotations

import numpy as np
from pydicom.uid import UID

from microcalc.errors import ReadError
from microcalc.imageio.dataset import DicomFile
from microcalc.imageio.decoders import decode
from microcalc.imageio.layout import PixelFormat, Words
from microcalc.imageio.limits import check_dimensions
from microcalc.imageio.remarks import Remarks


def read_words(file: DicomFile, layout: PixelFormat, remarks: Remarks) -> Words:
    """The one frame as (rows, columns) unsigned words in native byte order.

    Colour images pass if all their pixels are grey.

    Raises:
        ReadError: the frame is missing, cut short, damaged, compressed in an unsupported way, or coloured.
    """
    # Before anything is read: a header may claim anything.
    check_dimensions(layout.rows, layout.columns, layout.rows * layout.columns)
    # A compressed frame may exceed the plain one a little, on noise.
    data = file.pixel_data(2 * layout.frame_bytes if file.syntax.is_compressed else layout.frame_bytes)
    if data is None:
        raise ReadError(
            expected="whole Pixel Data of integers",
            found="none, or an open end",
            do="fetch the file again; it may be cut short",
        )
    value, vr = data
    check_dimensions(layout.rows, layout.columns, len(value))
    if file.syntax.is_encapsulated:
        words = decode(file.syntax, value, layout)
    else:
        words = _native(value, vr, file.syntax, layout)
    return words if words.ndim == 2 else _grey_of_colour(words, remarks)


def _native(value: bytes, vr: str | None, syntax: UID, layout: PixelFormat) -> Words:
    if len(value) < layout.frame_bytes:
        raise ReadError(
            expected=f"{layout.frame_bytes} bytes of pixels",
            found=str(len(value)),
            do="fetch the file again; it is cut short",
        )
    order = "<" if syntax.is_little_endian else ">"
    if layout.bits_allocated == 8 and order == ">" and vr == "OW":
        # PS3.5 8.1.1: bytes packed in big-endian words come in pairs swapped.
        value = np.frombuffer(value, "<u2", len(value) // 2).byteswap().tobytes()
    samples = layout.rows * layout.columns * layout.samples
    words = np.frombuffer(value, f"{order}u{layout.bits_allocated // 8}", samples)
    words = words.astype(words.dtype.newbyteorder("="), copy=False)
    if layout.samples == 1:
        return words.reshape(layout.rows, layout.columns)
    if layout.planar:
        return np.moveaxis(words.reshape(layout.samples, layout.rows, layout.columns), 0, -1)
    return words.reshape(layout.rows, layout.columns, layout.samples)


def _grey_of_colour(words: Words, remarks: Remarks) -> Words:
    """The one channel of a (rows, columns, 3) image whose three are equal (RGB), or whose chroma is nil (YCbCr)."""
    first, second, third = (words[..., channel] for channel in range(3))
    middle = (np.iinfo(words.dtype).max + 1) // 2
    equal = np.array_equal(second, third) and (np.array_equal(first, second) or bool((second == middle).all()))
    if not equal:
        raise ReadError(expected="a grey image", found="colour", do="leave it out, or convert it to grey first")
    remarks.note("stored in colour, all pixels grey")
    return np.ascontiguousarray(first)
