"""Calcifications: solid specks in the breast, the shadows they cast in a view, and how well those can be seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from microcalc.synthesis.outline import View
from microcalc.synthesis.phantom import GLAND

Array = NDArray[np.float32]
Morphology = Literal["round", "fine pleomorphic"]

#: Voxels per pixel side: a speck is projected at this sampling and then averaged over pixels.
OVERSAMPLING = 8

#: By morphology: roughness of the surface, and the least ratio between an axis and the longest.
_SHAPE = {"round": (0.15, 0.85), "fine pleomorphic": (0.8, 0.4)}


@dataclass(frozen=True)
class Speck:
    """A calcification in the breast; equal fields give the same solid."""

    #: Place from the nipple in mm: behind it along the posterior nipple line, to the lateral side, upwards.
    place: tuple[float, float, float]
    #: Of a ball of about its volume, mm.
    diameter: float
    #: Linear attenuation, per mm.
    attenuation: float
    morphology: Morphology
    pathology: Literal["benign", "malignant"]
    seed: int

    def contrast(self, view: View, voxel_mm: float) -> Array:
        """Added ln attenuation in the view, a square image (across, along the nipple line) of ``voxel_mm`` samples.

        Calcium displaces the tissue it lies in, taken as glandular.
        """
        solid = _solid(self, voxel_mm)
        thickness = solid.sum(axis=1 if view == "CC" else 0) * np.float32(voxel_mm)
        contrast: Array = thickness * np.float32(self.attenuation - GLAND)
        return contrast


def _solid(speck: Speck, voxel_mm: float) -> NDArray[np.bool_]:
    """Voxels (lateral, superior, along the nipple line): an ellipsoid whose surface a smooth random field warps."""
    rng = np.random.default_rng(speck.seed)
    roughness, least_axis = _SHAPE[speck.morphology]
    axes = rng.uniform(least_axis, 1, 3)
    axes *= 0.5 * speck.diameter / np.prod(axes) ** (1 / 3)
    half = int(np.ceil(1.4 * axes.max() / voxel_mm))
    grid = np.mgrid[-half : half + 1, -half : half + 1, -half : half + 1].astype(np.float32) * np.float32(voxel_mm)
    turn = np.linalg.qr(rng.standard_normal((3, 3)))[0].astype(np.float32)
    square = sum((np.tensordot(row, grid, 1) / axis) ** 2 for row, axis in zip(turn, axes, strict=True))
    white = rng.standard_normal(grid.shape[1:], dtype=np.float32)
    warp = ndimage.gaussian_filter(white, half / 4, mode="wrap", truncate=2)
    # Dents stay clear of the middle and bumps within the grid; what the warp cuts off is dropped.
    pieces, _ = ndimage.label(square < 1 + np.clip(roughness * warp / warp.std(), -0.7, 0.9))
    solid: NDArray[np.bool_] = pieces == pieces[half, half, half]
    return solid


@dataclass(frozen=True, eq=False)
class Shadow:
    """A speck's projection on the pixels of a view (the left breast's frame, before blur)."""

    #: First row and column of ``contrast`` in the view.
    row: int
    column: int
    #: (rows, columns) float32: added ln attenuation, averaged over each pixel.
    contrast: Array
    #: (n, 2) x, y: outline at half the maximum, pixels of the view.
    polygon: NDArray[np.float64]

    @property
    def region(self) -> tuple[slice, slice]:
        """Rows and columns of the view that ``contrast`` belongs to."""
        rows, columns = self.contrast.shape
        return slice(self.row, self.row + rows), slice(self.column, self.column + columns)


def cast_shadow(speck: Speck, view: View, x: float, y: float, spacing_mm: float) -> Shadow:
    """Project a speck onto a view with its middle at pixel coordinates x, y."""
    fine = speck.contrast(view, spacing_mm / OVERSAMPLING)
    # The solid keeps its place to a voxel; blank voxels around it complete whole pixels.
    left, top = (round((centre + 0.5) * OVERSAMPLING) - len(fine) // 2 for centre in (x, y))
    column, row = left // OVERSAMPLING - 1, top // OVERSAMPLING - 1
    blank = [(start % OVERSAMPLING, -(start + len(fine)) % OVERSAMPLING) for start in (top, left)]
    fine = np.pad(np.pad(fine, blank), OVERSAMPLING)
    pixels = fine.reshape(fine.shape[0] // OVERSAMPLING, OVERSAMPLING, -1, OVERSAMPLING).mean(axis=(1, 3))
    return Shadow(row, column, pixels, _half_maximum(fine) + np.array((column, row)))


def _half_maximum(fine: Array) -> NDArray[np.float64]:
    """Outline of the largest region above half the maximum, (n, 2) x, y in pixels from the first one's centre."""
    zoom = 4  # contours run through sample centres: fine samples keep the outline from shrinking
    image = cv2.resize(fine, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_LINEAR)
    above = (image >= image.max() / 2).astype(np.uint8)
    contours, _ = cv2.findContours(above, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    outline = cv2.approxPolyDP(max(contours, key=cv2.contourArea), 1.0, True)[:, 0]
    polygon: NDArray[np.float64] = (outline + 0.5) / (OVERSAMPLING * zoom) - 0.5
    return polygon
