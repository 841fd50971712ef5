"""Which calcifications a breast holds: lesions by morphology and distribution, and benign ones beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from microcalc.findings import Distribution
from microcalc.synthesis.calcification import TYPICALLY_BENIGN, Morphology, Pathology, Speck
from microcalc.synthesis.distributions import Places, Site, along_ducts, scatter
from microcalc.synthesis.odds import draw_benign, draw_kind
from microcalc.synthesis.outline import View
from microcalc.synthesis.phantom import GLAND, Phantom
from microcalc.synthesis.plans import check

#: Odds of a second lesion in a breast, and of typically benign calcifications beside its lesions.
_SECOND, _BENIGN = 0.2, 0.3
#: Most isolated benign specks, and the odds that one is round rather than punctate.
_ISOLATED, _ROUND = 5, 0.4
#: Least and most specks by distribution; any number between is as likely as its double.
_COUNTS: dict[Distribution, tuple[int, int]] = {
    "grouped": (6, 30),
    "regional": (12, 50),
    "linear": (6, 20),
    "segmental": (15, 60),
    "diffuse": (20, 50),
}
#: How many of a typically benign kind come together, at most.
_BENIGN_COUNTS: dict[Morphology, int] = {"lucent centre": 5, "vascular": 2, "popcorn": 1, "rod-like": 6, "rim": 2}

#: Deviation of the logarithm of diameters and lengths within a lesion; that of attenuation is drawn per lesion.
_SIZE_SIGMA, _ATTENUATION_SIGMA = 0.3, (0.15, 0.35)


@dataclass(frozen=True)
class Difficulty:
    """The dial, in physical terms: factors on diameters, on calcium's contrast, on noise; odds of densities A..D.

    The diameters of typically benign calcifications stay: their size is what they are known by.

    Raises:
        UsageError: factors that are not above 0, odds below 0 or that do not add up to 1.
    """

    diameter: float = 1.0
    #: On the attenuation beyond that of glandular tissue.
    contrast: float = 1.0
    noise: float = 1.0
    densities: tuple[float, float, float, float] = (0.1, 0.4, 0.4, 0.1)

    def __post_init__(self) -> None:
        factors = (self.diameter, self.contrast, self.noise)
        check(all(0 < factor < np.inf for factor in factors), "factors of difficulty above 0", str(factors))
        odds = self.densities
        check(min(odds) >= 0 and abs(sum(odds) - 1) < 1e-6, "odds of densities that add up to 1", str(odds))


@dataclass(frozen=True)
class Lesion:
    """Specks that belong together; ``distribution`` is None for a lone one."""

    specks: tuple[Speck, ...]
    morphology: Morphology
    distribution: Distribution | None
    pathology: Pathology


@dataclass(frozen=True)
class _Kind:
    """Specks of one morphology, before dial and place: median of all that could be, least and most that are, mm."""

    diameter: tuple[float, float, float]
    #: Least and most of a lesion's typical attenuation, per mm: oxalate 0.98, porous to dense apatite 1 to 2, large
    #: ones mixed with stroma.
    attenuation: tuple[float, float]
    #: Median, least and most length, mm; None where the diameter says it all.
    length: tuple[float, float, float] | None = None


_KINDS: dict[Morphology, _Kind] = {
    "round": _Kind((0.60, 0.50, 1.2), (0.5, 1.0)),
    "punctate": _Kind((0.24, 0.10, 0.49), (0.8, 1.8)),
    "amorphous": _Kind((0.40, 0.25, 0.7), (0.8, 1.7)),
    "coarse heterogeneous": _Kind((0.60, 0.50, 1.0), (0.8, 1.5)),
    "fine pleomorphic": _Kind((0.25, 0.10, 0.49), (0.7, 1.5)),
    "fine linear branching": _Kind((0.12, 0.06, 0.25), (1.0, 1.9), (1.2, 0.4, 4.0)),
    "lucent centre": _Kind((0.80, 0.40, 1.5), (0.6, 1.2)),
    "vascular": _Kind((1.5, 0.8, 2.5), (0.8, 1.6), (18.0, 10.0, 35.0)),
    "popcorn": _Kind((2.8, 2.0, 5.0), (0.4, 0.8)),
    "rod-like": _Kind((0.65, 0.50, 1.0), (0.6, 1.2), (7.0, 3.0, 15.0)),
    "rim": _Kind((2.0, 1.0, 8.0), (0.8, 1.6)),
}


def draw_lesions(
    views: Mapping[View, Phantom],
    rng: np.random.Generator,
    difficulty: Difficulty,
    morphologies: Sequence[Morphology] = (),
) -> list[Lesion]:
    """What one affected breast, given by both its views, holds; every speck lies inside both.

    One lesion, sometimes two, by the shares and odds of :mod:`microcalc.synthesis.odds`; up to five isolated, benign,
    round or punctate specks; sometimes typically benign calcifications. Of each of the ``morphologies`` given there is
    a lesion, or calcification, for sure. What finds no room is left out, so that a very small field may hold fewer.
    """
    site = Site(views, rng)
    lesions = [_draw_lesion(site, rng, difficulty, kind) for kind in morphologies if kind not in TYPICALLY_BENIGN]
    while not lesions or (len(lesions) == 1 and rng.random() < _SECOND):
        lesions.append(_draw_lesion(site, rng, difficulty))
    benign = [kind for kind in morphologies if kind in TYPICALLY_BENIGN]
    if not benign and rng.random() < _BENIGN:
        benign.append(draw_benign(rng))
    alone: list[Morphology] = []
    for kind in benign:
        alone += [kind] * int(rng.integers(1, _BENIGN_COUNTS[kind], endpoint=True))
    for _ in range(rng.integers(_ISOLATED, endpoint=True)):
        alone.append("round" if rng.random() < _ROUND else "punctate")
    lesions += [_draw_alone(morphology, site, rng, difficulty) for morphology in alone]
    return [lesion for lesion in lesions if lesion.specks]


def _draw_lesion(
    site: Site, rng: np.random.Generator, difficulty: Difficulty, wanted: Morphology | None = None
) -> Lesion:
    morphology, distribution, pathology = draw_kind(rng, wanted)
    least, most = _COUNTS[distribution]
    count = int(np.exp(rng.uniform(np.log(least), np.log(most + 1))))
    centre = site.anywhere(1)
    candidates = scatter(distribution, centre, count, site, rng) if len(centre) else centre
    specks = _draw_specks(morphology, pathology, candidates, count, site, rng, difficulty)
    return Lesion(specks, morphology, distribution, pathology)


def _draw_alone(morphology: Morphology, site: Site, rng: np.random.Generator, difficulty: Difficulty) -> Lesion:
    specks = _draw_specks(morphology, "benign", site.anywhere(50), 1, site, rng, difficulty)
    return Lesion(specks, morphology, None, "benign")


def _draw_specks(
    morphology: Morphology,
    pathology: Pathology,
    candidates: Places,
    count: int,
    site: Site,
    rng: np.random.Generator,
    difficulty: Difficulty,
) -> tuple[Speck, ...]:
    """Up to ``count`` specks alike, at the first of the candidate places that have room for them."""
    kind, benign = _KINDS[morphology], morphology in TYPICALLY_BENIGN
    diameters = _lognormal(kind.diameter, count, rng, site.scale if benign else difficulty.diameter)
    lengths = _lognormal(kind.length, count, rng, site.scale) if kind.length else np.zeros(count)
    typical, sigma = rng.uniform(*kind.attenuation), rng.uniform(*_ATTENUATION_SIGMA)
    attenuation = np.clip(typical * rng.lognormal(0, sigma, count), 0.4, 2.0)
    attenuation = GLAND + (attenuation - GLAND) * difficulty.contrast
    places = site.settle(candidates, np.maximum(diameters, lengths) / 2)
    # Vessels run towards the nipple less strictly than ducts do.
    directions = along_ducts(places, 0.5 if morphology == "vascular" else 0.2, rng)
    return tuple(
        Speck(
            place=_triple(place),
            diameter=float(diameter),
            attenuation=float(dense),
            morphology=morphology,
            pathology=pathology,
            seed=int(rng.integers(2**32)),
            direction=_triple(direction),
            length=float(length),
        )
        for place, direction, diameter, length, dense in zip(
            places, directions, diameters, lengths, attenuation, strict=False
        )
    )


def _lognormal(
    limits: tuple[float, float, float], count: int, rng: np.random.Generator, factor: float
) -> NDArray[np.float64]:
    """``factor`` times lengths about a median, of which only those from the least to the most (median, least, most)."""
    median, *ends = np.log(limits)
    first, last = special.ndtr((ends - median) / _SIZE_SIGMA)
    drawn: NDArray[np.float64] = np.exp(median + _SIZE_SIGMA * special.ndtri(rng.uniform(first, last, count)))
    return factor * drawn


def _triple(vector: NDArray[np.float64]) -> tuple[float, float, float]:
    first, second, third = vector.tolist()
    return first, second, third
