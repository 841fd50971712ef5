"""Grey-scale reconstruction by dilation, exact, on tiles that fit in the cache."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

#: Tile side and dilations between two looks for change; the fastest measured (benchmarks/reconstruction.py).
TILE_PX = 256
STEPS = 4

Image = NDArray[np.uint8] | NDArray[np.uint16] | NDArray[np.float32]


def reconstruct(marker: Image, mask: Image) -> NDArray[Any]:
    """Dilate ``marker`` under ``mask`` with a 3 x 3 square until nothing changes (Vincent 1993, definition 3.1).

    Every tile is brought to its own fixed point against the present values around it; a tile whose rim changed wakes
    the neighbours on that side. Values only rise and are bounded by the mask, so the order of visits does not matter:
    the result is the same, to the bit, as dilating the whole image until it stands still.

    Args:
        marker: (rows, columns) uint8, uint16 or float32, nowhere negative and nowhere above ``mask``.
        mask: the same shape and type.

    Returns:
        (rows, columns) of the same type.
    """
    rows, columns = marker.shape
    # One pixel of the lowest value around the image keeps every tile the same: a core and a rim that it only reads.
    state = cv2.copyMakeBorder(marker, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    ceiling = cv2.copyMakeBorder(mask, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    awake = np.ones((-(-rows // TILE_PX), -(-columns // TILE_PX)), dtype=bool)
    while awake.any():
        visits = np.argwhere(awake)
        awake[:] = False
        for i, j in visits:
            window = (
                slice(i * TILE_PX, min((i + 1) * TILE_PX, rows) + 2),
                slice(j * TILE_PX, min((j + 1) * TILE_PX, columns) + 2),
            )
            settled = _settle(state[window], ceiling[window])
            changed = settled != state[window]
            state[window] = settled
            _wake_neighbours(awake, i, j, changed)
    return np.ascontiguousarray(state[1:-1, 1:-1])


def _settle(tile: NDArray[Any], ceiling: NDArray[Any]) -> NDArray[Any]:
    """The fixed point of one tile, its outermost pixels held."""
    bound = ceiling.copy()
    bound[[0, -1]] = tile[[0, -1]]
    bound[:, [0, -1]] = tile[:, [0, -1]]
    square = np.ones((3, 3), dtype=np.uint8)
    while True:
        before = tile
        for _ in range(STEPS):
            tile = cv2.min(cv2.dilate(tile, square), bound)
        if np.array_equal(before, tile):
            return tile


def _wake_neighbours(awake: NDArray[np.bool_], i: int, j: int, changed: NDArray[np.bool_]) -> None:
    """Wake the tiles that read a pixel which changed along the rim of tile (i, j)."""
    above, left = max(i - 1, 0), max(j - 1, 0)
    if changed[1].any():
        awake[above:i, left : j + 2] = True
    if changed[-2].any():
        awake[i + 1 : i + 2, left : j + 2] = True
    if changed[:, 1].any():
        awake[above : i + 2, left:j] = True
    if changed[:, -2].any():
        awake[above : i + 2, j + 1 : j + 2] = True
