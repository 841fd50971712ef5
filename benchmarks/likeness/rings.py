"""Ring test: does the surroundings of an inserted speck betray it? A classifier must stay at chance.

A ring around a speck, clear of its blur and of other calcium, is compared with an equal ring nearby in the same tissue:
an edge left by compositing, or missing or doubled noise, would tell them apart.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import stats

from likeness.folds import Auc, over_folds
from likeness.lesions import Marked
from likeness.specimen import SPACING_MM
from likeness.twosample import logistic

Array = NDArray[np.float32]

#: Inner edge of a ring beyond the speck's own radius, and its width, px.
_CLEAR_PX, _WIDTH_PX = 5, 9
#: Distance of the other ring, mm, tries to find one, and what of a ring may be masked.
_AWAY_MM, _TRIES, _LEAST_SHARE = (2.5, 6.0), 40, 0.6
_HALF = 32

FEATURES = ("mean", "spread / mean", "skew", "fine noise / mean", "noise lag 1", "gradient / mean", "inner less outer")


def ring_samples(marked: Marked, rng: np.random.Generator) -> NDArray[np.float64]:
    """(n, 2, features): each speck's ring and the ring that stands against it."""
    calcium = _calcium(marked)
    images = (marked.grey, marked.grey - cv2.GaussianBlur(marked.grey, (0, 0), 1.5))
    rows = []
    for speck in marked.truth.calcifications:
        radius = (speck.diameter_mm or 0) / 2 / SPACING_MM + _CLEAR_PX
        here = np.array((round(speck.y), round(speck.x)))
        if radius + _WIDTH_PX > _HALF or not _in_breast(marked.grey, here):
            continue
        kept = _ring(radius) & ~_cut(calcium, here)
        if kept.sum() < _LEAST_SHARE * _ring(radius).sum():
            continue
        there = _elsewhere(marked.grey, calcium, here, kept, rng)
        if there is not None:
            rows.append([_features(*(_cut(image, place) for image in images), kept, radius) for place in (here, there)])
    return np.array(rows).reshape(-1, 2, len(FEATURES))


def _calcium(marked: Marked) -> NDArray[np.bool_]:
    """Where calcium is, visible or not, with a margin for its blur."""
    drawn = np.zeros(marked.grey.shape, np.uint8)
    polygons = [c.polygon for c in marked.truth.calcifications] + [i.polygon for i in marked.truth.ignore]
    cv2.fillPoly(drawn, [np.rint(p).astype(np.int32) for p in polygons if p], 1)
    return cv2.dilate(drawn, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * _CLEAR_PX + 1,) * 2)) > 0


def _ring(radius: float) -> NDArray[np.bool_]:
    away = np.hypot(*np.mgrid[-_HALF : _HALF + 1, -_HALF : _HALF + 1])
    return (away >= radius) & (away < radius + _WIDTH_PX)


def _cut(image: NDArray, place: NDArray[np.intp]) -> NDArray:
    """(2 half + 1) square window around a place."""
    return image[place[0] - _HALF : place[0] + _HALF + 1, place[1] - _HALF : place[1] + _HALF + 1]


def _elsewhere(
    grey: Array, calcium: NDArray[np.bool_], here: NDArray[np.intp], kept: NDArray[np.bool_], rng: np.random.Generator
) -> NDArray[np.intp] | None:
    """A place nearby in the breast whose equal ring is free of calcium."""
    for _ in range(_TRIES):
        angle, distance = rng.uniform(0, 2 * np.pi), rng.uniform(*_AWAY_MM) / SPACING_MM
        there = here + np.rint(distance * np.array((np.sin(angle), np.cos(angle)))).astype(int)
        if _in_breast(grey, there) and not (_cut(calcium, there) & kept).any():
            return there
    return None


def _in_breast(grey: Array, place: NDArray[np.intp]) -> bool:
    """Whether the whole window lies in the picture and clear of air."""
    inside = (place >= _HALF).all() and (place + _HALF < grey.shape).all()
    return bool(inside and _cut(grey, place).min() > 0)


def _features(grey: Array, fine: Array, kept: NDArray[np.bool_], radius: float) -> list[float]:
    away = np.hypot(*np.mgrid[-_HALF : _HALF + 1, -_HALF : _HALF + 1])
    inner = kept & (away < radius + _WIDTH_PX / 2)
    values, noise = grey[kept], fine[kept]
    pairs = kept[:, 1:] & kept[:, :-1]
    down, across = np.gradient(cv2.GaussianBlur(grey, (0, 0), 1.5))
    mean, spread = float(values.mean()), float(values.std())
    return [
        mean,
        spread / mean,
        float(stats.skew(values)),
        float(noise.std()) / mean,
        float((fine[:, 1:] * fine[:, :-1])[pairs].mean() / noise.var()),
        float(np.hypot(down, across)[kept].mean()) / mean,
        float(grey[inner].mean() - grey[kept & ~inner].mean()) / spread,
    ]


def ring_test(samples: Sequence[NDArray[np.float64]]) -> Auc:
    """AUC of telling rings around specks from others; folds by picture (each an (n, 2, features) array)."""
    results = []
    for fold in (0, 1):
        train, test = (
            np.concatenate([s for i, s in enumerate(samples) if (i % 2 == fold) is chosen]) for chosen in (True, False)
        )
        flat = [np.concatenate((part[:, 1], part[:, 0])) for part in (train, test)]
        labels, truth = (np.repeat([False, True], len(part)) for part in (train, test))
        scores = logistic(flat[0], labels, flat[1])
        results.append((scores, truth, np.tile(np.arange(len(test)), 2)))
    return over_folds(results)
