"""Look-up tables stored in DICOM attributes (PS3.3 C.11.1, C.11.2, C.11.4): modality, VOI and presentation alike."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from microcalc.imageio.tags import numbers, raw


@dataclass(frozen=True)
class Lut:
    """``entries[i]`` is the output for the input ``first + i``; inputs beyond either end take the end's output."""

    first: int
    #: (n,) uint16.
    entries: NDArray[np.uint16]
    #: Bits per entry, as declared.
    declared_bits: int

    @property
    def bits(self) -> int:
        """Bits per entry; where the declared number cannot be true, as many as the largest entry needs.

        Tables of 12 bits declared as 16 would come out black, and tables of 16 declared as 12 out of range.
        """
        needed = int(self.entries.max()).bit_length()
        return self.declared_bits if self.declared_bits - 1 <= needed <= self.declared_bits else needed

    def apply(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Outputs, in entry units, for inputs of any shape."""
        index = np.clip(np.rint(values) - self.first, 0, len(self.entries) - 1).astype(np.intp)
        shown: NDArray[np.float64] = self.entries[index].astype(np.float64)
        return shown

    def apply_scaled(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Outputs in 0..1 of the table's full scale."""
        return self.apply(values) / ((1 << self.bits) - 1)


def read_lut(item: Dataset, inputs: NDArray[np.float64]) -> Lut | None:
    """The table of a LUT sequence item; None where it is malformed.

    Args:
        item: Holds LUT Descriptor and LUT Data.
        inputs: The values it will be asked for; if some are negative, so may be the first it maps.
    """
    descriptor = numbers(item, "LUTDescriptor")
    if len(descriptor) != 3 or not np.isfinite(descriptor).all():
        return None
    # The first and last numbers are unsigned, whatever they were written as; a length of 0 means 65,536.
    length, first, bits = int(descriptor[0]) & 0xFFFF or 0x10000, int(descriptor[1]), int(descriptor[2]) & 0xFFFF
    if inputs.min() < 0 and first > 0x7FFF:  # often written as if unsigned
        first -= 0x10000
    entries = _entries(raw(item, "LUTData"), length, item.original_encoding[1] is not False)
    if entries is None or not 1 <= bits <= 16 or entries.max() == 0:
        return None
    return Lut(first, entries, bits)


def _entries(data: object, length: int, little_endian: bool) -> NDArray[np.uint16] | None:
    """LUT Data as ``length`` unsigned numbers, from words or from bytes packed two to a word."""
    if isinstance(data, bytes):
        content = data
    else:
        try:
            words = np.asarray(data, dtype=np.int64).ravel() & 0xFFFF
        except (TypeError, ValueError, OverflowError):
            return None
        content, little_endian = words.astype("<u2").tobytes(), True
    if len(content) >= 2 * length:
        return np.frombuffer(content, "<u2" if little_endian else ">u2", length).astype(np.uint16)
    if len(content) >= length > 1:
        return np.frombuffer(content, "u1", length).astype(np.uint16)
    return None
