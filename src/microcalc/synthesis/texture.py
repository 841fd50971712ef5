"""Random structure of tissue: smooth noise, foam (lobules between septa, at all sizes), and strands (vessels, ducts).

All functions return float32 images of ``shape`` (rows, columns) with square pixels of ``spacing`` mm.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

#: Samples per blob of smooth noise before it is enlarged.
_SAMPLES = 3
#: Lobules above this many pixels are drawn on every third pixel.
_COARSE_PX = 21


def smooth_noise(
    shape: tuple[int, int], spacing: float, rng: np.random.Generator, *, size: float, stretch: float = 1.0
) -> Array:
    """Gaussian noise of zero mean and about unit variance: blobs of ``size`` mm, ``stretch`` times as long along x."""
    cell = np.array((size, size * stretch)) / (spacing * _SAMPLES)
    rows, columns = (int(n) for n in np.ceil(shape / cell) + 6)
    coarse = cv2.GaussianBlur(rng.standard_normal((rows, columns), dtype=np.float32), (0, 0), 1.0)
    coarse = coarse * np.float32((4 * np.pi) ** 0.5)  # the blur left 1 / (4 pi sigma^2) of the variance
    fine = cv2.resize(coarse, (round(columns * cell[1]), round(rows * cell[0])), interpolation=cv2.INTER_CUBIC)
    top, left = (np.array(fine.shape) - shape) // 2
    return fine[top : top + shape[0], left : left + shape[1]].astype(np.float32, copy=False)


@dataclass(frozen=True)
class Foam:
    """Lobules within lobules: thin bright septa around dark cells, and finer septa mostly upon the septa.

    ``layers`` of tissue lie upon one another. In each, lobules come in ``sizes`` (mm, falling); those of one size
    count ``(size / sizes[0]) ** decay``. Septa reach ``width`` (in standard deviations of the noise whose zero set they
    follow). Finer septa are weakened away from coarser ones by up to ``feed`` (0..1). Lobules are drawn out along x,
    the way to the nipple, ``stretch`` times.
    """

    sizes: Sequence[float]
    decay: float
    layers: int
    feed: float
    width: float
    stretch: float

    def draw(self, shape: tuple[int, int], spacing: float, rng: np.random.Generator) -> Array:
        """Septa seen through all layers, scaled to a mean of one."""
        coarse = [size for size in self.sizes if size >= _COARSE_PX * spacing]
        fine = self.sizes[len(coarse) :]
        small = tuple(-(-n // 3) for n in shape)
        total = np.zeros(shape, np.float32)
        broad = np.zeros(small, np.float32)
        for _ in range(self.layers):
            weight = self._pile(broad, coarse, 3 * spacing, rng, np.ones(small, np.float32))
            weight = _enlarge(weight, cv2.INTER_LINEAR)
            self._pile(total, fine, spacing, rng, weight[: shape[0], : shape[1]])
        total += _enlarge(broad, cv2.INTER_CUBIC)[: shape[0], : shape[1]]
        total /= total.mean()
        return total

    def _pile(
        self, onto: Array, sizes: Sequence[float], spacing: float, rng: np.random.Generator, weight: Array
    ) -> Array:
        """Add the septa of lobules of these sizes in one layer; return the weight that the next finer ones have."""
        for size in sizes:
            noise = smooth_noise(onto.shape, spacing, rng, size=size, stretch=self.stretch)
            septa = np.maximum(1 - np.abs(noise) * np.float32(1 / self.width), 0)
            septa *= septa
            septa *= weight
            onto += np.float32((size / self.sizes[0]) ** self.decay) * septa
            weight = np.minimum(septa * np.float32(1.6 * self.feed) + np.float32(1 - self.feed), 1)
        return weight


def _enlarge(image: Array, interpolation: int) -> Array:
    return cv2.resize(image, None, fx=3, fy=3, interpolation=interpolation).astype(np.float32, copy=False)


@dataclass(frozen=True)
class Strands:
    """A family of curved, tapering, forking tubes.

    ``per_cm2`` tubes start in a cm2. They are ``length`` mm long, lognormally spread about ``width`` mm wide and up to
    ``flatness`` times as deep along the beam (membranes seen on edge); they wander by ``bend`` radians per root mm
    from a heading of standard deviation ``spread`` radians about x, the way to the nipple. Each has ``forks`` thinner
    branches of half its length.
    """

    per_cm2: float
    length: float
    width: float
    flatness: float
    bend: float
    spread: float
    forks: int = 0

    def draw(self, shape: tuple[int, int], spacing: float, rng: np.random.Generator) -> Array:
        """Path in mm through strands strewn over the whole field; crossings add up."""
        count = max(1, round(self.per_cm2 * shape[0] * shape[1] * spacing**2 / 100))
        start = rng.uniform(-0.1, 1.0, (2, count)) * np.reshape(shape, (2, 1))
        heading, width = rng.normal(0, self.spread, count), self.width * rng.lognormal(0, 0.4, count)
        y, x, angle = self._walk(start, heading, self.length, spacing, rng)
        thickness = self._fill(shape, spacing, y, x, width, rng)
        if self.forks:
            trunk = np.repeat(np.arange(count), self.forks)
            place = rng.integers(0, y.shape[1] * 3 // 4, len(trunk))
            turn = rng.choice((-1, 1), len(trunk)) * rng.uniform(0.3, 0.8, len(trunk))
            start = np.stack((y[trunk, place], x[trunk, place]))
            y, x, _ = self._walk(start, angle[trunk, place] + turn, self.length / 2, spacing, rng)
            thickness += self._fill(shape, spacing, y, x, 0.65 * width[trunk], rng)
        return thickness

    def _walk(
        self,
        start: NDArray[np.float64],
        heading: NDArray[np.float64],
        length: float,
        spacing: float,
        rng: np.random.Generator,
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """y, x in pixels and headings of points half a pixel apart along each tube: (tubes, points)."""
        steps = int(length / (0.5 * spacing))
        turns = rng.standard_normal((len(heading), steps), dtype=np.float32) * np.float32(
            self.bend * (0.5 * spacing) ** 0.5
        )
        angle = heading[:, None] + np.cumsum(turns, axis=1)
        y = start[0][:, None] + np.cumsum(np.sin(angle), axis=1) * 0.5
        x = start[1][:, None] + np.cumsum(np.cos(angle), axis=1) * 0.5
        return y, x, angle

    def _fill(
        self,
        shape: tuple[int, int],
        spacing: float,
        y: NDArray[np.float64],
        x: NDArray[np.float64],
        width: NDArray[np.float64],
        rng: np.random.Generator,
    ) -> Array:
        """Path in mm through tubes along these points."""
        along = np.linspace(0, 1, y.shape[1])
        tapered = width[:, None] * (1 - 0.6 * along)
        ends = np.minimum(1, 5 * np.minimum(along + 0.1, 1 - along))
        section = np.pi / 4 * tapered**2 * rng.uniform(1, self.flatness, (len(width), 1)) * ends
        thickness = np.zeros(shape, np.float32)
        edges = self.width * np.geomspace(0.3, 2.5, 6)
        group = np.digitize(tapered, edges[1:-1])
        for index, (low, high) in enumerate(pairwise(edges)):
            chosen = group == index
            line = _splat(shape, y[chosen], x[chosen], section[chosen] * 0.5 / spacing)
            # The chords of a disc of diameter w spread by w / 4.
            thickness += cv2.GaussianBlur(line, (0, 0), sigmaX=max(0.25 * (low * high) ** 0.5 / spacing, 0.3))
        return thickness


def _splat(
    shape: tuple[int, int], y: NDArray[np.float64], x: NDArray[np.float64], weight: NDArray[np.float64]
) -> Array:
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
