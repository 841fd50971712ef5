"""Compressed frames: checked first, then given to the decoder their stream asks for.

The stream's own header chooses the decoder, so that a mislabelled transfer syntax does no harm: Pillow for 8-bit JPEG,
pylibjpeg-libjpeg (an extra) for 12-bit JPEG, GDCM for lossless JPEG, CharLS for JPEG-LS, OpenJPEG for JPEG 2000 and its
high-throughput kind; pydicom for RLE, which has no such header.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydicom.encaps import get_frame
from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import (
    HTJ2K,
    UID,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    JPEG2000TransferSyntaxes,
    JPEGLSTransferSyntaxes,
    JPEGTransferSyntaxes,
    RLELossless,
)

from microcalc.errors import ReadError
from microcalc.imageio.apart import run_apart
from microcalc.imageio.codestream import JPEG_2000, JPEG_LOSSLESS, JPEG_LS, Codestream, read_codestream
from microcalc.imageio.layout import PixelFormat, Words
from microcalc.imageio.limits import check_dimensions

_SYNTAXES = (
    *JPEGTransferSyntaxes,
    *JPEGLSTransferSyntaxes,
    *JPEG2000TransferSyntaxes,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    HTJ2K,
    RLELossless,
)


def decode(syntax: UID, value: bytes, layout: PixelFormat) -> Words:
    """Decode encapsulated Pixel Data of one frame.

    Returns:
        Unsigned words of shape (rows, columns) or, for three samples, (rows, columns, 3).

    Raises:
        ReadError: no decoder for this syntax, or a stream that is damaged or disagrees with the header.
    """
    if syntax not in _SYNTAXES:
        raise ReadError(
            expected="plain, RLE, JPEG, JPEG-LS or JPEG 2000 pixels",
            found=syntax.name,
            do="convert the file, for instance with dcmconv or gdcmconv",
        )
    try:
        if syntax == RLELossless:
            words = _rle(value, layout)
        else:
            stream = get_frame(value, 0, number_of_frames=1)
            codestream = read_codestream(stream)
            _check_agreement(codestream, layout, len(stream))
            words = _decoder(codestream)(stream, codestream)
    except ReadError:
        raise
    except Exception as error:  # each decoder has its own errors, pydicom's unpacking has many
        raise _damaged() from error
    shape = (layout.rows, layout.columns) if layout.samples == 1 else (layout.rows, layout.columns, layout.samples)
    if words.shape != shape or words.dtype.itemsize > 2:
        raise _damaged()
    return words.view(f"u{words.dtype.itemsize}")


def _check_agreement(codestream: Codestream, layout: PixelFormat, length: int) -> None:
    inside = (codestream.rows, codestream.columns, codestream.components)
    outside = (layout.rows, layout.columns, layout.samples)
    if inside != outside or not 2 <= codestream.precision <= layout.bits_allocated:
        raise ReadError(
            expected=f"{outside[0]} x {outside[1]} pixels of {outside[2]} x {layout.bits_allocated} bits in the stream",
            found=f"{inside[0]} x {inside[1]} of {inside[2]} x {codestream.precision}",
            do="fetch the file again; it may be damaged",
        )
    if layout.shift:
        raise ReadError(
            expected="a High Bit one below Bits Stored in a compressed image",
            found=f"{layout.shift} bits more",
            do="decompress the file first, for instance with dcmdjpeg or gdcmconv",
        )
    check_dimensions(codestream.rows, codestream.columns, length)


def _decoder(codestream: Codestream) -> Callable[[bytes, Codestream], NDArray[np.generic]]:
    if codestream.process == JPEG_LOSSLESS:
        return _lossless_jpeg
    if codestream.process == JPEG_LS:
        return _jpeg_ls
    if codestream.process == JPEG_2000:
        return _jpeg_2000
    return _jpeg if codestream.precision == 8 else _jpeg_12_bit


def _rle(value: bytes, layout: PixelFormat) -> NDArray[np.generic]:
    attributes: dict[str, Any] = {
        "rows": layout.rows,
        "columns": layout.columns,
        "samples_per_pixel": layout.samples,
        "planar_configuration": 1,
        "bits_allocated": layout.bits_allocated,
        "bits_stored": layout.bits_allocated,
        "pixel_representation": 0,
        "photometric_interpretation": "MONOCHROME2" if layout.samples == 1 else "RGB",
        "number_of_frames": 1,
        "pixel_keyword": "PixelData",
    }
    words, _ = get_decoder(RLELossless).as_array(value, index=0, raw=True, **attributes)
    return words


def _jpeg(stream: bytes, codestream: Codestream) -> NDArray[np.generic]:
    return np.asarray(Image.open(BytesIO(stream), formats=("JPEG",)))


def _jpeg_12_bit(stream: bytes, codestream: Codestream) -> NDArray[np.generic]:
    try:
        libjpeg = importlib.import_module("libjpeg")
    except ImportError as error:
        raise ReadError(
            expected="the decoder for JPEG of more than 8 bits",
            found="none installed",
            do="run pip install 'microcalc[jpeg12]'",
        ) from error
    return np.asarray(libjpeg.decode(stream))


def _lossless_jpeg(stream: bytes, codestream: Codestream) -> NDArray[np.generic]:
    sizes = (codestream.rows, codestream.columns, codestream.components, codestream.precision)
    child = run_apart("gdcm_child.py", stream, *sizes)
    if child.stderr:  # GDCM fills what it cannot decode with zeros, and only says so
        raise _damaged()
    words = np.frombuffer(child.stdout, "<u1" if codestream.precision <= 8 else "<u2")
    return _shaped(words, codestream)


def _jpeg_ls(stream: bytes, codestream: Codestream) -> NDArray[np.generic]:
    import jpeg_ls  # type: ignore[import-untyped]

    pixels, info = jpeg_ls.decode_buffer(stream)
    words = np.frombuffer(pixels, "<u1" if codestream.precision <= 8 else "<u2")
    if codestream.components > 1 and info["interleave_mode"] == 0:  # plane after plane
        planes = words.reshape(codestream.components, codestream.rows, codestream.columns)
        return np.ascontiguousarray(np.moveaxis(planes, 0, -1))
    return _shaped(words, codestream)


def _jpeg_2000(stream: bytes, codestream: Codestream) -> NDArray[np.generic]:
    import openjpeg.utils

    return np.asarray(openjpeg.utils.decode(stream))


def _shaped(words: NDArray[np.generic], codestream: Codestream) -> NDArray[np.generic]:
    shape = (codestream.rows, codestream.columns, codestream.components)
    return words.reshape(shape[:2] if codestream.components == 1 else shape)


def _damaged() -> ReadError:
    return ReadError(
        expected="a frame that can be decoded",
        found="damaged compressed data",
        do="fetch the file again; it is damaged or cut short",
    )
