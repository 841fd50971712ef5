"""Ring test: do the pixels in and about an inserted speck betray how it came there?

Specks go into real pictures. In ln units and less the known shadow, what is left in a speck, at its border and in a
ring around it is compared with the same regions of untouched tissue nearby. Insertion must stay at chance; two pastes
must be told apart, or the test says nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from likeness import measures
from likeness.folds import Auc, over_folds
from likeness.sources import Source
from likeness.specimen import MAX_GREY, SPACING_MM, Specimen
from likeness.twosample import Classifier
from microcalc.synthesis.calcification import Morphology, Shadow, Speck, cast_shadow
from microcalc.synthesis.insertion import Insertion

Array = NDArray[np.float32]
Mask = NDArray[np.bool_]
Places = NDArray[np.intp]

#: Specks per picture, their least distance from others, and that of the tissue each is held against, mm.
SPECKS, _APART_MM, _AWAY_MM = 150, 3.0, 2.8
_MORPHOLOGIES: tuple[Morphology, ...] = ("round", "punctate", "fine pleomorphic")
#: Diameter, mm, and attenuation, per mm: first and last.
_DIAMETER_MM, _ATTENUATION = (0.15, 0.5), (0.8, 1.6)
#: Half side of the window that is looked at, px (a shadow and its blur fit in), and the share of its peak above which a
#: shadow counts as the speck.
_HALF, _SEEN = 32, 0.05
#: Half width of the border, and distance and width of the ring, px.
_BORDER_PX, _CLEAR_PX, _RING_PX = 2, 6, 8
#: Smoothing that takes the noise away, and that which leaves it in the residual, px.
_NO_NOISE_PX, _FINE_PX = 3.0, 1.5

FEATURES = ("level inside", "level at the border", "noise inside", "noise at the border", "slope at the border")


@dataclass(frozen=True, eq=False)
class _Prepared:
    """A real picture, 0..1, and what is to go into it."""

    insertion: Insertion
    #: Known shadows, blurred, ln units; where they are seen.
    contrast: Array
    seen: Mask
    #: (n, 2, 2) row, column of each speck, and of the tissue it is held against.
    places: Places


def _insert(prepared: _Prepared, rng: np.random.Generator) -> Array:
    """As the package does it."""
    return prepared.insertion.finish(range(len(prepared.places)), rng)


def _paste(prepared: _Prepared, rng: np.random.Generator) -> Array:
    """Cut out, with its own tissue and noise, and put down elsewhere."""
    scale, pixels = prepared.insertion.scale, prepared.insertion.pixels
    away = np.roll(prepared.places[:, 1], 1, axis=0) - prepared.places[:, 0]
    pasted = pixels.copy()
    for (row, column), (down, across) in zip(prepared.places[:, 0], away, strict=True):
        here, there = _window(row, column), _window(row + down, column + across)
        speck = scale.grey(scale.attenuation(pixels[there]) + prepared.contrast[here])
        pasted[here] = np.where(prepared.seen[here], speck, pasted[here])
    return pasted


def _paste_without_noise(prepared: _Prepared, rng: np.random.Generator) -> Array:
    """The shadow on smooth tissue."""
    scale, pixels = prepared.insertion.scale, prepared.insertion.pixels
    smooth = cv2.GaussianBlur(pixels, (0, 0), _NO_NOISE_PX)
    return np.where(prepared.seen, scale.grey(scale.attenuation(smooth) + prepared.contrast), pixels)


WAYS: dict[str, Callable[[_Prepared, np.random.Generator], Array]] = {
    "inserted": _insert,
    "pasted": _paste,
    "pasted without noise": _paste_without_noise,
}


def ring_samples(source: Source) -> dict[str, NDArray[np.float64]]:
    """By way of putting specks into a real picture: (n, 2, features) of each speck, and of tissue nearby."""
    cv2.setNumThreads(1)
    specimen = source.open()
    rng = np.random.default_rng(specimen.grey.size)
    prepared = _prepare(specimen, rng)
    untouched = prepared.insertion.scale.attenuation(prepared.insertion.pixels)
    return {way: _samples(prepared, put(prepared, rng), untouched) for way, put in WAYS.items()}


def _prepare(specimen: Specimen, rng: np.random.Generator) -> _Prepared:
    places = _places(measures.without_calcium(specimen.depth > measures.DEPTH_MM, specimen), rng)
    shadows = [_shadow(place, rng) for place in places[:, 0]]
    pixels = specimen.grey / np.float32(MAX_GREY)
    insertion = Insertion.prepare(pixels, specimen.depth > 0, shadows, SPACING_MM, rng)
    contrast, seen = np.zeros_like(pixels), np.zeros(pixels.shape, bool)
    for shadow in insertion.shadows:
        contrast[shadow.region] += shadow.contrast
        seen[shadow.region] |= shadow.contrast > _SEEN * shadow.contrast.max()
    return _Prepared(insertion, contrast, seen, places)


def _places(free: Mask, rng: np.random.Generator) -> Places:
    """(n, 2, 2) places whose windows are wholly free, each with one nearby; pairs keep clear of each other."""
    inner = cv2.erode(np.pad(free, 1).astype(np.uint8), np.ones((2 * _HALF + 3,) * 2, np.uint8))[1:-1, 1:-1] > 0
    angle = rng.uniform(0, 2 * np.pi, 4000)
    away = np.rint(_AWAY_MM / SPACING_MM * np.column_stack((np.sin(angle), np.cos(angle)))).astype(int)
    here = rng.permutation(np.argwhere(inner))[:4000]
    there = (here + away[: len(here)]).clip(0, np.array(free.shape) - 1)
    chosen: list[NDArray[np.intp]] = []
    for pair in np.stack((here, there), axis=1)[inner[*there.T]]:
        gaps = [np.hypot(*(pair - other).T).min() for taken in chosen for other in (taken, taken[::-1])]
        if min(gaps, default=np.inf) * SPACING_MM > _APART_MM:
            chosen.append(pair)
        if len(chosen) == SPECKS:
            break
    return np.array(chosen)


def _shadow(place: NDArray[np.intp], rng: np.random.Generator) -> Shadow:
    speck = Speck(
        place=(0.0, 0.0, 0.0),
        diameter=rng.uniform(*_DIAMETER_MM),
        attenuation=rng.uniform(*_ATTENUATION),
        morphology=_MORPHOLOGIES[rng.integers(len(_MORPHOLOGIES))],
        pathology="benign",
        seed=int(rng.integers(2**32)),
    )
    return cast_shadow(speck, "CC", float(place[1]), float(place[0]), SPACING_MM)


def _window(row: int, column: int) -> tuple[slice, slice]:
    return slice(row - _HALF, row + _HALF + 1), slice(column - _HALF, column + _HALF + 1)


def _samples(prepared: _Prepared, picture: Array, untouched: Array) -> NDArray[np.float64]:
    left = prepared.insertion.scale.attenuation(picture) - prepared.contrast
    # Fewer photons behind calcium make more noise: no news.
    noisier = np.exp(prepared.contrast / 2)
    rows = []
    for here, there in prepared.places:
        window, nearby = _window(*here), _window(*there)
        seen = prepared.seen[window].astype(np.uint8)
        rows.append([_features(left[window], noisier[window], seen), _features(untouched[nearby], 1.0, seen)])
    return np.array(rows)


def _features(left: Array, noisier: Array | float, seen: NDArray[np.uint8]) -> list[float]:
    """Levels less the ring's in its deviations, noise and slope over the ring's as logarithms."""
    border = (_grown(seen, _BORDER_PX) > 0) & (_grown(1 - seen, _BORDER_PX) > 0)
    inside, ring = seen > 0, (_grown(seen, _CLEAR_PX + _RING_PX) > 0) & (_grown(seen, _CLEAR_PX) == 0)
    fine = (left - cv2.GaussianBlur(left, (0, 0), _FINE_PX)) / noisier
    slope = np.hypot(*np.gradient(left)) / noisier
    level, spread = left[ring].mean(), left[ring].std()
    return [
        *(abs(left[part].mean() - level) / spread for part in (inside, border)),
        *(np.log(fine[part].std() / fine[ring].std()) for part in (inside, border)),
        np.log(slope[border].mean() / slope[ring].mean()),
    ]


def _grown(mask: NDArray[np.uint8], by: int) -> NDArray[np.uint8]:
    return cv2.dilate(mask, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * by + 1,) * 2))


def ring_test(samples: Sequence[NDArray[np.float64]], classifier: Classifier) -> Auc:
    """AUC of telling specks from tissue nearby; each picture, (n, 2, features), is tested by what the others taught."""
    results = []
    for i, test in enumerate(samples):
        train = np.concatenate([*samples[:i], *samples[i + 1 :]])
        known, unknown = (np.concatenate((part[:, 1], part[:, 0])) for part in (train, test))
        labels, truth = (np.repeat([False, True], len(part)) for part in (train, test))
        results.append((classifier(known, labels, unknown), truth, np.tile(np.arange(len(test)), 2)))
    return over_folds(results)
