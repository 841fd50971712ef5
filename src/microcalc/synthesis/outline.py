"""The breast's shape on the detector: skin line, nipple, compressed thickness, pectoral muscle.

The frame of this module is the left breast's, in mm: x runs from the chest wall at the image's left edge towards the
nipple, y downwards from the upper edge. Right breasts are mirrored once, when a picture is finished.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

View = Literal["CC", "MLO"]
Array = NDArray[np.float32]
Lengths = NDArray[np.floating]
Length = TypeVar("Length", float, NDArray[np.float64])

#: The detector field the anatomy is drawn for, mm (rows, columns): 24 x 18 cm. Smaller fields shrink the breast.
FIELD_MM = (233.0, 179.0)
#: Skin thickness, mm.
SKIN_MM = 2.0

_ANGLES = np.linspace(-np.pi / 2, np.pi / 2, 1441)


@dataclass(frozen=True)
class Outline:
    """One breast in one view: a superellipse, a nipple, a muscle edge.

    Lengths in mm. ``depth`` is the posterior nipple line's, at height ``nipple_y``; the superellipse is centred
    ``behind`` the chest wall, with half heights and exponents ``upper`` and ``lower`` (the MLO's upper one runs out of
    the field: the axillary tail). ``muscle`` is where the pectoral edge meets the upper border (x) and the chest wall
    (y), or None. ``nipple`` is its height as a share of the depth, and its half width in radians.
    """

    view: View
    nipple_y: float
    depth: float
    behind: float
    upper: tuple[float, float]
    lower: tuple[float, float]
    thickness: float
    muscle: tuple[float, float] | None
    nipple: tuple[float, float]

    @classmethod
    def draw(cls, view: View, field_mm: tuple[float, float], rng: np.random.Generator, size: float = 1.0) -> Outline:
        """Draw an outline for a field of (rows, columns) mm, scaled by ``size``.

        The same generator state gives both views of one breast the same depth and thickness.
        """
        scale = size * min(1.0, field_mm[0] / FIELD_MM[0], field_mm[1] / FIELD_MM[1])
        depth, thickness = scale * rng.uniform(76, 98), scale * rng.uniform(42, 65)
        nipple = (rng.uniform(0, 0.035), rng.uniform(0.035, 0.065))
        behind, middle = 0.25 * depth, 0.5 * field_mm[0]
        if view == "CC":
            upper, lower = rng.uniform((1.0, 1.4), (1.25, 1.85), (2, 2)) * (depth, 1)
            nipple_y = rng.uniform(0.97, 1.03) * middle
            return cls(view, nipple_y, depth, behind, tuple(upper), tuple(lower), thickness, None, nipple)
        low, exponent, muscle = rng.uniform((0.88, 1.75, 0.85), (1.08, 2.1, 1.15))
        edge = (muscle * 48 * scale, muscle * 115 * scale)
        upper, nipple_y = (1.7 * middle, rng.uniform(1.45, 1.75)), rng.uniform(1.1, 1.2) * middle
        return cls(view, nipple_y, depth, behind, upper, (low * depth, exponent), thickness, edge, nipple)

    @cached_property
    def _polar(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Skin radius over ``_ANGLES``, and the cosine between radius and skin normal."""
        radius = np.empty_like(_ANGLES)
        for half, (height, exponent) in ((_ANGLES < 0, self.upper), (_ANGLES >= 0, self.lower)):
            x = np.cos(_ANGLES[half]) / (self.depth + self.behind)
            y = np.abs(np.sin(_ANGLES[half])) / height
            radius[half] = (x**exponent + y**exponent) ** (-1 / exponent)
        height, width = self.nipple
        radius += height * self.depth * np.exp(-((_ANGLES / width) ** 4))
        slope = np.gradient(radius, _ANGLES) / radius
        return radius, 1 / np.hypot(1, slope)

    def locate(self, behind: Length, lateral: Length, superior: Length) -> tuple[Length, Length]:
        """x, y in mm of places in the breast: from the nipple, ``behind`` it, to the ``lateral`` side, upwards, mm.

        A CC view sees lateral offsets, an MLO view (taken as a mediolateral one) upward ones.
        """
        return self.depth - behind, self.nipple_y - (lateral if self.view == "CC" else superior)

    def taper(self, x: Array, y: Array) -> Array:
        """Half height of the breast at x relative to its greatest, 0.5..1, on the side of the nipple line that y is on.

        What runs along the skin far from the nipple line bends with it; the limit keeps it apart at the nipple.
        """
        forward = np.clip((x + np.float32(self.behind)) / np.float32(self.depth + self.behind), 0, 1)
        upper, lower = ((1 - forward**exponent) ** (1 / exponent) for _, exponent in (self.upper, self.lower))
        height = np.where(y < self.nipple_y, upper, lower)
        taper: Array = np.cbrt(height**3 + np.float32(0.5**3)).astype(np.float32, copy=False)
        return taper

    def skin_distance(self, x: Lengths, y: Lengths) -> Array:
        """Distance to the skin line in mm, positive inside; first order in the distance, exact at the skin."""
        radius, cosine = self._polar
        x, y = x + np.float32(self.behind), y - np.float32(self.nipple_y)
        angle = np.arctan2(y, x)
        distance = np.interp(angle, _ANGLES, radius) - np.hypot(x, y)
        return (distance * np.interp(angle, _ANGLES, cosine)).astype(np.float32)

    def muscle_distance(self, x: Lengths, y: Lengths) -> Array | None:
        """Distance to the pectoral edge in mm, positive inside the muscle; None where the view shows none."""
        if self.muscle is None:
            return None
        top, bottom = self.muscle
        bulge = 0.06 * top * np.sin(np.pi * np.clip(y / bottom, 0, 1))
        edge = top * (1 - y / bottom) + bulge
        distance: Array = ((edge - x) * bottom / np.hypot(top, bottom)).astype(np.float32, copy=False)
        return distance

    def tissue_thickness(self, skin_distance: Array) -> Array:
        """Compressed thickness in mm: level between the paddles, a half round towards the skin."""
        return chord(skin_distance, self.thickness / 2)

    def skin_thickness(self, skin_distance: Array, skin: Array | float = SKIN_MM) -> Array:
        """Path through ``skin`` mm of skin, in mm: two layers under the paddles, far more where rays graze its line."""
        radius = self.thickness / 2
        return chord(skin_distance, radius) - chord(skin_distance - skin, max(radius - SKIN_MM, 0.0))


def chord(depth: Array, radius: float) -> Array:
    """Path in mm through a slab of the given half thickness with a half-round rim, ``depth`` mm inside the rim."""
    inside = np.clip(depth, 0, radius)
    return 2 * np.sqrt(inside * (np.float32(2 * radius) - inside))
