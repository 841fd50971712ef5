"""Where calcifications lie: places inside both views of a breast, and BI-RADS distributions about a place.

Places are (n, 3) float64: behind the nipple along the posterior nipple line, lateral, superior, mm.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from microcalc.findings import Distribution
from microcalc.synthesis.outline import View
from microcalc.synthesis.phantom import Phantom

Places = NDArray[np.float64]
Lengths = NDArray[np.float64]

#: Depth of a breast that holds distributions at their full extent, mm; smaller ones hold smaller ones.
_FULL_DEPTH_MM = 76.0
#: Calcium's least distance from skin, chest wall and field's edges, and how far over the pectoral muscle it may lie, at
#: that depth, mm.
_MARGIN_MM, _OVER_MUSCLE_MM = 4.0, 10.0
#: Gap between the calcifications of a breast in either view, mm.
_GAP_MM = 0.2


class Site:
    """The room for calcium in one breast, and what of it is taken."""

    def __init__(self, views: Mapping[View, Phantom], rng: np.random.Generator) -> None:
        self._views = views
        self._rng = rng
        self._taken: Places = np.empty((0, 3))
        self._radii: Lengths = np.empty(0)
        self.depth = views["CC"].outline.depth
        #: Factor on the extents of distributions and of large calcifications.
        self.scale = min(1.0, self.depth / _FULL_DEPTH_MM)

    def anywhere(self, count: int) -> Places:
        """Random places, evenly over the volume that both views show: in fat, gland, and near the edges alike."""
        places = self._rng.uniform((0.05, -1.2, -1.2), (1, 1.2, 1.2), (20 * count + 1000, 3)) * self.depth
        return places[self._inside(places, np.zeros(len(places)))][:count]

    def settle(self, candidates: Places, radii: Lengths) -> Places:
        """Take up to one place for each radius (mm), in order, out of the candidates: inside, clear of all others."""
        settled = 0
        for place in candidates:
            if settled == len(radii):
                break
            radius = radii[settled]
            # Both views see the distance along the nipple line (0); across it, CC sees 1 and MLO sees 2.
            along, lateral, superior = np.abs(self._taken - place).T
            clear = np.hypot(along, np.minimum(lateral, superior)) > self._radii + radius + _GAP_MM
            if clear.all() and self._inside(place[None], np.array([radius])).all():
                self._taken, self._radii = np.vstack((self._taken, place)), np.append(self._radii, radius)
                settled += 1
        return self._taken[len(self._taken) - settled :]

    def _inside(self, places: Places, radii: Lengths) -> NDArray[np.bool_]:
        margin = _MARGIN_MM * self.scale + radii
        inside = np.ones(len(places), np.bool_)
        for phantom in self._views.values():
            outline = phantom.outline
            x, y = outline.locate(*places.T)
            inside &= (outline.skin_distance(x, y) > margin) & (x > margin)
            inside &= (y > margin) & (y < phantom.shape[0] * phantom.spacing_mm - margin)
            muscle = outline.muscle_distance(x, y)
            if muscle is not None:
                inside &= muscle < _OVER_MUSCLE_MM * self.scale
        return inside


def along_ducts(places: Places, spread: float, rng: np.random.Generator) -> Places:
    """Unit vectors (n, 3) away from the nipple at places, each sideways by about ``spread``."""
    directions = places / np.linalg.norm(places, axis=1, keepdims=True) + spread * rng.standard_normal(places.shape)
    unit: Places = directions / np.linalg.norm(directions, axis=1, keepdims=True)
    return unit


def scatter(distribution: Distribution, centre: Places, count: int, site: Site, rng: np.random.Generator) -> Places:
    """Candidate places about a centre (1, 3), several times as many as ``count`` specks of a distribution need."""
    return _SCATTER[distribution](centre, count, site, rng)


def _grouped(centre: Places, count: int, site: Site, rng: np.random.Generator) -> Places:
    """Within 1 to 2 cm: normally spread, as wide as neighbours 0.6 mm apart on average need, in any direction."""
    neighbour = np.clip(rng.lognormal(np.log(0.6), 0.35), 0.35, 1.5)
    sigma = np.minimum(neighbour * (count / np.pi) ** 0.5 * rng.uniform(0.6, 1.2, 3), min(4.5, 0.06 * site.depth))
    turn = np.linalg.qr(rng.standard_normal((3, 3)))[0]
    offsets = rng.standard_normal((20 * count, 3))
    offsets *= np.minimum(1, 2.2 / np.linalg.norm(offsets, axis=1, keepdims=True))
    places: Places = centre + (offsets * sigma) @ turn
    return places


def _regional(centre: Places, count: int, site: Site, rng: np.random.Generator) -> Places:
    """Over more than 2 cm of a breast, in no duct's shape."""
    radii = site.scale * rng.uniform(12, 28, 3)
    directions = rng.standard_normal((20 * count, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    return centre + directions * radii * rng.uniform(0, 1, (20 * count, 1)) ** (1 / 3)


def _linear(centre: Places, count: int, site: Site, rng: np.random.Generator) -> Places:
    """In a line along one duct."""
    length = site.scale * rng.uniform(8, 30)
    axis = along_ducts(centre, 0.15, rng)[0]
    along = rng.uniform(-0.5, 0.5, (20 * count, 1)) * length
    places: Places = centre + along * axis + 0.4 * rng.standard_normal((20 * count, 3))
    return places


def _segmental(centre: Places, count: int, site: Site, rng: np.random.Generator) -> Places:
    """In the wedge of one duct's branches, its apex towards the nipple."""
    length, slope = site.scale * rng.uniform(20, 50), np.tan(np.radians(rng.uniform(8, 16)))
    axis = along_ducts(centre, 0.1, rng)[0]
    along = length * rng.uniform(0, 1, (20 * count, 1)) ** 0.6  # between even along the axis and even in volume
    across = rng.standard_normal((20 * count, 3)) * (0.7 * slope * along + 0.3 * site.scale)
    across -= (across @ axis)[:, None] * axis
    places: Places = centre + (along - length / 2) * axis + across
    return places


def _diffuse(centre: Places, count: int, site: Site, rng: np.random.Generator) -> Places:
    """All over the breast."""
    return site.anywhere(20 * count)


_SCATTER: dict[Distribution, Callable[[Places, int, Site, np.random.Generator], Places]] = {
    "grouped": _grouped,
    "regional": _regional,
    "linear": _linear,
    "segmental": _segmental,
    "diffuse": _diffuse,
}
