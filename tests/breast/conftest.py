"""Drawn breasts with exact truth, and where real ones are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray


@dataclass
class Drawn:
    """A picture (rows, columns) float32 in 0..1; the breast and its pectoral muscle on it, chest wall at the left."""

    pixels: NDArray[np.float32]
    truth: NDArray[np.bool_]
    muscle: NDArray[np.bool_]


def draw_breast(
    shape: tuple[int, int] = (1200, 900),
    *,
    air: float = 0.0,
    tissue: float = 0.5,
    noise: float = 0.003,
    rolloff: float = 0.033,
    mlo: bool = False,
    depth: float = 0.6,
    top: float = 0.08,
    bottom: float = 0.92,
) -> Drawn:
    """Half an ellipse at the left edge; with ``mlo`` it leaves through the upper edge and holds a pectoral muscle.

    ``depth`` is a part of the columns, ``top`` and ``bottom`` of the rows; brightness rises over ``rolloff`` (a part of
    the rows) inside the skin.
    """
    rows, columns = shape
    rng = np.random.default_rng(7)
    y, x = np.mgrid[0:rows, 0:columns].astype(np.float32)
    centre, half = rows * (top + bottom) / 2, rows * (bottom - top) / 2
    truth = (x / (depth * columns)) ** 2 + ((y - centre) / half) ** 2 <= 1
    muscle = np.zeros(shape, bool)
    if mlo:
        truth |= (y < centre) & (x < (0.35 + 0.25 * np.sin(np.pi / 2 * y / centre) ** 2) * columns)
        muscle = x / (0.3 * columns) + y / (0.55 * rows) < 1
    inside = cv2.distanceTransform(np.pad(truth, ((1, 1), (0, 1))).astype(np.uint8), cv2.DIST_L2, 5)[1:-1, :-1]
    texture = cv2.GaussianBlur(rng.standard_normal(shape).astype(np.float32), (0, 0), rows / 100)
    tissue_level = (
        tissue * (1 + 0.12 * texture / texture.std()) * (0.3 + 0.7 * np.clip(inside / (rolloff * rows), 0, 1))
    )
    pixels = air + truth * tissue_level + 0.5 * tissue * muscle + noise * rng.standard_normal(shape)
    return Drawn(pixels.clip(0, 1).astype(np.float32), truth, muscle)


@pytest.fixture(scope="session")
def draw() -> Callable[..., Drawn]:
    return draw_breast
