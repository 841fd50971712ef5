"""Pectoral: the edge of the pectoral muscle on an MLO-like view, where it is sure.

Everything here is in pixels of the overview, seen with the chest wall at the left and the head at the top: the muscle
is the bright corner at the top left, its edge a nearly straight line from the top border down to the left.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

#: Standard deviation of the smoothing before gradients are taken, pixels.
SMOOTH_PX = 2.0
#: Angles of the edge to the vertical, degrees.
ANGLES = (8.0, 55.0)
#: Points along a line.
SAMPLES = 64
#: The edge may leave the straight line by this much, pixels to either side, and bend by one pixel from point to point.
SWAY_PX = 8
#: A fall counts up to this per pixel (middling tissue = 1), so that one bright vessel does not make a line.
FALL_CAP = 0.08
#: A line is looked at when this part of it lies inside the breast, and is sure when this part of it falls towards the
#: breast, by this much per pixel in the mean, and the muscle is brighter than what lies beside it, at ``BESIDE_PX``.
INSIDE, FALLING, FALL, RISE, BESIDE_PX = 0.9, 0.85, 0.008, 0.1, 8
#: The muscle fills a part of the breast between these, and this part of it is brighter than what lies beside it.
AREA, EVEN = (0.02, 0.5), 0.97

Points = NDArray[np.float64]
Box = tuple[int, int, int, int]


@dataclass(frozen=True, eq=False)
class Pectoral:
    """The muscle: (N, 2) x, y polygon, and the (2,) unit vector away from it, square to its edge."""

    polygon: NDArray[np.float64]
    away: NDArray[np.float64]


def find_pectoral(contrast: NDArray[np.float32], mask: NDArray[np.bool_]) -> Pectoral | None:
    """The muscle, or None where the evidence is not clear.

    Args:
        contrast: (rows, columns), air 0, middling tissue 1, chest wall at the left.
        mask: (rows, columns) of the breast.
    """
    smooth = np.asarray(cv2.GaussianBlur(np.minimum(contrast, 2.0), (0, 0), SMOOTH_PX), np.float32)
    # The skin is an edge too: only what lies well inside the breast counts.
    inside = cv2.erode(mask.astype(np.uint8), np.ones((9, 9), np.uint8)).astype(np.float32)
    terrain = Terrain(smooth, -_derivative(smooth, 1, 0), -_derivative(smooth, 0, 1), inside)
    left, top, width, height = cv2.boundingRect(mask.astype(np.uint8))
    best = _best_line(terrain, (left, top, width, height))
    if best is None:
        return None
    line, away = best
    edge = _swayed(terrain, line, away)
    corners = [(left, edge[-1, 1]), (left, top), (edge[0, 0], top)]
    muscle = np.zeros(mask.shape, np.uint8)
    cv2.fillPoly(muscle, [np.round([*edge, *corners]).astype(np.int32)], 1)
    muscle &= mask
    if not (_clear(terrain, line, away) and _even(terrain, muscle, line + BESIDE_PX * away)):
        return None
    outlines, _ = cv2.findContours(muscle, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    polygon = cv2.approxPolyDP(max(outlines, key=cv2.contourArea), 1.0, True)
    return Pectoral(polygon[:, 0].astype(np.float64), away)


@dataclass(frozen=True, eq=False)
class Terrain:
    """The picture, how it falls to the right and down per pixel, and where the inside of the breast is (1)."""

    height: NDArray[np.float32]
    fall_x: NDArray[np.float32]
    fall_y: NDArray[np.float32]
    inside: NDArray[np.float32]

    def fall(self, points: Points, away: Points) -> tuple[Points, NDArray[np.bool_]]:
        """How steeply the picture falls along ``away`` at (..., 2) points (0 outside), and which points are inside."""
        seen = _at(self.inside, points) > 0.5
        fall = _at(self.fall_x, points) * away[..., 0] + _at(self.fall_y, points) * away[..., 1]
        return np.where(seen, fall, 0.0), seen

    def level(self, points: Points) -> float:
        """Mean height of those of the points that are inside; NaN where none is."""
        heights = _at(self.height, points)[_at(self.inside, points) > 0.5]
        return float(heights.mean()) if heights.size else float("nan")


def _derivative(image: NDArray[np.float32], x: int, y: int) -> NDArray[np.float32]:
    """The first derivative per pixel along x or y (Sobel's, brought to unit gain)."""
    return np.asarray(cv2.Sobel(image, -1, x, y, scale=1 / 8), np.float32)


def _at(field: NDArray[np.float32], points: Points) -> NDArray[np.float32]:
    """A field at (M, N, 2) points, linearly interpolated, 0 outside."""
    x, y = points[..., 0].astype(np.float32), points[..., 1].astype(np.float32)
    return np.asarray(cv2.remap(field, x, y, cv2.INTER_LINEAR))


def _best_line(terrain: Terrain, box: Box) -> tuple[Points, Points] | None:
    """(N, 2) points, from the top down, and the (2,) normal of the line along which the picture falls most steeply."""
    left, top, width, height = box
    across, down = (
        grid.ravel() for grid in np.meshgrid(np.arange(0.1, 1.0, 0.02) * width, np.arange(0.25, 2.0, 0.03) * height)
    )
    angles = np.degrees(np.arctan2(across, down))
    plausible = (angles > ANGLES[0]) & (angles < ANGLES[1])
    if not plausible.any():
        return None
    across, down = across[plausible], down[plausible]
    # Lines that would reach the chest wall below the breast end at its lower border.
    along = np.linspace(0, 1, SAMPLES) * np.minimum(1.0, (height - 1) / down)[:, None]
    lines = np.stack([left + across[:, None] * (1 - along), top + down[:, None] * along], axis=2)
    away = np.stack([down, across], axis=1) / np.hypot(across, down)[:, None]
    fall, seen = terrain.fall(lines, away[:, None, :])
    score = np.where(seen.mean(axis=1) >= INSIDE, np.minimum(fall, FALL_CAP).mean(axis=1), -np.inf)
    best = int(np.argmax(score))
    return (lines[best], away[best]) if np.isfinite(score[best]) else None


def _clear(terrain: Terrain, line: Points, away: Points) -> bool:
    """Whether the line is an edge over its whole length, bright towards the muscle."""
    fall, seen = terrain.fall(line[None], away)
    rise = terrain.level(line[None] - BESIDE_PX * away) - terrain.level(line[None] + BESIDE_PX * away)
    return bool(np.mean(fall[seen] > 0) >= FALLING and fall[seen].mean() >= FALL and rise >= RISE)


def _even(terrain: Terrain, muscle: NDArray[np.uint8], beside: Points) -> bool:
    """Whether the muscle is of plausible size and throughout brighter than the points beside its edge."""
    inside = terrain.inside > 0.5
    heights = terrain.height[(muscle > 0) & inside]
    brighter = float(np.mean(heights > terrain.level(beside[None]))) if heights.size else 0.0
    return bool(AREA[0] < heights.size / np.count_nonzero(inside) < AREA[1] and brighter >= EVEN)


def _swayed(terrain: Terrain, line: Points, away: Points) -> Points:
    """The line bent to the steepest fall nearby, at most one pixel from point to point (dynamic programming)."""
    sway = np.arange(-SWAY_PX, SWAY_PX + 1, dtype=np.float64)
    fall, _ = terrain.fall(line[:, None, :] + sway[None, :, None] * away, away)
    # A little pull to the line, so that it stays straight where there is nothing to see.
    gain = np.minimum(fall, FALL_CAP) - 0.002 * np.abs(sway) / SWAY_PX
    best, steps = gain[0], []
    for row in gain[1:]:
        reach = np.pad(best, 1, constant_values=-np.inf)
        choices = np.stack([reach[:-2], reach[1:-1], reach[2:]])
        steps.append(np.argmax(choices, axis=0) - 1)
        best = row + choices.max(axis=0)
    path = [int(np.argmax(best))]
    for step in reversed(steps):
        path.append(path[-1] + int(step[path[-1]]))
    offsets = cv2.blur(sway[path[::-1]][:, None], (1, 7), borderType=cv2.BORDER_REPLICATE)
    return line + offsets * away
