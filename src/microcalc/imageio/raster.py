"""PNG, JPEG, TIFF and PGM in, a Mammogram out.

They hold no spacing: their resolution fields describe prints, so they are ignored.
"""

from __future__ import annotations

import re
import warnings
from io import BytesIO
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from microcalc.errors import ReadError
from microcalc.imageio.apart import run_apart
from microcalc.imageio.limits import MAX_FILE_BYTES, check_dimensions
from microcalc.imageio.remarks import Remarks
from microcalc.imageio.scale import shown_range
from microcalc.mammogram import Mammogram

_FORMATS = ("PNG", "JPEG", "TIFF", "PPM")
_GREY_MODES = ("L", "I;16", "I;16L", "I;16B", "I;16N", "I", "F")
_COLOUR_MODES = ("LA", "P", "PA", "RGB", "RGBA", "RGBX")
#: P2 (text) or P5 (binary), columns, rows, and the sample that is white.
_PGM = re.compile(rb"P([25])" + 3 * rb"(?:\s|#[^\n]*\n)+(\d+)" + rb"\s")
_MOST_WHITE = 0xFFFF
_TIFF_PHOTOMETRIC = 262
_WHITE_IS_ZERO = 0


def read_raster(file: BinaryIO) -> Mammogram:
    """Read a grey image of 8 or 16 bits or of floats as :func:`microcalc.imageio.read_mammogram` does.

    Raises:
        ReadError: the file is damaged, coloured, transparent, of 1 bit, or has several pages or frames.
    """
    remarks = Remarks()
    content = file.read(MAX_FILE_BYTES + 1)
    if len(content) > MAX_FILE_BYTES:
        raise ReadError(
            expected=f"a file of at most {MAX_FILE_BYTES // 10**6} MB",
            found="a larger one",
            do="crop or shrink the image",
        )
    pgm = _PGM.match(content)
    pixels = _binary_pgm(content, pgm, remarks) if pgm and pgm[1] == b"5" else _by_pillow(content, pgm, remarks)
    return Mammogram(pixels=pixels, notes=tuple(remarks.notes))


def _binary_pgm(content: bytes, header: re.Match[bytes], remarks: Remarks) -> NDArray[np.float32]:
    """Read here: Pillow takes seconds a megapixel where the stated white is neither 255 nor 65535."""
    columns, rows, white = (int(number[:9]) for number in header.groups()[1:])
    samples = content[header.end() :]
    check_dimensions(rows, columns, len(samples))
    dtype = np.dtype("u1" if white <= 0xFF else ">u2")
    if not 0 < white <= _MOST_WHITE or len(samples) < rows * columns * dtype.itemsize:
        raise _damaged()
    values = np.frombuffer(samples, dtype, rows * columns).reshape(rows, columns)
    return _scaled(values, remarks, _stated(white))


def _stated(white: int) -> int | None:
    """White, unless it says no more than that samples have 16 bits."""
    return white if white < _MOST_WHITE else None


def _by_pillow(content: bytes, text_pgm: re.Match[bytes] | None, remarks: Remarks) -> NDArray[np.float32]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image = Image.open(BytesIO(content), formats=_FORMATS)
            check_dimensions(image.height, image.width, len(content))
            _check_kind(image)
            values = _grey(_loaded(image, content), remarks)
            # Pillow stretches the samples of a text PGM to 8 or 16 bits.
            stretched = text_pgm is not None and values.dtype != np.uint8 and _stated(int(text_pgm[4])) is not None
            pixels = _scaled(values, remarks, _MOST_WHITE if stretched else None)
    except ReadError:
        raise
    except Exception as error:  # Pillow's plug-ins raise nearly anything on damaged files
        raise _damaged() from error
    if image.format == "JPEG":
        remarks.note("stored as JPEG: what it lost cannot be had back, small calcifications first")
    if image.mode != "L" and _white_is_zero(image):
        remarks.note("TIFF with white as zero: inverted")
        np.subtract(1.0, pixels, out=pixels)
    return pixels


def _check_kind(image: Image.Image) -> None:
    found = None
    if getattr(image, "is_animated", False):
        found = "several pages or frames"
    elif image.mode not in _GREY_MODES + _COLOUR_MODES:
        found = f"an image of mode {image.mode}"
    elif image.mode not in _GREY_MODES and any(";16" in str(tile[3]) for tile in getattr(image, "tile", ())):
        # Pillow would cut it down to 8 bits without a word.
        found = "16-bit samples with colour or transparency"
    if found:
        raise ReadError(expected="one grey image of 8 or 16 bits, or of floats", found=found, do="convert it first")


def _loaded(image: Image.Image, content: bytes) -> Image.Image:
    """The image, with its pixels if they would come from libtiff."""
    if any(tile[0] == "libtiff" for tile in getattr(image, "tile", ())):
        return Image.frombytes(image.mode, image.size, run_apart("libtiff_child.py", content).stdout)
    return image


def _grey(image: Image.Image, remarks: Remarks) -> NDArray[np.generic]:
    """(rows, columns) values; colour and transparency only where they change nothing."""
    if image.mode in _GREY_MODES:
        return np.asarray(image)
    channels = np.asarray(image.convert("RGBA"))
    red, green, blue, alpha = (channels[..., channel] for channel in range(4))
    if not (alpha == 0xFF).all():
        raise ReadError(expected="a grey image", found="transparent pixels", do="flatten it first")
    if not (np.array_equal(red, green) and np.array_equal(green, blue)):
        raise ReadError(expected="a grey image", found="colour", do="leave it out, or convert it to grey first")
    remarks.note("stored in colour, all pixels grey")
    return red


def _white_is_zero(image: Image.Image) -> bool:
    """Whether a TIFF says so; Pillow heeds it for 8 bits alone."""
    tags = getattr(image, "tag_v2", {})
    return bool(tags.get(_TIFF_PHOTOMETRIC) == _WHITE_IS_ZERO)


def _scaled(values: NDArray[np.generic], remarks: Remarks, white: int | None = None) -> NDArray[np.float32]:
    """Values to float32 in 0..1: floats in 0..1 as they are, others from 0 to ``white`` or as is usual."""
    lowest, highest = float(values.min()), float(values.max())
    if not np.isfinite([lowest, highest]).all():  # NaN comes through min and max
        raise ReadError(expected="finite pixels", found="NaN or infinity", do="mend the file that wrote it")
    integers = np.issubdtype(values.dtype, np.integer)
    if not integers and lowest >= 0.0 and highest <= 1.0:
        return values.astype(np.float32)
    low, high = shown_range(lowest, highest, integers=integers) if white is None else (0.0, float(white))
    remarks.note(f"{low:g} to {high:g} shown as black to white")
    pixels: NDArray[np.float32] = np.subtract(values, np.float32(low), dtype=np.float32)
    pixels /= np.float32(high - low) or np.float32(1.0)
    return np.clip(pixels, 0.0, 1.0, out=pixels)


def _damaged() -> ReadError:
    return ReadError(
        expected="a whole PNG, JPEG, TIFF or PGM image",
        found="one that cannot be decoded",
        do="fetch the file again; it is damaged, cut short or of an unusual kind",
    )
