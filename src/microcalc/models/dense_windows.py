"""Whole images by a network with a context: once over all of it, tile by tile, and the windows' logits joined.

The network answers for every window whose surroundings it is shown, so that tiles need overlap by those alone. Tiles
are planned over the grid of windows: a window that nobody asks for costs nothing unless it lies between others.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from microcalc.models.normalise import prepare_tile
from microcalc.models.runtime import Runtime
from microcalc.recipe import PatchInput
from microcalc.tiling import Aggregator, TileSampler, WindowSampler

#: Longest side of what a tile covers without its surroundings: feature maps of 64 channels at full resolution are a
#: quarter of a kilobyte a pixel, and there are two or three of them at a time.
TILE_PX = 512

Array = NDArray[np.float32]


def window_grid(shape: tuple[int, int], size_px: int, stride_px: int) -> tuple[int, int]:
    """Rows and columns of the windows at a stride that it takes to cover an image: the last ones may leave it."""
    rows, columns = (-(-max(length - size_px, 0) // stride_px) + 1 for length in shape)
    return rows, columns


def wanted_windows(mask: NDArray[np.bool_], size_px: int, stride_px: int) -> NDArray[np.bool_]:
    """(window rows, window columns) which windows hold any of a mask (rows, columns)."""
    grid = window_grid((mask.shape[0], mask.shape[1]), size_px, stride_px)
    missing = [(0, (n - 1) * stride_px + size_px - there) for n, there in zip(grid, mask.shape, strict=True)]
    x, y = WindowSampler(np.pad(mask, missing), size_px, stride_px).corners.T // stride_px
    wanted = np.zeros(grid, np.bool_)
    wanted[y, x] = True
    return wanted


def map_windows(
    image: Array,
    wanted: NDArray[np.bool_],
    stride_px: int,
    spec: PatchInput,
    runtime: Runtime,
    score: Callable[[Array], NDArray[np.float64]],
    channels: int = 1,
) -> Array:
    """What a network says of the wanted windows of an image.

    Beside what the network needs for a tile, this takes 4 bytes a window and 4 a pixel.

    Args:
        image: (rows, columns) 0..1.
        wanted: of :func:`window_grid`.
        stride_px: between those windows; a multiple of the network's own.
        spec: with a context.
        runtime: of the network.
        score: (n, outputs) logits -> (n,) what is kept of them.
        channels: of the network's input.

    Returns:
        (window rows, window columns) float32; 0 where none is wanted.
    """
    assert spec.context is not None
    border = (spec.cut_px - spec.size_px) // 2
    covered = [(n - 1) * stride_px + spec.size_px for n in wanted.shape]
    beyond = [(border, border + n - there) for n, there in zip(covered, image.shape, strict=True)]
    wide = np.pad(image, beyond, mode="reflect")
    every = stride_px // spec.context.stride_px
    joined = Aggregator((wanted.shape[0], wanted.shape[1]), channels=1)
    for tile in TileSampler(wanted, max(TILE_PX // stride_px, 1)):
        rows, columns = (slice(core.start * stride_px, (core.stop - 1) * stride_px + spec.cut_px) for core in tile.core)
        ready = prepare_tile(wide[rows, columns], spec)
        logits = runtime(np.repeat(ready[np.newaxis, np.newaxis], channels, axis=1))[0]
        kept = logits[0, :, ::every, ::every]
        joined.add(tile, score(kept.reshape(len(kept), -1).T).reshape(1, *kept.shape[1:]).astype(np.float32))
    return np.where(wanted, joined.maps[0], np.float32(0))
