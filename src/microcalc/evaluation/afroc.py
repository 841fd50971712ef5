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
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from microcalc.errors import UsageError
from microcalc.evaluation.bootstrap import ROUNDING, Comparison
from microcalc.evaluation.classification import auc
from microcalc.evaluation.froc import ImageScores
from microcalc.evaluation.levels import case_of

Array = NDArray[np.float64]

#: Weights worked on together.
_CELLS = 2**21


@dataclass(frozen=True, eq=False)
class Jackknife:
    """A figure of merit with the interval of 95 % (Student's t; its ends may pass 0 and 1)."""

    value: float
    low: float
    high: float
    se: float
    #: (cases,) n x value - (n - 1) x the value without the case, in the order of the cases' names.
    pseudovalues: Array


def afroc(
    images: Sequence[ImageScores], *, weighted: bool = False, unit: Literal["patient", "image"] = "patient"
) -> Jackknife:
    """Figure of merit of a set of images.

    Args:
        images: those with a lesion and those known to be normal count; others are passed over.
        weighted: wAFROC rather than AFROC.
        unit: the cases that are left out one by one.

    Raises:
        UsageError: an image without a patient where patients are left out; lesions, or normal images, of fewer than two
            cases.
    """
    counted = [image for image in images if image.lesions.size or image.normal]
    lesions = np.array([image.lesions.size for image in counted], np.intp)
    _, owner = np.unique([case_of(image.truth, unit) for image in counted], return_inverse=True)
    _check_cases("a lesion", owner[lesions > 0], unit)
    _check_cases("a normal image", owner[lesions == 0], unit)
    each = np.maximum(lesions, 1)  # the lesions of an image, or the normal image itself
    labels = np.repeat(lesions > 0, each)
    scores = np.concatenate([image.best if image.lesions.size else [image.highest] for image in counted])
    weights = np.repeat(1 / each, each) if weighted else np.ones(scores.size)
    value = float(auc(labels, scores, weights[None])[0])
    without = _without_each(labels, scores, weights, np.repeat(owner, each))
    return _jackknife(value, without.size * value - (without.size - 1) * without)


def compare_afroc(first: Jackknife, second: Jackknife) -> Comparison:
    """Compare two systems on the same images by their pseudovalues: paired t-test of first minus second.

    Without any spread the p-value is 1 where the two are equal, and NaN where they are not.

    Raises:
        UsageError: they were computed on different numbers of cases.
    """
    if first.pseudovalues.size != second.pseudovalues.size:
        raise UsageError(
            expected="two systems on the same cases",
            found=f"{first.pseudovalues.size} and {second.pseudovalues.size} cases",
            do="compute both on the same images",
        )
    difference = _jackknife(first.value - second.value, first.pseudovalues - second.pseudovalues)
    if difference.se > ROUNDING:
        p_value = 2 * float(stats.t.sf(abs(difference.value) / difference.se, first.pseudovalues.size - 1))
    else:
        p_value = 1.0 if abs(difference.value) <= ROUNDING else math.nan
    return Comparison(difference.low, difference.high, p_value)


def _jackknife(value: float, pseudovalues: Array) -> Jackknife:
    cases = pseudovalues.size
    se = float(pseudovalues.std(ddof=1)) / math.sqrt(cases)
    half = float(stats.t.ppf(0.975, cases - 1)) * se
    return Jackknife(value, value - half, value + half, se, pseudovalues)


def _without_each(labels: NDArray[np.bool_], scores: Array, weights: Array, owner: NDArray[np.intp]) -> Array:
    """(cases,) the figure of merit without the items of each, as many cases at a time as memory allows."""
    cases = int(owner.max()) + 1
    at_once = max(1, _CELLS // scores.size)
    parts = [np.arange(start, min(start + at_once, cases)) for start in range(0, cases, at_once)]
    return np.concatenate([auc(labels, scores, weights * (owner != part[:, None])) for part in parts])


def _check_cases(what: str, owner: NDArray[np.intp], unit: str) -> None:
    cases = np.unique(owner).size
    if cases < 2:
        raise UsageError(
            expected=f"two {unit}s or more with {what}, to leave out one at a time",
            found=str(cases),
            do="add some to the truth",
        )
