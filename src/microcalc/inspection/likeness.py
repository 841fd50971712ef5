"""Images that look the same though their pixels differ: saved at fewer bits, shrunk, cropped around the breast."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from microcalc.breast import Breast
from microcalc.mammogram import Mammogram

#: The breast is shrunk to so many pixels a side and one more; whether each is brighter than its neighbour is a bit.
_SIDE = 16
_BITS = 2 * _SIDE**2
#: Copies differ in at most so many of 512 bits: three real ones at 8 bits, as JPEG, at half size, cropped by a hundred
#: rows or with another grey scale differed in 0 to 32, other patients' images in 113 and more.
MOST_BITS = 32
#: Pairs compared at a time.
_BLOCK = 1024


def fingerprint(mammogram: Mammogram, breast: Breast) -> str:
    """512 bits, hex: whether the breast brightens to the right, and downwards, on a coarse grid over its box.

    Grey scale, size and what lies around the breast hardly change it.
    """
    x, y, width, height = cv2.boundingRect(breast.mask.view(np.uint8))
    box = slice(y, y + height), slice(x, x + width)
    tissue = np.where(breast.mask[box], mammogram.pixels[box], np.float32(0))
    coarse = cv2.resize(tissue, (_SIDE + 1, _SIDE + 1), interpolation=cv2.INTER_AREA)
    right, down = np.diff(coarse[:-1], axis=1) > 0, np.diff(coarse[:, :-1], axis=0) > 0
    return np.packbits(np.stack([right, down])).tobytes().hex()


def alike(fingerprints: Sequence[str]) -> list[tuple[int, int]]:
    """The pairs (i, j), i < j, of fingerprints that differ in at most ``MOST_BITS`` bits."""
    if not fingerprints:
        return []
    packed = np.frombuffer(bytes.fromhex("".join(fingerprints)), np.uint8).reshape(len(fingerprints), -1)
    signs: NDArray[np.float32] = np.unpackbits(packed, axis=1).astype(np.float32) * 2 - 1
    pairs = []
    for start in range(0, len(signs), _BLOCK):
        # The product of two rows of signs is the number of equal bits less that of different ones.
        near = signs[start : start + _BLOCK] @ signs.T >= _BITS - 2 * MOST_BITS
        first, second = np.nonzero(np.triu(near, start + 1))
        pairs += list(zip((first + start).tolist(), second.tolist(), strict=True))
    return pairs
