"""Calcifications: specks of calcium in the breast by BI-RADS morphology, and the shadows they cast in a view."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from microcalc.synthesis.outline import View
from microcalc.synthesis.phantom import GLAND, Phantom
from microcalc.synthesis.repeatable import repeatable
from microcalc.synthesis.solids import Dust, Line, Lump, Solid, Vessel

if TYPE_CHECKING:
    from microcalc.synthesis.insertion_ground import Ground

Array = NDArray[np.float32]
#: Twice the precision, so that outlines are the same on every machine.
Fine = NDArray[np.float64]
#: BI-RADS descriptors; the last five are typically benign.
Morphology = Literal[
    "round",
    "punctate",
    "amorphous",
    "coarse heterogeneous",
    "fine pleomorphic",
    "fine linear branching",
    "lucent centre",
    "vascular",
    "popcorn",
    "rod-like",
    "rim",
]
Pathology = Literal["benign", "malignant"]
#: Kinds that need no work-up: truth for classification, not for detection.
TYPICALLY_BENIGN: frozenset[Morphology] = frozenset(("lucent centre", "vascular", "popcorn", "rod-like", "rim"))

#: Samples per pixel side at which a shadow is averaged, least and most: as fine as the solid's own points.
_OVERSAMPLING = (2, 10)
#: Samples of the image in which an outline is sought, at most, and their number per projected sample, at most.
_OUTLINE_SAMPLES, _ZOOM = 300_000, 8

_FORMS: dict[Morphology, Lump | Dust | Line | Vessel] = {
    "round": Lump(roughness=0.15, least_axis=0.85, samples=41),
    "punctate": Lump(roughness=0.2, least_axis=0.7),
    "amorphous": Dust(),
    "coarse heterogeneous": Lump(roughness=0.9, least_axis=0.5, grain=0.22, samples=49),
    "fine pleomorphic": Lump(roughness=1.0, least_axis=0.3, grain=0.28),
    "fine linear branching": Line(winding=0.35, unevenness=0.2, gaps=0.3, branches=3),
    "lucent centre": Lump(roughness=0.1, least_axis=0.8, wall=0.22, samples=57),
    "vascular": Vessel(),
    "popcorn": Lump(roughness=0.5, least_axis=0.75, grain=0.28, samples=65),
    "rod-like": Line(winding=0.12, unevenness=0.12, gaps=0.0, branches=1),
    "rim": Lump(roughness=0.12, least_axis=0.75, wall=0.08, samples=81),
}
#: Kinds seen as one though in pieces, hollow or uneven: pieces nearer than this (mm) are outlined together, where the
#: blurred shadow is above this share of its typical value.
_PIECES: dict[Morphology, tuple[float, float]] = {
    "amorphous": (0.15, 0.5),
    "fine linear branching": (0.8, 0.5),
    "vascular": (3.0, 0.25),
    "popcorn": (0.3, 0.3),
    "rod-like": (0.5, 0.4),
    "lucent centre": (0.3, 0.4),
    "rim": (1.0, 0.4),
}
#: That blur, sigma in mm.
_PIECES_BLUR_MM = 0.1


@dataclass(frozen=True)
class Speck:
    """A calcification in the breast; equal fields give the same solid, whatever the view and the pixel pitch."""

    #: Place from the nipple in mm: behind it along the posterior nipple line, to the lateral side, upwards.
    place: tuple[float, float, float]
    #: Of the ball of equal (outer) volume; of haze, its width; of lines, rods and vessels, their calibre; mm.
    diameter: float
    #: Linear attenuation, per mm.
    attenuation: float
    morphology: Morphology
    pathology: Pathology
    seed: int
    #: Of lines, rods and vessels: vector along them (behind, lateral, superior), and length in mm.
    direction: tuple[float, float, float] = (1.0, 0.0, 0.0)
    length: float = 0.0

    def solid(self) -> Solid:
        """Its calcium."""
        form, rng = _FORMS[self.morphology], np.random.default_rng(self.seed)
        if isinstance(form, Line | Vessel):
            return form.solid(self.diameter, np.array(self.direction), self.length, rng)
        return form.solid(self.diameter, rng)


@dataclass(frozen=True, eq=False)
class Shadow:
    """A speck's projection on the pixels of a view (the left breast's frame, before blur)."""

    #: First row and column of ``contrast`` in the view.
    row: int
    column: int
    #: (rows, columns) float32: added ln attenuation, averaged over each pixel.
    contrast: Array
    #: (n, 2) x, y: outline, pixels of the view.
    polygon: NDArray[np.float64]

    @property
    def region(self) -> tuple[slice, slice]:
        """Rows and columns of the view that ``contrast`` belongs to."""
        rows, columns = self.contrast.shape
        return slice(self.row, self.row + rows), slice(self.column, self.column + columns)


def place_px(phantom: Phantom | Ground, speck: Speck) -> tuple[float, float]:
    """x, y of a speck's place, in pixels of a view (the left breast's frame)."""
    x_mm, y_mm = phantom.outline.locate(*speck.place)
    return x_mm / phantom.spacing_mm - 0.5, y_mm / phantom.spacing_mm - 0.5


@repeatable
def cast_shadow(speck: Speck, view: View, x: float, y: float, spacing_mm: float) -> Shadow:
    """Project a speck onto a view with its place at pixel coordinates x, y.

    The polygon is the outline of the largest region above half the maximum. Kinds in pieces, hollow or uneven
    (amorphous, fine linear branching, the typically benign) are outlined, after a blur by 0.1 mm, at half of the
    shadow's own weighted mean or below, with nearby pieces joined, so that the polygon encloses what is seen as one.
    Calcium displaces the tissue it lies in, taken as glandular.
    """
    solid = speck.solid()
    fold = int(np.clip(np.ceil(spacing_mm / solid.pitch), *_OVERSAMPLING))
    fine, row, column = _project(solid, view, x, y, spacing_mm, fold)
    pixels = fine.reshape(len(fine) // fold, fold, -1, fold).mean(axis=(1, 3))
    contrast = (pixels * np.float32(speck.attenuation - GLAND)).astype(np.float32, copy=False)
    if speck.morphology in _PIECES:
        outline = _outline_pieces(fine, spacing_mm / fold, *_PIECES[speck.morphology])
    else:
        outline = _outline(fine, fine.max() / 2)
    return Shadow(row, column, contrast, (outline + 0.5) / fold - 0.5 + np.array((column, row)))


def _project(solid: Solid, view: View, x: float, y: float, spacing_mm: float, fold: int) -> tuple[Fine, int, int]:
    """Thickness in mm, ``fold`` samples per pixel side, of whole pixels from a row and a column on, and those."""
    thickness = solid.thickness(view)
    zoom = spacing_mm / fold / solid.pitch
    first, counts, shifts = [], [], []
    for at, size in zip((x, y), thickness.shape[::-1], strict=True):
        half = size // 2 * solid.pitch / spacing_mm
        start = int(np.floor(at - half)) - 1
        first.append(start)
        counts.append((int(np.ceil(at + half)) + 2 - start) * fold)
        # Where the first fine sample lies in the thickness image, whose middle is the speck's place.
        shifts.append((start - 0.5 + 0.5 / fold - at) * fold * zoom + size // 2)
    affine = np.array(((zoom, 0, shifts[0]), (0, zoom, shifts[1])))
    fine = cv2.warpAffine(thickness, affine, counts, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
    return fine.astype(np.float64, copy=False), first[1], first[0]


def _outline(image: Fine, level: float, joined: float = 0.0) -> NDArray[np.float64]:
    """Outline of the largest region at or above a level, (n, 2) x, y in samples; regions within ``joined`` are one."""
    # Contours run through sample centres: fine samples keep the outline from shrinking.
    zoom = int(np.clip((_OUTLINE_SAMPLES / image.size) ** 0.5, 1, _ZOOM))
    enlarged = cv2.resize(image, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_LINEAR)
    # Whole voxels often add up to the very level; a little below it, rounding decides nothing.
    above = (enlarged >= 0.999 * level).astype(np.uint8)
    if joined:
        away = cv2.distanceTransform(1 - above, cv2.DIST_L2, cv2.DIST_MASK_5)
        near = (away <= joined / 2 * zoom).astype(np.uint8)
        within = cv2.distanceTransform(near, cv2.DIST_L2, cv2.DIST_MASK_5)
        above |= (within > joined / 2 * zoom).astype(np.uint8)
    contours, _ = cv2.findContours(above, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    outline = cv2.approxPolyDP(max(contours, key=cv2.contourArea), 1.0, True)[:, 0]
    polygon: NDArray[np.float64] = (outline + 0.5) / zoom - 0.5
    return polygon


def _outline_pieces(fine: Fine, step_mm: float, joined_mm: float, share: float) -> NDArray[np.float64]:
    """Outline of a shadow in pieces, (n, 2) x, y in samples of ``step_mm``."""
    pad = int((joined_mm / 2 + 3 * _PIECES_BLUR_MM) / step_mm) + 1
    hazy = cv2.GaussianBlur(np.pad(fine, pad), (0, 0), _PIECES_BLUR_MM / step_mm)
    # The mean weighted by the shadow itself: one dense plaque must not push all the others below the level.
    typical = float((hazy**2).sum() / hazy.sum())
    return _outline(hazy.astype(np.float64, copy=False), share * typical, joined_mm / step_mm) - pad
