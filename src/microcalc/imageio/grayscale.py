"""Stored values to what a reader sees: the grayscale pipeline of PS3.3 C.11 as one table over all stored words.

Modality LUT, VOI LUT, presentation LUT and padding are worked out for each of the at most 65,536 words a sample can be;
then every pixel is looked up once.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from microcalc.imageio.layout import PixelFormat, Words
from microcalc.imageio.lut import read_lut
from microcalc.imageio.processing import is_for_processing, presentation_look
from microcalc.imageio.remarks import Remarks
from microcalc.imageio.scale import shown_range
from microcalc.imageio.tags import code, first_item, integer, numbers
from microcalc.imageio.voi import apply_voi

#: Rows taken at a time: NumPy widens indices to 64 bits, which must not happen to the whole image at once.
_BLOCK_ROWS = 256


def display(header: Dataset, words: Words, layout: PixelFormat, remarks: Remarks) -> NDArray[np.float32]:
    """(rows, columns) stored words as float32 in 0..1, bright = radio-opaque, padding 0."""
    stored = _stored_values(layout, 8 * words.dtype.itemsize)
    padding = _padding(header, layout, stored)
    values = _modality(header, stored, remarks)
    if is_for_processing(header, remarks):
        shown = presentation_look(header, values, _histogram(words, padding), remarks)
    else:
        voi = apply_voi(header, values, remarks)
        if voi is None:
            voi = _full_range(values, layout, _histogram(words, padding), remarks)
        shown = _presentation(header, voi, remarks)
    shown[padding] = 0.0
    return _look_up(shown.astype(np.float32), words)


def _stored_values(layout: PixelFormat, word_bits: int) -> NDArray[np.int32]:
    """(2**word_bits,) the sample in each word: sign extended, overlay and other bits around it masked."""
    mask = (1 << layout.bits_stored) - 1
    values = np.arange(1 << word_bits, dtype=np.int32) >> layout.shift & mask
    return np.where(values > mask >> 1, values - mask - 1, values) if layout.signed else values


def _padding(header: Dataset, layout: PixelFormat, stored: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Which words are padding: Pixel Padding Value, or the range from it to Pixel Padding Range Limit inclusive."""
    value, limit = integer(header, "PixelPaddingValue"), integer(header, "PixelPaddingRangeLimit")
    if value is None:
        return np.zeros(stored.shape, dtype=bool)
    # Negative values are often written as if unsigned.
    ends = [e - 0x10000 if layout.signed and e > 0x7FFF else e for e in (value, value if limit is None else limit)]
    return (stored >= min(ends)) & (stored <= max(ends))


def _modality(header: Dataset, stored: NDArray[np.int32], remarks: Remarks) -> NDArray[np.float64]:
    """Modality LUT Sequence, else Rescale Slope and Intercept, else the stored values themselves."""
    values = stored.astype(np.float64)
    item = first_item(header, "ModalityLUTSequence")
    if item is not None:
        lut = read_lut(item, values)
        if lut is not None:
            remarks.note("modality LUT applied")
            return lut.apply(values)
        remarks.warn("the modality LUT is malformed and was passed over")
    slope = next(iter(numbers(header, "RescaleSlope")), 1.0)
    intercept = next(iter(numbers(header, "RescaleIntercept")), 0.0)
    rescaled = values * slope + intercept
    # A slope of 0 would erase the image; NaN is what malformed numbers read as.
    if slope == 0.0 or not np.isfinite(rescaled).all():
        remarks.warn("Rescale Slope and Intercept are malformed and were passed over")
        return values
    return rescaled


def _full_range(
    values: NDArray[np.float64], layout: PixelFormat, counts: NDArray[np.int64], remarks: Remarks
) -> NDArray[np.float64]:
    """0..1 without a VOI: all that Bits Stored can hold or, where these are 16, by the values present (counts > 0)."""
    low, high = float(values.min()), float(values.max())
    present = values[counts > 0]
    if layout.bits_stored == 16 and present.size:  # 16 is also what is written where nobody cared
        integers = bool((present == np.rint(present)).all())
        low, high = shown_range(float(present.min()), float(present.max()), integers=integers)
    remarks.note(f"no VOI given: {low:g} to {high:g} shown as black to white")
    return np.clip((values - low) / max(high - low, np.finfo(np.float64).tiny), 0.0, 1.0)


def _presentation(header: Dataset, shown: NDArray[np.float64], remarks: Remarks) -> NDArray[np.float64]:
    """Presentation LUT Sequence, else one inversion where the smallest value is white.

    MONOCHROME1 and the Presentation LUT Shape INVERSE say the same thing (PS3.3 C.8.11.3.1), so both together still
    invert once; where they contradict each other, the one that asks for it is believed.
    """
    item = first_item(header, "PresentationLUTSequence")
    lut = None if item is None else read_lut(item, shown)
    if lut is not None:
        remarks.note("presentation LUT applied")
        return lut.apply_scaled(lut.first + shown * (len(lut.entries) - 1))
    photometric, shape = code(header, "PhotometricInterpretation"), code(header, "PresentationLUTShape")
    if not photometric:
        remarks.warn("Photometric Interpretation is missing, taken as MONOCHROME2")
    if (photometric, shape) in (("MONOCHROME1", "IDENTITY"), ("MONOCHROME2", "INVERSE")):
        remarks.warn(f"{photometric} and Presentation LUT Shape {shape} disagree: inverted")
    return 1.0 - shown if photometric == "MONOCHROME1" or shape == "INVERSE" else shown


def _histogram(words: Words, padding: NDArray[np.bool_]) -> NDArray[np.int64]:
    """(len(padding),) how many pixels hold each word; 0 for padding."""
    counts = np.zeros(len(padding), dtype=np.int64)
    for top in range(0, len(words), _BLOCK_ROWS):
        counts += np.bincount(words[top : top + _BLOCK_ROWS].ravel(), minlength=len(padding))
    counts[padding] = 0
    return counts


def _look_up(table: NDArray[np.float32], words: Words) -> NDArray[np.float32]:
    pixels = np.empty(words.shape, dtype=np.float32)
    for top in range(0, len(words), _BLOCK_ROWS):
        np.take(table, words[top : top + _BLOCK_ROWS], out=pixels[top : top + _BLOCK_ROWS], mode="clip")
    return pixels
