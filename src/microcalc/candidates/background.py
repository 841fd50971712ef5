"""The background of an image: the height to which a ball rolled under it comes (Sternberg 1983), exact, in tiles."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

#: Tile side; the fastest measured.
TILE_PX = 256


def rolling_ball(image: NDArray[np.float32], radius_px: float, height: float) -> NDArray[np.float32]:
    """The background under each pixel: the highest apex of a ball centred there that stays below the image.

    At d pixels from its apex the ball has dropped by ``height * (1 - sqrt(1 - (d / radius_px)**2))``; the background is
    the least sum of image and drop over the ball, as in scikit-image. A neighbour at which the drop exceeds the relief
    (the image above the lowest value around it) cannot hold the least sum, so each tile looks only as far as its own
    relief asks: on an image in 0..1, a ball of 50 pixels and height 50 is never read beyond 10 pixels.

    Args:
        image: (rows, columns) float32, finite.
        radius_px: of the ball in the plane.
        height: of the ball along the grey values (its half axis, in their unit).

    Returns:
        (rows, columns) float32, nowhere above ``image``.
    """
    reach = _reach(float(np.ptp(image)), radius_px, height)
    relief = image - cv2.erode(image, np.ones((2 * reach + 1, 2 * reach + 1), dtype=np.uint8))
    padded = np.pad(image, reach, constant_values=np.inf)
    background = np.empty_like(image)
    for top in range(0, image.shape[0], TILE_PX):
        for left in range(0, image.shape[1], TILE_PX):
            tile = (slice(top, top + TILE_PX), slice(left, left + TILE_PX))
            around = padded[top : top + TILE_PX + 2 * reach, left : left + TILE_PX + 2 * reach]
            near = _reach(float(relief[tile].max()), radius_px, height)
            rim = reach - near
            around = around[rim : around.shape[0] - rim, rim : around.shape[1] - rim]
            background[tile] = _least_sum(around, _drops(near, radius_px, height))
    return background


def _reach(relief: float, radius_px: float, height: float) -> int:
    """Whole pixels within which the ball drops by at most the relief."""
    rest = max(1.0 - relief / height, 0.0)
    return int(np.ceil(radius_px * np.sqrt(1.0 - rest**2)))


def _drops(reach: int, radius_px: float, height: float) -> NDArray[np.float32]:
    """(reach + 1, reach + 1) drop of the ball at 0, 1 ... pixels from its apex along each axis; infinite beyond it."""
    squares = np.arange(reach + 1) ** 2 / radius_px**2
    rest = 1.0 - squares[:, None] - squares
    return np.where(rest >= 0, height * (1.0 - np.sqrt(np.maximum(rest, 0.0))), np.inf).astype(np.float32)


def _least_sum(around: NDArray[np.float32], drops: NDArray[np.float32]) -> NDArray[np.float32]:
    """The least sum of image and drop over the ball, for the core of a tile that has a rim as wide as the ball.

    The ball is symmetric: the lower of left and right, then of above and below, stands for four neighbours.
    """
    reach = len(drops) - 1
    rows, columns = around.shape[0] - 2 * reach, around.shape[1] - 2 * reach
    least = around[reach : reach + rows, reach : reach + columns].copy()
    four = np.empty_like(least)
    for dx in range(reach + 1):
        pair = cv2.min(
            around[:, reach - dx : reach - dx + columns],
            around[:, reach + dx : reach + dx + columns],
        )
        for dy in np.flatnonzero(drops[dx] <= drops[0, reach]):
            np.minimum(pair[reach - dy : reach - dy + rows], pair[reach + dy : reach + dy + rows], out=four)
            four += drops[dx, dy]
            np.minimum(least, four, out=least)
    return least
