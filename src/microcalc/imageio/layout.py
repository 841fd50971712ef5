"""How the samples of a DICOM image lie in its words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from microcalc.errors import ReadError
from microcalc.imageio.tags import code, integer

#: Unsigned words of 8 or 16 bits; which of their bits count is for :class:`PixelFormat` to say.
Words = NDArray[np.unsignedinteger[Any]]


@dataclass(frozen=True)
class PixelFormat:
    """The Image Pixel attributes (PS3.3 C.7.6.3): a sample is ``bits_stored`` bits, ``shift`` bits up its word."""

    rows: int
    columns: int
    samples: int
    planar: bool
    bits_allocated: int
    bits_stored: int
    shift: int
    signed: bool

    @property
    def frame_bytes(self) -> int:
        """Length of an uncompressed frame."""
        return self.rows * self.columns * self.samples * self.bits_allocated // 8


def pixel_format(header: Dataset) -> PixelFormat:
    """Read and check the Image Pixel attributes.

    Raises:
        ReadError: a required one is missing, or the combination is absurd or not supported.
    """
    rows, columns, allocated = (_required(header, name) for name in ("Rows", "Columns", "BitsAllocated"))
    samples = integer(header, "SamplesPerPixel") or 1
    stored = integer(header, "BitsStored") or allocated
    high_bit = integer(header, "HighBit")
    shift = 0 if high_bit is None else high_bit + 1 - stored
    palette = code(header, "PhotometricInterpretation") == "PALETTE COLOR"
    if samples not in (1, 3) or palette:
        raise ReadError(
            expected="a grey image",
            found="a palette of colours" if palette else f"{samples} samples per pixel",
            do="convert it to grey first",
        )
    if allocated not in (8, 16) or not (1 < stored <= allocated and 0 <= shift <= allocated - stored):
        raise ReadError(
            expected="8 or 16 bits allocated, with the stored bits inside",
            found=f"{allocated} allocated, {stored} stored, high bit {high_bit}",
            do="convert it to 16 bits first",
        )
    return PixelFormat(
        rows=rows,
        columns=columns,
        samples=samples,
        planar=integer(header, "PlanarConfiguration") == 1,
        bits_allocated=allocated,
        bits_stored=stored,
        shift=shift,
        signed=integer(header, "PixelRepresentation") == 1,
    )


def _required(header: Dataset, keyword: str) -> int:
    value = integer(header, keyword)
    if value is None:
        raise ReadError(
            expected=f"the attribute {keyword}", found="none", do="fetch the file again; its header is damaged"
        )
    return value
