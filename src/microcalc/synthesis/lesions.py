"""Which calcifications a breast holds, and where: a malignant-looking group, and isolated benign specks."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from microcalc.synthesis.calcification import Speck
from microcalc.synthesis.outline import View
from microcalc.synthesis.phantom import Phantom

Places = NDArray[np.float64]

#: Least distance of calcium from the skin, the chest wall, the muscle and the field's edges, mm; a tenth of the depth
#: in small breasts.
_MARGIN_MM = 8.0

#: Numbers of specks, first and last.
_ISOLATED, _GROUPED = (2, 5), (14, 20)
#: Spread of a group along the nipple line and across it in either view, and its specks' least distance in a view, mm.
_SPREAD_MM, _APART_MM = (1.9, 1.5, 1.5), 0.5
#: Diameters are lognormal about these medians, with this sigma and within these limits, mm.
_ROUND_MM, _PLEOMORPHIC_MM, _SIGMA, _LIMITS_MM = 0.30, 0.29, 0.3, (0.12, 0.7)
#: Attenuation of calcium, from oxalate or porous apatite to dense apatite, per mm.
_ATTENUATION = (0.8, 2.0)


def draw_isolated(views: Mapping[View, Phantom], rng: np.random.Generator) -> list[Speck]:
    """A few benign round specks anywhere in a breast, given by both its views."""
    places = _places(views, rng)[: rng.integers(*_ISOLATED, endpoint=True)]
    return [
        Speck(
            place=_triple(place),
            diameter=_diameter(_ROUND_MM, rng),
            attenuation=float(rng.uniform(1.1, 1.7)),
            morphology="round",
            pathology="benign",
            seed=int(rng.integers(2**32)),
        )
        for place in places
    ]


def draw_group(views: Mapping[View, Phantom], rng: np.random.Generator) -> list[Speck]:
    """One group (BI-RADS: grouped) of fine pleomorphic specks of varied contrast, well inside both views."""
    centre = _places(views, rng)[0]
    # Small breasts hold small groups.
    offsets = _apart(int(rng.integers(*_GROUPED, endpoint=True)), rng) * min(1.0, 0.02 * views["CC"].outline.depth)
    typical = rng.uniform(1.35, 1.75)
    return [
        Speck(
            place=_triple(centre + offset),
            diameter=_diameter(_PLEOMORPHIC_MM, rng),
            attenuation=float(np.clip(typical * rng.lognormal(0, 0.25), *_ATTENUATION)),
            morphology="fine pleomorphic",
            pathology="malignant",
            seed=int(rng.integers(2**32)),
        )
        for offset in offsets
    ]


def _triple(place: NDArray[np.float64]) -> tuple[float, float, float]:
    behind, lateral, superior = place.tolist()
    return behind, lateral, superior


def _diameter(median: float, rng: np.random.Generator) -> float:
    return float(np.clip(median * rng.lognormal(0, _SIGMA), *_LIMITS_MM))


def _apart(count: int, rng: np.random.Generator) -> Places:
    """Normally spread offsets (count, 3) in mm that keep ``_APART_MM`` from one another in both views."""
    kept = np.empty((0, 3))
    while len(kept) < count:
        offset = np.clip(rng.standard_normal(3), -2, 2) * _SPREAD_MM
        # Both views see the distance along the nipple line (0); across it, CC sees 1 and MLO sees 2.
        along, lateral, superior = (kept - offset).T
        if np.all(np.hypot(along, np.minimum(abs(lateral), abs(superior))) > _APART_MM):
            kept = np.vstack((kept, offset))
    return kept


def _places(views: Mapping[View, Phantom], rng: np.random.Generator) -> Places:
    """Random places (n, 3), behind the nipple, lateral, superior, in mm, well inside the breast in both views."""
    depth = views["CC"].outline.depth
    margin = min(_MARGIN_MM, 0.1 * depth)
    places = rng.uniform((0.1, -1, -1), (0.95, 1, 1), (2000, 3)) * depth
    inside = np.ones(len(places), np.bool_)
    for phantom in views.values():
        outline = phantom.outline
        x, y = outline.locate(*places.T)
        inside &= (outline.skin_distance(x, y) > margin) & (x > margin)
        inside &= (y > margin) & (y < phantom.shape[0] * phantom.spacing_mm - margin)
        muscle = outline.muscle_distance(x, y)
        if muscle is not None:
            inside &= muscle < -margin
    return places[inside]
