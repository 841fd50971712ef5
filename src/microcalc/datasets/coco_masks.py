"""Masks in COCO annotation files: run lengths down the columns of an image, as numbers or packed into a text."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

#: A text holds six bits a character, from "0" on: five of the number, from the lowest, and whether more follow.
_FIRST = ord("0")
_BITS, _MORE, _SIGN, _PAYLOAD = 5, 0x20, 0x10, 0x1F
#: Numbers after the third say how much longer a run is than the last of its kind.
_DIFFERENCES_FROM = 3


def decode_mask(counts: str | Sequence[int], size: tuple[int, int]) -> NDArray[np.bool_]:
    """The mask of run lengths.

    Args:
        counts: pixels that are not set, that are, that are not, and so on; down the first column, then the second.
        size: (rows, columns).

    Returns:
        (rows, columns) bool.

    Raises:
        ValueError: the runs are negative, or do not fill the mask.
    """
    runs = np.array(_unpacked(counts) if isinstance(counts, str) else counts, np.int64)
    if (runs < 0).any() or runs.sum() != size[0] * size[1]:
        raise ValueError(f"runs of {runs.sum()} pixels for {size[0]} x {size[1]}")
    down_columns = np.repeat(np.arange(len(runs)) % 2 == 1, runs)
    return down_columns.reshape(size[::-1]).T


def _unpacked(text: str) -> list[int]:
    """The numbers in a text, a run length each."""
    runs: list[int] = []
    number, shift = 0, 0
    for character in text:
        bits = ord(character) - _FIRST
        number |= (bits & _PAYLOAD) << shift
        shift += _BITS
        if bits & _MORE:
            continue
        if bits & _SIGN:
            number -= 1 << shift
        runs.append(number + (runs[-2] if len(runs) >= _DIFFERENCES_FROM else 0))
        number, shift = 0, 0
    return runs
