"""Solids of calcium as clouds of points with volumes: lumps and shells, dust, branching lines, calcified vessels.

Lengths in mm; axes as in a speck's place: behind (away from the nipple along the posterior nipple line), lateral,
superior. A solid does not depend on the pixel pitch it will be seen with.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from microcalc.synthesis.outline import View

Array = NDArray[np.float64]
Vectors = NDArray[np.floating]

#: Samples across a line's calibre.
_ACROSS = 8
#: Distance between the samples of a vessel's wall and of dust, mm.
_WALL_PITCH_MM, _DUST_PITCH_MM = 0.04, 0.02


@dataclass(frozen=True, eq=False)
class Solid:
    """Calcium around a place."""

    #: (n, 3) offsets from the place: behind, lateral, superior, mm.
    points: Vectors
    #: (n,) mm3.
    volumes: Vectors
    #: Distance between neighbouring points, mm.
    pitch: float

    def thickness(self, view: View) -> Array:
        """Path of rays through the calcium, mm: (rows, columns) samples of ``pitch``, the place in the middle one.

        Columns run towards the nipple; rows run medially in a CC view, downwards in an MLO view.
        """
        across = -self.points[:, (0, 1 if view == "CC" else 2)] / self.pitch
        # A little less, so that rounding decides nothing where points lie on whole samples.
        half = np.ceil(np.abs(across).max(axis=0) - 1e-3).astype(int) + 3
        columns, rows = 2 * half + 1
        corner = np.floor(across).astype(int)
        (fx, fy), (x, y) = (across - corner).T, (corner + half).T
        image = np.zeros(rows * columns)
        for dx, dy, weight in (
            (0, 0, (1 - fx) * (1 - fy)),
            (1, 0, fx * (1 - fy)),
            (0, 1, (1 - fx) * fy),
            (1, 1, fx * fy),
        ):
            image += np.bincount((y + dy) * columns + x + dx, weight * self.volumes, rows * columns)
        smooth = cv2.GaussianBlur(image.reshape(rows, columns), (3, 3), 0.5)
        thickness: Array = (smooth / self.pitch**2).astype(np.float64, copy=False)
        return thickness


@dataclass(frozen=True)
class Lump:
    """An ellipsoid whose surface a smooth random field warps; hollow where it has a ``wall``."""

    #: Deviation of the warp; the least ratio between an axis and the longest.
    roughness: float
    least_axis: float
    #: Size of the warp's dents and bumps, as a share of the radius.
    grain: float = 0.36
    #: Thickness of the wall as a share of the radius; None: full. It varies by the warp.
    wall: float | None = None
    #: Samples across the box that holds it, an odd number: one is in the middle.
    samples: int = 33

    def solid(self, diameter: float, rng: np.random.Generator) -> Solid:
        """One of the outer volume of a ball of ``diameter`` mm."""
        reach = 1.4  # of the box, in radii
        step = 2 * reach / (self.samples - 1)
        axes = rng.uniform(self.least_axis, 1, 3)
        axes /= axes.max()
        turn = np.linalg.qr(rng.standard_normal((3, 3)))[0]
        ticks = np.linspace(-reach, reach, self.samples)
        grid = np.stack(np.meshgrid(ticks, ticks, ticks, indexing="ij"), -1)
        white = rng.standard_normal(grid.shape[:3])
        warp = ndimage.gaussian_filter(white, self.grain / step, mode="wrap", truncate=2)
        warp /= warp.std()
        # Dents stay clear of the middle and bumps within the box; what the warp cuts off is dropped.
        surface = np.sqrt(1 + np.clip(self.roughness * warp, -0.7, 0.9))
        radius, level = _norm(grid), _norm(grid @ (turn / axes))
        depth = radius * (surface / level - 1)  # below the surface, radially
        pieces, _ = ndimage.label(depth > -step / 2)
        middle = self.samples // 2
        filled = np.clip(0.5 + depth / step, 0, 1) * (pieces == pieces[middle, middle, middle])
        scale = diameter * (np.pi / 6 / (float(filled.sum()) * step**3)) ** (1 / 3)
        if self.wall is not None:
            hollow = depth - self.wall * (1 + 0.5 * np.tanh(warp))
            filled -= np.minimum(np.clip(0.5 + hollow / step, 0, 1), filled)
        inside = filled > 0
        return Solid(grid[inside] * scale, filled[inside] * (step * scale) ** 3, step * scale)


@dataclass(frozen=True)
class Dust:
    """A haze of grains, each below the resolution of a detector."""

    grains: tuple[int, int] = (20, 60)
    #: Share of the enclosing ball's volume that is calcium, least and most.
    filling: tuple[float, float] = (0.12, 0.3)

    def solid(self, diameter: float, rng: np.random.Generator) -> Solid:
        """A haze about ``diameter`` mm wide."""
        count = rng.integers(*self.grains, endpoint=True)
        axes = diameter / 3.5 * rng.uniform(0.6, 1.2, 3)
        share = rng.lognormal(0, 0.4, count)
        volume = np.pi / 6 * diameter**3 * rng.uniform(*self.filling)
        return Solid(
            np.clip(rng.standard_normal((count, 3)), -2, 2) * axes, volume * share / share.sum(), _DUST_PITCH_MM
        )


@dataclass(frozen=True)
class Line:
    """A cast of a duct: a thin, winding line with gaps and branches, or a smooth rod without."""

    #: Deviation of the direction's sideways part.
    winding: float
    #: Deviation of the calibre's logarithm.
    unevenness: float
    #: Share of the length that is missing.
    gaps: float
    #: Most branches.
    branches: int

    def solid(self, calibre: float, direction: Vectors, length: float, rng: np.random.Generator) -> Solid:
        """One of ``calibre`` and ``length`` mm along ``direction``, its middle at the place."""
        pitch = calibre / _ACROSS
        trunk = _walk(direction, length, pitch, self.winding, rng)
        trunk -= trunk[len(trunk) // 2]
        twigs = [trunk]
        for _ in range(rng.integers(self.branches, endpoint=True)):
            root = trunk[rng.integers(len(trunk))]
            aside = direction + np.tan(rng.uniform(0.4, 0.9)) * _sideways(direction, rng)
            twigs.append(root + _walk(aside, length * rng.uniform(0.2, 0.5), pitch, self.winding, rng))
        parts = [self._cast(twig, calibre, pitch, rng) for twig in twigs]
        points, volumes = (np.concatenate(part) for part in zip(*parts, strict=True))
        return Solid(points[volumes > 0], volumes[volumes > 0], pitch)

    def _cast(self, path: Vectors, calibre: float, pitch: float, rng: np.random.Generator) -> tuple[Vectors, Vectors]:
        """Points (n, 3) and volumes (n,) of a tube of uneven radius about a path."""
        count = len(path)
        radius = calibre / 2 * np.exp(self.unevenness * _smooth_noise(count, 1.5 * _ACROSS, rng))
        presence = _smooth_noise(count, 2.5 * _ACROSS, rng)
        radius[presence < np.quantile(presence, self.gaps)] = 0
        # Sunflower samples of a disc have equal areas; the ends are rounded off.
        order = np.arange(_ACROSS**2) + 0.5
        angle, share = order * np.pi * (3 - 5**0.5), np.sqrt(order / len(order))
        ends = np.minimum(np.arange(count), np.arange(count)[::-1]) * 2 * pitch / calibre
        radius *= np.sqrt(1 - (1 - np.clip(ends, 0, 1)) ** 2)
        first, second = _normals(path)
        disc = first[:, None] * (share * np.cos(angle))[:, None] + second[:, None] * (share * np.sin(angle))[:, None]
        points = path[:, None] + radius[:, None, None] * disc
        volumes = np.repeat(np.pi * radius**2 * pitch / len(order), len(order))
        return points.reshape(-1, 3), volumes


@dataclass(frozen=True)
class Vessel:
    """Plaques in the wall of an artery: rays that graze the wall see two parallel tracks."""

    #: Thickness of a plaque, least and most, mm; share of the wall that is calcified, least and most.
    plaque: tuple[float, float] = (0.05, 0.12)
    calcified: tuple[float, float] = (0.3, 0.7)
    winding: float = 0.35

    def solid(self, calibre: float, direction: Vectors, length: float, rng: np.random.Generator) -> Solid:
        """A vessel of ``calibre`` and ``length`` mm along ``direction``, its middle at the place."""
        path = _walk(direction, length, _WALL_PITCH_MM, self.winding, rng)
        path -= path[len(path) // 2]
        around = int(np.ceil(np.pi * calibre / _WALL_PITCH_MM))
        angle = np.arange(around) * (2 * np.pi / around)
        white = rng.standard_normal((len(path), around))
        field = ndimage.gaussian_filter(white, (16, 5), mode=("nearest", "wrap"))  # plaques some 0.5 mm wide
        plaque = np.clip((field - np.quantile(field, 1 - rng.uniform(*self.calcified))) / field.std(), 0, 1)
        wall = rng.uniform(*self.plaque)
        radius = calibre / 2 + wall * rng.uniform(-0.5, 0.5, plaque.shape)
        first, second = _normals(path)
        ring = first[:, None] * np.cos(angle)[:, None] + second[:, None] * np.sin(angle)[:, None]
        points = path[:, None] + radius[:, :, None] * ring
        volumes = plaque * (wall * np.pi * calibre / around * _WALL_PITCH_MM)
        return Solid(points[plaque > 0], volumes[plaque > 0], _WALL_PITCH_MM)


def _norm(vectors: Array) -> Array:
    """Lengths (...) of vectors (..., 3), none of them 0."""
    lengths: Array = np.sqrt(np.einsum("...i,...i", vectors, vectors) + 1e-6)
    return lengths


def _walk(direction: Vectors, length: float, pitch: float, winding: float, rng: np.random.Generator) -> Vectors:
    """A winding path (n, 3) from the origin along a direction, in steps of ``pitch``."""
    count = max(int(length / pitch), 2)
    sideways = np.stack([_smooth_noise(count, count / 8, rng) for _ in range(3)], -1)
    heading = direction / np.linalg.norm(direction) + winding * sideways
    path: Vectors = np.cumsum(heading / np.linalg.norm(heading, axis=1, keepdims=True) * pitch, axis=0)
    return path


def _smooth_noise(count: int, sigma: float, rng: np.random.Generator) -> Vectors:
    """(count,) noise of unit variance, correlated over ``sigma`` samples."""
    pad = int(3 * sigma) + 1
    smooth = ndimage.gaussian_filter1d(rng.standard_normal(count + 2 * pad), sigma)[pad:-pad]
    # A Gaussian of sigma s leaves white noise a variance of 1 / (2 sqrt(pi) s).
    noise: Vectors = smooth * np.sqrt(2 * np.sqrt(np.pi) * max(sigma, 0.3))
    return noise


def _sideways(direction: Vectors, rng: np.random.Generator) -> Vectors:
    """A random unit vector across a unit vector."""
    across = np.cross(direction, rng.standard_normal(3))
    unit: Vectors = across / np.linalg.norm(across)
    return unit


def _normals(path: Vectors) -> tuple[Vectors, Vectors]:
    """Two unit normals (n, 3) each at every point of a path (n, 3)."""
    tangent = np.gradient(path, axis=0)
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
    first: Vectors = np.cross(tangent, np.eye(3)[np.abs(tangent.mean(axis=0)).argmin()])
    first /= np.linalg.norm(first, axis=1, keepdims=True)
    second: Vectors = np.cross(tangent, first)
    return first, second
