"""Phantom: one breast in one view, as the X-ray attenuation a detector with neither blur nor noise would see."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from microcalc.mammogram import Side
from microcalc.synthesis.outline import SKIN_MM, Outline, View
from microcalc.synthesis.repeatable import repeatable
from microcalc.synthesis.texture import Foam, Strands, smooth_noise

Array = NDArray[np.float32]
Density = Literal["A", "B", "C", "D"]

#: Linear attenuation at 20 keV per mm (the materials of the VICTRE trial); muscle counts as glandular.
FAT, GLAND, SKIN = 0.051, 0.079, 0.084

#: By ACR density: glandular share of the thickness inside parenchyma, and how far parenchyma reaches (offset of the
#: logistic that draws its extent).
_PARENCHYMA = {"A": (0.22, -1.2), "B": (0.28, 0.2), "C": (0.34, 2.0), "D": (0.40, 4.5)}
#: Glandular share of the stroma between fat cells, and of muscle.
_STROMA, _MUSCLE = 0.075, 0.25
#: Fat between skin and parenchyma, mm.
_SUBCUTANEOUS_MM = 7

# Sizes and amplitudes were tuned by eye and against spectrum, grey levels and counts of bright local maxima of real
# for-presentation mammograms; the ranges a woman's texture is drawn from are wider than what was measured.
_GLAND_MM = (14.0, 9.0, 5.0, 2.8, 1.5, 0.85, 0.5, 0.35)
_STROMA_MM = (13.0, 8.0, 4.5, 2.5, 1.3, 0.75, 0.45)
_STRANDS = (
    Strands(per_cm2=0.05, length=80, width=1.4, flatness=1.3, bend=0.08, spread=0.35, forks=2),  # veins
    Strands(per_cm2=0.25, length=30, width=0.45, flatness=2.5, bend=0.07, spread=0.5, forks=1),  # arteries, ducts
)
#: Coarsest sampling of tissue where pixels are finer, mm.
_TISSUE_MM = 0.14
#: Tissue is drawn in a straightened breast: this far from the nipple line, and this much beyond its edges, mm.
_REACH_MM, _BEYOND_MM = 130.0, 8.0


@dataclass(frozen=True, eq=False)
class Tissue:
    """What a phantom is made of: (rows, columns) float32 images, the chest wall at column 0 for either side."""

    #: ln attenuation, 0 outside the breast.
    attenuation: Array
    #: Compressed thickness in mm, skin included; 0 outside the breast.
    thickness: Array
    #: Distance to the skin line in mm, negative outside the breast.
    skin_distance: Array


@dataclass(frozen=True)
class Phantom:
    """A breast without calcium. Equal fields give equal tissue; both views of a side share depth and thickness."""

    view: View
    side: Side
    seed: int
    density: Density
    #: (rows, columns) of the detector.
    shape: tuple[int, int] = (3328, 2560)
    spacing_mm: float = 0.07

    def rng(self, *purpose: str) -> np.random.Generator:
        """Random numbers of this phantom's seed for one named purpose."""
        return np.random.default_rng([self.seed, *" ".join(purpose).encode()])

    @property
    def _pitch(self) -> float:
        """Sampling of tissue, mm: noise overtakes anatomy near 3 /mm. (Calcium is added at full sampling.)"""
        return max(self.spacing_mm, min(2 * self.spacing_mm, _TISSUE_MM))

    @cached_property
    def outline(self) -> Outline:
        """The shape of this breast in this view."""
        field = (self.shape[0] * self.spacing_mm, self.shape[1] * self.spacing_mm)
        size = self.rng("size", self.side).uniform(0.96, 1.0)  # the two breasts of a woman differ a little
        return Outline.draw(self.view, field, self.rng("outline"), size)

    @repeatable
    def render(self) -> Tissue:
        """Attenuation, thickness and skin distance at every pixel."""
        rows, columns = (int(n * self.spacing_mm / self._pitch) for n in self.shape)
        y, x = np.meshgrid(
            (np.arange(rows, dtype=np.float32) + 0.5) * np.float32(self.shape[0] * self.spacing_mm / rows),
            (np.arange(columns, dtype=np.float32) + 0.5) * np.float32(self.shape[1] * self.spacing_mm / columns),
            indexing="ij",
        )
        skin_distance = self.outline.skin_distance(x, y)
        thickness = self.outline.tissue_thickness(skin_distance)
        skin_mm = self._skin(x, y)
        skin = self.outline.skin_thickness(skin_distance, skin_mm)
        attenuation = np.float32(FAT) * thickness + np.float32(SKIN - FAT) * skin
        inside = skin_distance > 0
        breast = slice(0, int(np.flatnonzero(inside.any(axis=1))[-1]) + 1), slice(0, int(inside.sum(axis=1).max()))
        share = self._glandular_share(x[breast], y[breast], skin_distance[breast])
        share *= expit(2 * (skin_distance - skin_mm)[breast] - 1)  # none in the skin
        attenuation[breast] += np.float32(GLAND - FAT) * np.clip(share, 0, 1) * (thickness - skin)[breast]
        return Tissue(*(self._enlarge(image) for image in (attenuation, thickness, skin_distance)))

    def _skin(self, x: Array, y: Array) -> Array:
        """Thickness of the skin in mm: uneven, and thicker towards the areola."""
        uneven = smooth_noise(x.shape, self._pitch, self.rng("skin", self.side, self.view), size=15)
        areola = np.exp(-(((y - self.outline.nipple_y) / 15) ** 2))
        skin: Array = np.maximum(0.85 * SKIN_MM + 0.25 * uneven + 0.3 * areola, 0.8).astype(np.float32, copy=False)
        return skin

    def _enlarge(self, image: Array) -> Array:
        return cv2.resize(image, self.shape[::-1], interpolation=cv2.INTER_LINEAR).astype(np.float32, copy=False)

    def _glandular_share(self, x: Array, y: Array, skin_distance: Array) -> Array:
        """Share of the thickness that is not fat: parenchyma with its fat lobules, stroma, strands, muscle."""
        spacing, rng = self._pitch, self.rng("tissue", self.side, self.view)
        woman = self.rng("texture")  # both breasts of a woman are of a kind
        gland = Foam(_GLAND_MM, woman.uniform(0.0, 0.27), 4, woman.uniform(0.45, 0.7), 0.9, woman.uniform(0.95, 1.1))
        stroma = Foam(
            _STROMA_MM, woman.uniform(-0.05, 0.15), 4, woman.uniform(0.35, 0.6), 0.5, woman.uniform(0.95, 1.2)
        )
        contrast, pockets, webbed = woman.uniform((0.65, 0.4, 1.4), (0.95, 1.2, 2.1))
        straight, bend = self._straighten(x, y, spacing, rng)
        septa = stroma.draw(straight, spacing, rng)
        strands = sum(kind.draw(straight, spacing, rng) for kind in _STRANDS) / np.float32(self.outline.thickness)
        extent = self._parenchyma(x, y, skin_distance, rng)
        lobules = 0.8 * smooth_noise(x.shape, spacing, rng, size=10, stretch=1.2)
        lobules += 0.6 * smooth_noise(x.shape, spacing, rng, size=5, stretch=1.2)
        extent *= expit(3.5 * (lobules + np.float32(pockets)))  # fat pockets
        parenchyma = 1 + np.float32(contrast) * (bend(gland.draw(straight, spacing, rng)) - 1)
        between = bend(np.float32(_STROMA) * (1 + np.float32(webbed) * (septa - 1)) + strands)
        share: Array = np.float32(_PARENCHYMA[self.density][0]) * extent * parenchyma + between
        muscle = self.outline.muscle_distance(x, y)
        if muscle is not None:
            within = expit(muscle / np.float32(0.8))
            share += within * (np.float32(_MUSCLE) - np.float32(0.6) * between)  # few septa in muscle
        return share

    def _straighten(
        self, x: Array, y: Array, spacing: float, rng: np.random.Generator
    ) -> tuple[tuple[int, int], Callable[[Array], Array]]:
        """Shape of a straightened breast, and what bends an image of it into this one.

        In it ducts, ligaments and vessels run along x; here they run from the chest wall along the skin towards the
        nipple, wavering.
        """
        lateral = y - np.float32(self.outline.nipple_y)
        lateral /= self.outline.taper(x, y)
        across, along = (
            2.0 * smooth_noise(x.shape, spacing, rng, size=30) + 0.4 * smooth_noise(x.shape, spacing, rng, size=8)
            for _ in range(2)
        )
        low, high = (
            float(np.clip(end, -_REACH_MM, _REACH_MM)) - margin
            for end, margin in ((lateral.min(), _BEYOND_MM), (lateral.max(), -_BEYOND_MM))
        )
        rows = (lateral + across - np.float32(low)) / np.float32(spacing)
        columns = (x + along + np.float32(_BEYOND_MM)) / np.float32(spacing)
        shape = int((high - low) / spacing), int(x.shape[1] + 2 * _BEYOND_MM / spacing)

        def bend(image: Array) -> Array:
            bent = cv2.remap(image, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
            return bent.astype(np.float32, copy=False)

        return shape, bend

    def _parenchyma(self, x: Array, y: Array, skin_distance: Array, rng: np.random.Generator) -> Array:
        """Where glandular tissue lies (0..1): a ragged disc behind the nipple, clear of skin and muscle."""
        outline, reach = self.outline, _PARENCHYMA[self.density][1]
        spacing = self._pitch
        # Mostly alike in both breasts.
        broad = 0.8 * smooth_noise(x.shape, spacing, self.rng("parenchyma", self.view), size=35, stretch=1.3)
        broad += 0.6 * smooth_noise(x.shape, spacing, rng, size=35, stretch=1.3)
        broad += 0.5 * smooth_noise(x.shape, spacing, rng, size=12, stretch=1.3)
        off_centre = np.hypot(0.75 * (x - 0.5 * outline.depth), y - outline.nipple_y) / outline.depth
        ducts = np.exp(-((x - (outline.depth - 12)) ** 2 + (y - outline.nipple_y) ** 2) / np.float32(2 * 8**2))
        ducts *= np.float32(self.rng("areola").uniform(0, 1))  # they gather behind the nipple
        extent: Array = expit(2.2 * broad + 5 * (0.5 - off_centre) + reach + 3 * ducts)
        extent *= expit((skin_distance - _SUBCUTANEOUS_MM + 3 * broad + 5 * ducts) / np.float32(1.5))
        muscle = outline.muscle_distance(x, y)
        if muscle is not None:
            extent *= expit(-(muscle + 4) / 2)
        return extent
