"""FROC: sensitivity against false positives per normal image, by the rule ``disc14``.

Sensitivity is taken over all target lesions. False positives are counted only on images known to be normal, and
averaged over those images: on others a mark may lie on calcium that nobody listed, and dividing by all images would
understate them. The curve is a step function: equal scores enter together, and beyond its last point it stays level.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from microcalc.errors import UsageError
from microcalc.evaluation.matching import match_disc14
from microcalc.findings import Calcification
from microcalc.truth import ImageTruth

Array = NDArray[np.float64]

#: AUC50 is the area up to this many false positives per normal image, divided by it.
MOST_FALSE_POSITIVES = 50.0
#: Matched-filter SNR, from the first up to but not including the second.
SNR_BANDS = ((3.0, 5.0), (5.0, 8.0), (8.0, 12.0), (12.0, np.inf))

#: Resamples worked on at a time: their curves lie in memory together.
_DRAWS_AT_ONCE = 50


@dataclass(frozen=True, eq=False)
class ImageScores:
    """What the FROC of a set takes from one image."""

    patient: str | None
    #: Known to be free of calcifications.
    normal: bool
    #: (lesions,) best score of a mark that hits each target lesion, -inf for one that no mark hits.
    lesions: Array
    #: (lesions,) matched-filter SNR of each, NaN where unknown.
    snr: Array
    #: (marks,) scores of the false positives; of a normal image only.
    false_positives: Array

    def within(self, band: tuple[float, float]) -> ImageScores:
        """The same image with only the lesions of an SNR band (first included, last not)."""
        chosen = (self.snr >= band[0]) & (self.snr < band[1])
        return dataclasses.replace(self, lesions=self.lesions[chosen], snr=self.snr[chosen])


def score_image(detections: Sequence[Calcification], truth: ImageTruth, spacing_mm: tuple[float, float]) -> ImageScores:
    """Match one image's marks, down to the score floor, with its truth.

    Args:
        detections: marks in pixels of the image.
        truth: of the same image.
        spacing_mm: (row, column) pixel spacing, mm.
    """
    match = match_disc14(detections, truth, spacing_mm)
    scores = np.array([mark.score for mark in detections], np.float64)
    best = np.append(scores, -np.inf)[match.hit_by]  # a miss, -1, takes the last
    snr = np.array([np.nan if lesion.snr is None else lesion.snr for lesion in truth.calcifications], np.float64)
    false_positives = scores[match.false_positive] if truth.normal else np.empty(0)
    return ImageScores(truth.patient, bool(truth.normal), best[match.target], snr[match.target], false_positives)


@dataclass(frozen=True, eq=False)
class Froc:
    """A curve of points from (0, 0) on, one for each distinct score, the highest first."""

    #: (points,) marks at or above it enter; infinity first.
    thresholds: Array
    #: (points,) per normal image, never falling.
    false_positives: Array
    #: (points,) 0..1, never falling.
    sensitivity: Array
    #: What it was counted on.
    lesions: int
    normal_images: int

    @property
    def auc50(self) -> float:
        """Area up to 50 false positives per normal image, divided by 50."""
        return float(_auc50(self.false_positives, self.sensitivity))

    def sensitivity_at(self, false_positives: float) -> float:
        """Sensitivity at the lowest threshold with at most that many false positives per normal image."""
        return float(self.sensitivity[np.searchsorted(self.false_positives, false_positives, side="right") - 1])


def froc(images: Iterable[ImageScores]) -> Froc:
    """The curve of a set of images.

    Raises:
        UsageError: the set holds no normal image, or no target lesion.
    """
    images = list(images)
    counts = _Counts.of(images, np.zeros(len(images), np.intp))
    (false_positives,), (sensitivity,) = counts.curves(np.ones((1, 1)))
    return Froc(
        counts.thresholds, false_positives, sensitivity, int(counts.lesions.sum()), int(counts.normal_images.sum())
    )


def froc_by_snr(images: Iterable[ImageScores]) -> dict[tuple[float, float], Froc]:
    """A curve for each of ``SNR_BANDS`` that holds a target lesion, against the same false positives.

    Raises:
        UsageError: the set holds no normal image.
    """
    images = list(images)
    banded = {band: [image.within(band) for image in images] for band in SNR_BANDS}
    return {band: froc(chosen) for band, chosen in banded.items() if any(image.lesions.size for image in chosen)}


def auc50_interval(
    images: Iterable[ImageScores], *, draws: int = 1000, seed: int = 0, level: float = 0.95
) -> tuple[float, float]:
    """Percentile interval of AUC50 by resampling patients, with all their images, with replacement.

    Resamples without a normal image or without a lesion have no curve and are left out.

    Raises:
        UsageError: an image without a patient, no normal image, or no target lesion.
    """
    images = list(images)
    nameless = sum(image.patient is None for image in images)
    if nameless:
        raise UsageError(
            expected="a patient for every image, to resample by patient",
            found=f"{nameless} without",
            do="complete the truth",
        )
    patients, owner = np.unique([image.patient or "" for image in images], return_inverse=True)
    counts = _Counts.of(images, owner)
    rng = np.random.default_rng(seed)
    weights = rng.multinomial(len(patients), np.full(len(patients), 1 / len(patients)), size=draws).astype(np.float64)
    weights = weights[(weights @ counts.lesions > 0) & (weights @ counts.normal_images > 0)]
    areas = [
        _auc50(*counts.curves(part)) for part in np.split(weights, range(_DRAWS_AT_ONCE, len(weights), _DRAWS_AT_ONCE))
    ]
    low, high = np.quantile(np.concatenate(areas), ((1 - level) / 2, (1 + level) / 2))
    return float(low), float(high)


def _auc50(false_positives: Array, sensitivity: Array) -> Array:
    """(...,) from (..., points)."""
    level_to_the_end = np.full_like(false_positives[..., :1], np.inf)
    edges = np.minimum(np.concatenate([false_positives, level_to_the_end], axis=-1), MOST_FALSE_POSITIVES)
    area: Array = (sensitivity * np.diff(edges, axis=-1)).sum(axis=-1) / MOST_FALSE_POSITIVES
    return area


@dataclass(frozen=True, eq=False)
class _Counts:
    """Lesions hit and false positives of each group of images, from threshold to threshold."""

    #: (points,) infinity, then the distinct scores, falling.
    thresholds: Array
    #: (groups, points) at or above each threshold.
    hits: Array
    false_positives: Array
    #: (groups,) how many there are.
    lesions: Array
    normal_images: Array

    @classmethod
    def of(cls, images: Sequence[ImageScores], owner: NDArray[np.intp]) -> _Counts:
        """Count images whose groups are ``owner`` (images,), numbered from 0."""
        lesions = np.bincount(owner, [image.lesions.size for image in images]).astype(np.float64)
        normal_images = np.bincount(owner, [image.normal for image in images]).astype(np.float64)
        for what, number in (("an image marked normal", normal_images), ("a target lesion", lesions)):
            if not number.sum():
                raise UsageError(
                    expected=f"{what}, to draw a FROC",
                    found=f"none in {len(images)} images",
                    do="add some to the truth",
                )
        hits = [image.lesions[np.isfinite(image.lesions)] for image in images]
        false = [image.false_positives for image in images]
        thresholds = np.append(np.inf, np.unique(np.concatenate([*hits, *false]))[::-1])

        def at_or_above(scores: Sequence[Array]) -> Array:
            point = np.searchsorted(-thresholds, -np.concatenate(scores))
            group = np.repeat(owner, [len(part) for part in scores])
            flat = np.bincount(group * thresholds.size + point, minlength=lesions.size * thresholds.size)
            return flat.reshape(lesions.size, -1).cumsum(axis=1).astype(np.float64)

        return cls(thresholds, at_or_above(hits), at_or_above(false), lesions, normal_images)

    def curves(self, weights: Array) -> tuple[Array, Array]:
        """(curves, points) false positives per normal image and sensitivity, groups counted ``weights`` times."""
        per_image = weights @ self.false_positives / (weights @ self.normal_images)[:, None]
        return per_image, weights @ self.hits / (weights @ self.lesions)[:, None]
