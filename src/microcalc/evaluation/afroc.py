"""AFROC: the figures of merit of free-response observer studies, with the jackknife.

Each lesion's score is set against the highest score on each normal image: the figure of merit is the share of such
pairs in which the lesion ranks higher, ties counting a half. What is not marked ranks below everything, at -inf, so a
missed lesion ties with a normal image that bears no mark. This is the area under the AFROC curve with its straight line
to (1, 1), and lies in 0..1; marks beside the lesions of an image count for nothing. One half is not chance: a system
that marks nothing at all attains it.

    AFROC:   sum over normal images k and lesions l of psi(highest_k, score_l) / (normal images x lesions)
    wAFROC:  each lesion weighs 1 / (lesions on its image), so that every image with a lesion counts the same

Sources: Chakraborty and Berbaum 2004, Medical Physics 31:2313 (JAFROC: this figure of merit with the jackknife);
Chakraborty and Zhai 2016, Medical Physics 43:2548 (weights); Chakraborty, The RJafroc Froc Book, chapter "Empirical
plots from FROC data", appendix 3 (the formulae above; its AFROC1, with marks on images with lesions, is for studies
without normal images). Jackknife: Dorfman, Berbaum and Metz 1992, Investigative Radiology 27:723, for one reader; cases
are left out one by one, here patients with all their images.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from microcalc.errors import UsageError, check_known
from microcalc.evaluation.bootstrap import blocks
from microcalc.evaluation.classification import auc
from microcalc.evaluation.intervals import ROUNDING, Comparison
from microcalc.evaluation.levels import case_of
from microcalc.evaluation.scores import ImageScores

Array = NDArray[np.float64]
#: What is left out one by one.
Case = Literal["patient", "image"]


@dataclass(frozen=True, eq=False)
class Jackknife:
    """A figure of merit with the interval of 95 %: Student's t, cut to 0..1.

    NaN without any spread, as in perfect separation: that speaks of too few cases, not of certainty.
    """

    value: float
    low: float
    high: float
    se: float
    #: (cases,) names of the patients, or paths of the images.
    cases: tuple[str, ...]
    #: (cases,) n x value - (n - 1) x the value without the case.
    pseudovalues: Array


def afroc(images: Sequence[ImageScores], *, weighted: bool = False, unit: Case = "patient") -> Jackknife:
    """Figure of merit of a set of images.

    Args:
        images: those with a lesion and those known to be normal count; others are passed over.
        weighted: wAFROC rather than AFROC.
        unit: the cases that are left out one by one.

    Raises:
        UsageError: an unknown unit; an image without a patient where patients are left out; lesions, or normal images,
            of fewer than two cases.
    """
    check_known("unit that is left out", unit, get_args(Case))
    counted = [image for image in images if image.lesions.size or image.normal]
    lesions = np.array([image.lesions.size for image in counted], np.intp)
    cases, owner = np.unique([case_of(image.truth, unit) for image in counted], return_inverse=True)
    _check_cases("a lesion", owner[lesions > 0], unit)
    _check_cases("a normal image", owner[lesions == 0], unit)
    each = np.maximum(lesions, 1)  # the lesions of an image, or the normal image itself
    labels = np.repeat(lesions > 0, each)
    scores = np.concatenate([image.best if image.lesions.size else [image.highest] for image in counted])
    weights = np.repeat(1 / each, each) if weighted else np.ones(scores.size)
    value = float(auc(labels, scores, weights[None])[0])
    without = _without_each(labels, scores, weights, np.repeat(owner, each))
    pseudovalues = without.size * value - (without.size - 1) * without
    low, high, se = _student(value, pseudovalues)
    low, high = (max(0.0, low), min(1.0, high)) if se > ROUNDING else (math.nan, math.nan)
    return Jackknife(value, low, high, se, tuple(cases.tolist()), pseudovalues)


def compare_afroc(first: Jackknife, second: Jackknife) -> Comparison:
    """Compare two systems on the same images by their pseudovalues: paired t-test of first minus second.

    Without any spread the p-value is 1 where the two are equal, and NaN where they are not.

    Raises:
        UsageError: they were computed on different cases.
    """
    if first.cases != second.cases:
        shared = len(set(first.cases) & set(second.cases))
        raise UsageError(
            expected="two systems on the same cases",
            found=f"{len(first.cases)} and {len(second.cases)} cases, {shared} of them shared",
            do="compute both on the same images",
        )
    difference = first.value - second.value
    low, high, se = _student(difference, first.pseudovalues - second.pseudovalues)
    if se > ROUNDING:
        p_value = 2 * float(stats.t.sf(abs(difference) / se, len(first.cases) - 1))
    else:
        p_value = 1.0 if abs(difference) <= ROUNDING else math.nan
    return Comparison(low, high, p_value)


def _student(value: float, pseudovalues: Array) -> tuple[float, float, float]:
    """Interval of 95 %, and the standard error."""
    cases = pseudovalues.size
    se = float(pseudovalues.std(ddof=1)) / math.sqrt(cases)
    half = float(stats.t.ppf(0.975, cases - 1)) * se
    return value - half, value + half, se


def _without_each(labels: NDArray[np.bool_], scores: Array, weights: Array, owner: NDArray[np.intp]) -> Array:
    """(cases,) the figure of merit without the items of each."""
    cases = np.arange(owner.max() + 1)
    parts = [cases[block, None] for block in blocks(cases.size, scores.size)]
    return np.concatenate([auc(labels, scores, weights * (owner != part)) for part in parts])


def _check_cases(what: str, owner: NDArray[np.intp], unit: str) -> None:
    cases = np.unique(owner).size
    if cases < 2:
        raise UsageError(
            expected=f"two {unit}s or more with {what}, to leave out one at a time",
            found=str(cases),
            do="add some to the truth",
        )
