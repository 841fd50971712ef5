"""Random structure of tissue: power-law fields, septa around lobules, and strands (vessels, ducts, ligaments).

All functions return float32 images of ``shape`` (rows, columns) with square pixels of ``spacing`` mm.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import fft
from scipy.special import expit

Array = NDArray[np.float32]


def power_law_field(
    shape: tuple[int, int],
    spacing: float,
    rng: np.random.Generator,
    *,
    exponent: float = 3.0,
    largest: float = 30.0,
    smallest: float = 0.0,
    stretch: float = 1.0,
) -> Array:
    """Gaussian random field of zero mean and unit variance whose power falls as frequency to the minus ``exponent``.

    Structure is bounded by ``largest`` and ``smallest`` (mm: where the power law levels off, and a Gaussian cut-off)
    and drawn out along x, the way to the nipple, by ``stretch``.
    """
    rows, columns = shape
    across = fft.fftfreq(rows, spacing).astype(np.float32)[:, None]
    along = (fft.rfftfreq(columns, spacing) * stretch).astype(np.float32)[None, :]
    square = across**2 + along**2
    amplitude = (square + np.float32(largest**-2)) ** np.float32(-exponent / 4)
    if smallest:
        amplitude *= np.exp(square * np.float32(-0.5 * smallest**2))
    amplitude[0, 0] = 0
    noise = rng.standard_normal((2, *amplitude.shape), dtype=np.float32)
    field: Array = fft.irfft2(amplitude * (noise[0] + 1j * noise[1]), s=shape, overwrite_x=True)
    field /= field.std()
    return field


def lobules(shape: tuple[int, int], spacing: float, rng: np.random.Generator, *, size: float) -> tuple[Array, Array]:
    """Fat lobules of about ``size`` mm in one layer of tissue: (inside 0..1, distance to their border in mm)."""
    field = power_law_field(shape, spacing, rng, exponent=5, largest=size, smallest=size / 6, stretch=1.3)
    slope = np.hypot(*np.gradient(field, spacing))
    distance: Array = (field / (slope + 0.5 / size)).astype(np.float32, copy=False)
    inside: Array = expit(4 * distance)
    return inside, distance


@dataclass(frozen=True)
class Strands:
    """A family of curved, tapering tubes.

    ``per_cm2`` tubes start in a cm2. They are ``length`` mm long, lognormally spread about ``width`` mm wide and up to
    ``flatness`` times as deep along the beam (membranes seen on edge); they wander by ``bend`` radians per root mm
    from a heading of standard deviation ``spread`` radians about the way to the nipple.
    """

    per_cm2: float
    length: float
    width: float
    flatness: float
    bend: float
    spread: float


def strand_thickness(shape: tuple[int, int], spacing: float, rng: np.random.Generator, kind: Strands) -> Array:
    """Path in mm through a family of strands strewn over the whole field; crossings add up."""
    step = 0.5 * spacing
    steps = int(kind.length / step)
    along = np.linspace(0, 1, steps)
    count = max(1, round(kind.per_cm2 * shape[0] * shape[1] * spacing**2 / 100))
    turns = rng.standard_normal((count, steps), dtype=np.float32) * np.float32(kind.bend * step**0.5)
    heading = rng.normal(0, kind.spread, (count, 1)) + np.cumsum(turns, axis=1)
    start = rng.uniform(-0.1, 1.0, (2, count, 1)) * np.reshape(shape, (2, 1, 1))
    y = start[0] + np.cumsum(np.sin(heading), axis=1) * 0.5
    x = start[1] + np.cumsum(np.cos(heading), axis=1) * 0.5
    width = kind.width * rng.lognormal(0, 0.4, (count, 1)) * (1 - 0.6 * along)
    depth = width * rng.uniform(1, kind.flatness, (count, 1)) * np.minimum(1, 5 * np.minimum(along, 1 - along))
    section = np.pi / 4 * width * depth
    thickness = np.zeros(shape, np.float32)
    edges = kind.width * np.geomspace(0.4, 2.5, 6)
    group = np.digitize(width, edges[1:-1])
    for index, (low, high) in enumerate(pairwise(edges)):
        chosen = group == index
        line = _splat(shape, y[chosen], x[chosen], section[chosen] * step / spacing**2)
        # The chords of a disc of diameter w spread by w / 4.
        thickness += cv2.GaussianBlur(line, (0, 0), sigmaX=max(0.25 * (low * high) ** 0.5 / spacing, 0.3))
    return thickness


def _splat(shape: tuple[int, int], y: Array, x: Array, weight: Array) -> Array:
    """Add weights at fractional pixel positions, shared bilinearly; what falls outside is dropped."""
    rows, columns = shape
    inside = (y >= 0) & (y < rows - 1) & (x >= 0) & (x < columns - 1)
    y, x, weight = y[inside], x[inside], weight[inside]
    top, left = y.astype(np.intp), x.astype(np.intp)
    down, right = y - top, x - left
    image = np.zeros(rows * columns)
    for row, share_y in ((top, 1 - down), (top + 1, down)):
        for column, share_x in ((left, 1 - right), (left + 1, right)):
            image += np.bincount(row * columns + column, weight * share_y * share_x, minlength=image.size)
    return image.reshape(shape).astype(np.float32)
