"""Bootstrap: intervals by resampling, and comparisons of systems in pairs on the same resamples.

Units are drawn with replacement, as many as there are: patients with all their images (the default: images of one
patient resemble each other, and so do lesions of one breast), images, or detections. With ``detection``, lesions (found
or missed) are drawn among themselves, and so are the false positives that count; the normal images, or their cm2, stay
as they are; two systems then share their draws of lesions, but not of false positives. That takes every detection for
independent of all others, so its intervals are too narrow. It is here for comparison with the calcification report
(Cortina Uribe et al.), whose public code draws the rows of its table: hits, missed lesions and false positives in one.

Intervals are percentile intervals (Efron and Tibshirani, An Introduction to the Bootstrap, 1993, section 13.3). They
know only of what was met: with few patients they are too narrow, and where every lesion is found they have no width.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from microcalc.errors import UsageError, check_known
from microcalc.evaluation.froc import LIMIT, POINTS, Per, Tally, area_under, sensitivity_at
from microcalc.evaluation.intervals import ROUNDING, Comparison
from microcalc.evaluation.levels import Level, case_of, check_listed_once
from microcalc.evaluation.scores import ImageScores
from microcalc.truth import ImageTruth

Array = NDArray[np.float64]
Indices = NDArray[np.intp]
#: What is drawn.
Unit = Literal["patient", "image", "detection"]

#: Numbers worked on together, such as points, lesions and false positives of the curves of some draws: 50 MB in all.
_CELLS = 2**21


@dataclass(frozen=True, eq=False)
class Resamples:
    """How often each unit is drawn: made once for all systems and numbers, so that they are compared in pairs."""

    unit: Unit
    seed: int
    #: (draws, units) each row sums to the number of units; all 0 with one unit alone, whose spread nobody can tell.
    #: With detections, which are drawn later (:func:`froc_draws`), images are the units and each counts once.
    weights: Array
    #: (images,) which unit each image belongs to.
    owner: Indices
    #: (images,) which images they are.
    paths: tuple[str, ...]

    @property
    def draws(self) -> int:
        """How many there are."""
        return len(self.weights)

    def part(self, positions: Indices) -> Resamples:
        """The same draws, of only those images that stand at ``positions``."""
        return dataclasses.replace(
            self, owner=self.owner[positions], paths=tuple(self.paths[i] for i in positions.tolist())
        )

    def by_case(self, members: Sequence[Indices]) -> Resamples:
        """The same draws, of cases in place of images: a case is drawn as often as its images.

        Args:
            members: for each case, where its images stand among those that were given to :func:`resample`.

        Raises:
            UsageError: detections are drawn, or the images of a case belong to different units.
        """
        if self.unit == "detection":
            raise UsageError(
                expected="patients or images as the units, to resample cases",
                found="detections",
                do="resample by patient (--resample patient)",
            )
        split = sum(np.unique(self.owner[images]).size > 1 for images in members)
        if split:
            raise UsageError(
                expected="the images of a case in one unit of the resampling",
                found=f"{split} cases whose images are drawn apart",
                do="resample by patient (--resample patient)",
            )
        return self.part(np.array([images[0] for images in members], np.intp))


def resample(
    truths: Sequence[ImageTruth],
    *,
    unit: Unit = "patient",
    draws: int = 1000,
    seed: int = 0,
    accept_split: bool = False,
) -> Resamples:
    """Draw the units of a set of images; the same seed gives the same draws, whatever the order of the images.

    Args:
        truths: of the images, each once.
        unit: what is drawn.
        draws: how many resamples.
        seed: of the random numbers.
        accept_split: draw images of one patient, or detections, apart from each other all the same.

    Raises:
        UsageError: no draws; an unknown unit; an image listed twice, or without a patient where patients are drawn;
            units that take a patient apart.
    """
    check_known("unit of the resampling", unit, get_args(Unit))
    check_listed_once(truths)
    if draws < 1:
        raise UsageError(expected="one resample or more", found=str(draws), do="ask for 1000")
    if unit == "patient":
        _check_patients(truths)
    elif not accept_split:
        _check_whole(truths, unit)
    owners = [case_of(truth, "patient" if unit == "patient" else "image") for truth in truths]
    paths = tuple(truth.path for truth in truths)
    resamples = resample_owned(paths, owners, unit=unit, draws=draws, seed=seed)
    if unit == "detection":
        return dataclasses.replace(resamples, weights=np.ones_like(resamples.weights))
    return resamples


def resample_owned(
    items: Sequence[str], owners: Sequence[str], *, unit: Unit = "patient", draws: int = 1000, seed: int = 0
) -> Resamples:
    """Draw the owners of a set of items, such as the patients of patches; the same seed gives the same draws.

    Args:
        items: (n,) names.
        owners: (n,) to whom, or to which image, each belongs: all items of one are drawn together.
        unit: what an owner is.
        draws: how many resamples.
        seed: of the random numbers.
    """
    units, owner = np.unique(owners, return_inverse=True)
    if units.size < 2:
        weights = np.zeros((draws, units.size))
    else:
        even = np.full(units.size, 1 / units.size)
        weights = np.random.default_rng(seed).multinomial(units.size, even, size=draws).astype(np.float64)
    return Resamples(unit, seed, weights, owner, tuple(items))


def _check_patients(truths: Sequence[ImageTruth]) -> None:
    without = sum(truth.patient is None for truth in truths)
    if without:
        raise UsageError(
            expected="a patient for every image, to resample by patient",
            found=f"{without} of {len(truths)} without",
            do="complete the truth, or resample by image (--resample image)",
        )


def _check_whole(truths: Sequence[ImageTruth], unit: Unit) -> None:
    """Nothing is known against drawing apart what belongs to no known patient."""
    images = Counter(truth.patient for truth in truths if truth.patient is not None)
    several = sum(number > 1 for number in images.values()) if unit == "image" else len(images)
    if several:
        raise UsageError(
            expected="units that hold all of a patient, whose images and lesions resemble each other",
            found=f"{several} patients of whom each {unit} would be drawn by itself, for too narrow an interval",
            do="resample by patient (--resample patient), or accept that (--force)",
        )


@dataclass(frozen=True, eq=False)
class FrocDraws:
    """What the curves of the resamples give; NaN in a draw without a lesion, or without a normal image."""

    #: (draws,)
    area: Array
    #: (draws, points) at ``POINTS`` of the way false positives are counted.
    sensitivity: Array
    #: (grid,) false positives at which the band is given.
    grid: Array
    #: (grid,) sensitivity: the interval of 95 % at each.
    low: Array
    high: Array


def froc_draws(
    images: Sequence[ImageScores], resamples: Resamples, *, level: Level = "calcification", per: Per = "image"
) -> FrocDraws:
    """The curves of all resamples.

    Args:
        images: in the order in which they were given to :func:`resample`.
        resamples: of these images, or a part of those.
        level: as for :func:`~microcalc.evaluation.froc.froc`.
        per: likewise.

    Raises:
        UsageError: as ``froc`` does; images other than those of the resamples, or in another order; breasts or patients
            are to be found while images are drawn.

    The legacy curve of a draw has the thresholds of the whole set, as in the public code: it begins at the highest
    score of the set, whether or not that was drawn.
    """
    if resamples.paths != tuple(image.truth.path for image in images):
        raise UsageError(
            expected="the images of the resamples, in the same order",
            found="others, or another order",
            do="resample the images that are scored",
        )
    if resamples.unit == "image" and level in ("breast", "patient"):
        raise UsageError(
            expected=f"units that hold all images of a {level}, at the level of a {level}",
            found="images, drawn one by one",
            do="resample by patient (--resample patient)",
        )
    tally = Tally.of(images, level=level, per=per)
    if per != "legacy":
        tally = tally.where_found()
    grid, stated = _grid(LIMIT[per]), len(POINTS[per])
    rates = np.concatenate([POINTS[per], grid])
    parts = [(area_under(*curves, per), sensitivity_at(*curves, rates).T) for curves in _curves(tally, resamples)]
    area, at = (np.concatenate(numbers) for numbers in zip(*parts, strict=True))
    low, high = _quantiles(at[~np.isnan(at[:, 0]), stated:], 0.95)
    return FrocDraws(area, at[:, :stated], grid, low, high)


def interval(values: Array, confidence: float = 0.95) -> tuple[float, float]:
    """Percentile interval of (draws,) values; draws that are NaN are left out, and (NaN, NaN) if all of them are."""
    low, high = _quantiles(values[~np.isnan(values)], confidence)
    return float(low), float(high)


def compare(first: Array, second: Array) -> Comparison:
    """Compare one number of two systems, (draws,) each, on the same resamples.

    The p-value is twice the share of draws in which the difference is zero or lies on the rarer side of it, (k + 1) of
    (n + 1), since the data count as one draw: it is never 0 (Phipson and Smyth 2010, Statistical Applications in
    Genetics and Molecular Biology 9:39). Draws in which either number is NaN are left out; all NaN if that leaves none.
    """
    difference = first - second
    difference = difference[~np.isnan(difference)]
    if not difference.size:
        return Comparison(np.nan, np.nan, np.nan)
    rarer = min((difference <= ROUNDING).sum(), (difference >= -ROUNDING).sum())
    return Comparison(*interval(difference), p_value=min(1.0, 2 * float(rarer + 1) / (difference.size + 1)))


def _curves(tally: Tally, resamples: Resamples) -> Iterator[tuple[Array, Array]]:
    """False positives and sensitivity, (points, draws) each, of as many draws at a time as memory allows."""
    for_targets, for_false = map(np.random.default_rng, np.random.SeedSequence(resamples.seed).spawn(2))
    for block in blocks(resamples.draws, tally.thresholds.size + tally.target_images.size + tally.false_images.size):
        weights = resamples.weights[block]
        if resamples.unit == "detection":
            targets = _drawn(for_targets, tally.target_images.size, len(weights))
            false = _drawn(for_false, tally.false_images.size, len(weights))
            yield tally.of_detections(targets, false)
        else:
            yield tally.of_images(weights[:, resamples.owner].T)


def blocks(rows: int, cells: int) -> Iterator[slice]:
    """All ``rows``, of so many ``cells`` each, as many at a time as memory allows."""
    at_once = max(1, _CELLS // cells)
    return (slice(start, min(start + at_once, rows)) for start in range(0, rows, at_once))


def _drawn(rng: np.random.Generator, items: int, draws: int) -> Array:
    """(items, draws) how often each item is drawn in as many draws as there are items, with replacement."""
    if not items:
        return np.zeros((0, draws))
    drawn = rng.integers(items, size=(draws, items)) * draws + np.arange(draws)[:, None]
    return np.bincount(drawn.ravel(), minlength=items * draws).reshape(items, draws).astype(np.float64)


def _grid(limit: float) -> Array:
    """False positives from 0 to the limit, dense enough for a linear and for a logarithmic axis of three decades."""
    return np.unique(np.concatenate([np.linspace(0, limit, 51), limit * np.logspace(-3, 0, 61)]))


def _quantiles(values: Array, confidence: float) -> Array:
    """(2, ...) ends of the percentile interval of (draws, ...) values; NaN without a draw."""
    if not len(values):
        return np.full((2, *values.shape[1:]), np.nan)
    ends: Array = np.quantile(values, ((1 - confidence) / 2, (1 + confidence) / 2), axis=0)
    return ends
