"""Phantom: one breast in one view, as the X-ray attenuation a detector with neither blur nor noise would see."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from microcalc.mammogram import Side
from microcalc.synthesis.outline import Outline, View
from microcalc.synthesis.texture import Strands, lobules, power_law_field, strand_thickness

Array = NDArray[np.float32]
Density = Literal["A", "B", "C", "D"]

#: Linear attenuation at 20 keV per mm (the materials of the VICTRE trial); muscle counts as glandular.
FAT, GLAND, SKIN = 0.051, 0.079, 0.084

#: By ACR density: glandular share of the thickness inside parenchyma, and how far parenchyma reaches (offset of the
#: logistic that draws its extent).
_PARENCHYMA = {"A": (0.10, -1.6), "B": (0.17, -0.5), "C": (0.21, 0.4), "D": (0.25, 1.4)}
#: Glandular share of everything else: stroma between fat cells, and muscle.
_STROMA, _MUSCLE = 0.05, 0.17
#: Fat between skin and parenchyma, mm.
_SUBCUTANEOUS_MM = 11

# Sizes and amplitudes below were tuned by eye and against spectrum, grey levels and counts of bright local maxima of
# real for-presentation mammograms.
_LOBULES_MM = (4.0, 6.0, 9.0, 13.0, 18.0)
_SEPTUM_MM = 0.22
_STRANDS = (
    Strands(per_cm2=0.1, length=90, width=1.5, flatness=1.5, bend=0.07, spread=0.35),  # vessels
    Strands(per_cm2=0.7, length=35, width=0.5, flatness=4, bend=0.10, spread=0.35),  # ducts
    Strands(per_cm2=3.8, length=9, width=0.28, flatness=6, bend=0.2, spread=0.7),  # Cooper's ligaments
)


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

    @cached_property
    def outline(self) -> Outline:
        """The shape of this breast in this view."""
        field = (self.shape[0] * self.spacing_mm, self.shape[1] * self.spacing_mm)
        size = self.rng("size", self.side).uniform(0.96, 1.0)  # the two breasts of a woman differ a little
        return Outline.draw(self.view, field, self.rng("outline"), size)

    def render(self) -> Tissue:
        """Attenuation, thickness and skin distance at every pixel."""
        # Noise overtakes anatomy near 3 /mm: half the pixels do for tissue (calcium is added at full sampling).
        rows, columns = (n // 2 for n in self.shape)
        y, x = np.meshgrid(
            (np.arange(rows, dtype=np.float32) + 0.5) * np.float32(self.shape[0] * self.spacing_mm / rows),
            (np.arange(columns, dtype=np.float32) + 0.5) * np.float32(self.shape[1] * self.spacing_mm / columns),
            indexing="ij",
        )
        skin_distance = self.outline.skin_distance(x, y)
        thickness = self.outline.tissue_thickness(skin_distance)
        skin = self.outline.skin_thickness(skin_distance)
        gland = np.minimum(self._glandular_share(x, y, skin_distance), 1) * (thickness - skin)
        attenuation = np.float32(FAT) * thickness + np.float32(GLAND - FAT) * gland + np.float32(SKIN - FAT) * skin
        return Tissue(*(self._enlarge(image) for image in (attenuation, thickness, skin_distance)))

    def _enlarge(self, image: Array) -> Array:
        return cv2.resize(image, self.shape[::-1], interpolation=cv2.INTER_LINEAR).astype(np.float32, copy=False)

    def _glandular_share(self, x: Array, y: Array, skin_distance: Array) -> Array:
        """Share of the thickness that is not fat: parenchyma with its fat lobules, septa, strands, stroma, muscle."""
        shape, spacing, rng = x.shape, 2 * self.spacing_mm, self.rng("tissue", self.side, self.view)
        broad = power_law_field(shape, spacing, rng, exponent=4, largest=40, smallest=1, stretch=1.2)
        fine = power_law_field(shape, spacing, rng, exponent=2.6, largest=12, stretch=1.5)
        patchy = power_law_field(shape, spacing, rng, exponent=4, largest=40, smallest=1)
        extent = self._parenchyma(x, y, skin_distance, broad)
        filled, septa = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
        for size in _LOBULES_MM:
            fat, border = lobules(shape, spacing, rng, size=size)
            filled += (1 - fat) / len(_LOBULES_MM)
            septa += np.exp(-((border / np.float32(_SEPTUM_MM)) ** 2))
        septa *= np.clip(0.7 + 0.5 * patchy, 0, 1.4)
        strands = sum(strand_thickness(shape, spacing, rng, kind) for kind in _STRANDS) / self.outline.thickness
        # Fine texture is symmetrical: as a lognormal it strews the fat with bright dots that real fat has not.
        share: Array = extent * _PARENCHYMA[self.density][0] * (0.25 + 1.5 * filled) * (1 + 0.1 * fine)
        share += septa * (0.02 + 0.03 * extent) + strands * (2.2 + 0.8 * extent) + _STROMA * (1 + 0.9 * fine)
        muscle = self.outline.muscle_distance(x, y)
        if muscle is not None:
            share += expit(muscle / np.float32(0.8)) * (_MUSCLE + 0.02 * fine)
        share *= expit((skin_distance - 2.5) / np.float32(0.5))  # none in the skin
        return share

    def _parenchyma(self, x: Array, y: Array, skin_distance: Array, broad: Array) -> Array:
        """Where glandular tissue lies (0..1): a ragged disc behind the nipple, clear of skin and muscle."""
        outline, reach = self.outline, _PARENCHYMA[self.density][1]
        off_centre = np.hypot(0.7 * (x - 0.55 * outline.depth), y - outline.nipple_y) / outline.depth
        extent: Array = expit(1.6 * broad + 4 * (0.5 - off_centre) + reach)
        extent *= expit((skin_distance - _SUBCUTANEOUS_MM + 2 * broad) / np.float32(1.2))
        muscle = outline.muscle_distance(x, y)
        if muscle is not None:
            extent *= expit(-(muscle + 4) / 2)
        return extent
