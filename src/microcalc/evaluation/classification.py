"""Telling cases apart by a score: the ROC, areas under curves, and what follows from one threshold.

A case is called positive from the threshold on: score >= threshold. Equal scores enter a curve together. A case without
any mark has the score -inf: it ranks last, together with all others of that kind.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, Self, get_args, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from microcalc.errors import UsageError, check_known
from microcalc.evaluation.intervals import normal, wilson

Array = NDArray[np.float64]
#: Measures that are a share of cases; ppv and npv: positive and negative predictive value.
Proportion = Literal["accuracy", "sensitivity", "specificity", "ppv", "npv"]
Metric = Proportion | Literal["f1", "mcc"]

PROPORTIONS: tuple[Proportion, ...] = get_args(Proportion)
METRICS: tuple[Metric, ...] = (*PROPORTIONS, "f1", "mcc")


@dataclass(frozen=True, eq=False)
class Roc:
    """A receiver operating characteristic from (0, 0) to (1, 1): a point for each distinct score, the highest first."""

    #: (points,) infinity, then the distinct scores, falling; the last is -inf where a case has no mark.
    thresholds: Array
    #: (points,) 0..1, never falling.
    false_positive_rate: Array
    true_positive_rate: Array
    #: Area under the straight lines between the points: the share of pairs ranked rightly, ties counted a half.
    auc: float


def roc(labels: ArrayLike, scores: ArrayLike) -> Roc:
    """The ROC of a set of cases.

    Args:
        labels: (n,) bool, or 0 and 1: which cases are positive.
        scores: (n,) numbers or -inf.

    Raises:
        UsageError: a score is NaN or +inf, shapes differ, or all cases are of one class.
    """
    ranking = _Ranking.of(labels, scores)
    positives, negatives = ranking.counts()
    return Roc(
        np.append(np.inf, ranking.thresholds),
        np.append(0.0, negatives[0].cumsum() / negatives.sum()),
        np.append(0.0, positives[0].cumsum() / positives.sum()),
        float(_auc(positives, negatives)[0]),
    )


@overload
def auc(labels: ArrayLike, scores: ArrayLike, weights: None = None) -> float: ...
@overload
def auc(labels: ArrayLike, scores: ArrayLike, weights: ArrayLike) -> Array: ...
def auc(labels: ArrayLike, scores: ArrayLike, weights: ArrayLike | None = None) -> float | Array:
    """Area under the ROC curve: the share of pairs of a positive and a negative case ranked rightly, ties a half.

    Args:
        labels: (n,) bool, or 0 and 1: which cases are positive.
        scores: (n,) numbers or -inf.
        weights: (draws, n) how often each case counts in each resample.

    Returns:
        One number, or (draws,) with ``weights``; NaN in a draw that holds one class only.

    Raises:
        UsageError: as for :func:`roc`, or weights of another shape.
    """
    areas = _auc(*_Ranking.of(labels, scores).counts(weights))
    return float(areas[0]) if weights is None else areas


@overload
def average_precision(labels: ArrayLike, scores: ArrayLike, weights: None = None) -> float: ...
@overload
def average_precision(labels: ArrayLike, scores: ArrayLike, weights: ArrayLike) -> Array: ...
def average_precision(labels: ArrayLike, scores: ArrayLike, weights: ArrayLike | None = None) -> float | Array:
    """Area under the precision-recall curve as steps: precision at each score, averaged over the positive cases.

    Chance gives the share of positive cases, so values compare only between systems on the same cases. Arguments,
    result and errors as for :func:`auc`.
    """
    areas = _average_precision(*_Ranking.of(labels, scores).counts(weights))
    return float(areas[0]) if weights is None else areas


@dataclass(frozen=True)
class Confusion:
    """Cases counted by what they are and what they are called. A measure that is not defined on them is NaN."""

    tp: int
    fp: int
    tn: int
    fn: int

    @property
    def total(self) -> int:
        """All cases."""
        return self.tp + self.fp + self.tn + self.fn

    @property
    def accuracy(self) -> float:
        """Share of cases called what they are."""
        return _ratio(*self.counts("accuracy"))

    @property
    def sensitivity(self) -> float:
        """Share of positive cases called positive: recall, true-positive rate."""
        return _ratio(*self.counts("sensitivity"))

    @property
    def specificity(self) -> float:
        """Share of negative cases called negative."""
        return _ratio(*self.counts("specificity"))

    @property
    def ppv(self) -> float:
        """Positive predictive value, or precision: share of positive cases among those called so."""
        return _ratio(*self.counts("ppv"))

    @property
    def npv(self) -> float:
        """Negative predictive value: share of negative cases among those called so."""
        return _ratio(*self.counts("npv"))

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        return _ratio(*_fraction("f1", *self.cells))

    @property
    def mcc(self) -> float:
        """Matthews correlation coefficient, -1..1; NaN where all cases are, or are called, the same."""
        return _ratio(*_fraction("mcc", *self.cells))

    @property
    def cells(self) -> tuple[int, int, int, int]:
        """tp, fp, tn, fn."""
        return self.tp, self.fp, self.tn, self.fn

    def value(self, metric: Metric) -> float:
        """The measure of that name."""
        return float(getattr(self, metric))

    def counts(self, metric: Proportion) -> tuple[int, int]:
        """Numerator and denominator of a measure that is a share of cases."""
        part, whole = _fraction(metric, *self.cells)
        return int(part), int(whole)

    def interval(
        self,
        metric: Metric,
        method: Literal["wilson", "normal"] = "wilson",
        n: Literal["own", "test_set"] = "own",
        confidence: float = 0.95,
    ) -> tuple[float, float]:
        """Interval of a measure, cases taken as independent.

        Args:
            metric: ``f1`` and ``mcc`` have no closed form and give NaN: resample the cases instead.
            method: see :mod:`microcalc.evaluation.intervals`.
            n: what the share is taken to be counted on. ``own``: the measure's denominator. ``test_set``: all cases,
                whatever the measure; with ``normal`` this is the interval of Pesapane et al., which is too narrow for
                all but accuracy.
            confidence: share of such intervals that are to hold the truth.

        Returns:
            Lower and upper end, 0..1; NaN where the measure is.

        Raises:
            UsageError: another method or n, or a confidence that is not between 0 and 1.
        """
        check_known("method", method, ("wilson", "normal"))
        check_known("n", n, ("own", "test_set"))
        if metric == "f1" or metric == "mcc":
            return math.nan, math.nan
        successes, trials = self.counts(metric)
        of = wilson if method == "wilson" else normal
        if n == "test_set" and trials:
            return of(successes / trials * self.total, self.total, confidence)
        return of(successes, trials, confidence)


def metric_values(metric: Metric, cells: Array) -> Array:
    """(...,) a measure of each of (..., 4) counts tp, fp, tn, fn, as of resamples; NaN where it is not defined."""
    part, whole = _fraction(metric, *np.moveaxis(np.asarray(cells, np.float64), -1, 0))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(whole > 0, np.divide(part, whole), np.nan)


def confusion(labels: ArrayLike, scores: ArrayLike, threshold: float) -> Confusion:
    """Count cases called positive at or above ``threshold``. They may all be of one class.

    Args:
        labels: (n,) bool, or 0 and 1: which cases are positive.
        scores: (n,) numbers or -inf.
        threshold: a number; -inf calls every case positive, +inf none.

    Raises:
        UsageError: a score is NaN or +inf, the threshold is NaN, or shapes differ.
    """
    positive, score = check_cases(labels, scores)
    if math.isnan(threshold):
        raise UsageError(expected="a threshold", found="NaN", do="give a number")
    called = score >= threshold
    cells = (positive & called, ~positive & called, ~positive & ~called, positive & ~called)
    return Confusion(*(int(cell.sum()) for cell in cells))


def check_cases(labels: ArrayLike, scores: ArrayLike) -> tuple[NDArray[np.bool_], Array]:
    """Labels (n,) as bool and scores (n,) as float64.

    Raises:
        UsageError: a label is not 0 or 1, a score is NaN or +inf, or shapes differ.
    """
    label, score = np.asarray(labels), np.asarray(scores, np.float64)
    if label.ndim != 1 or score.shape != label.shape:
        raise UsageError(
            expected="one label and one score for each case",
            found=f"shapes {label.shape} and {score.shape}",
            do="give both for the same cases",
        )
    wrong = int((~np.isin(label, (0, 1))).sum())
    if wrong:
        raise UsageError(
            expected="labels 0 and 1", found=f"{wrong} others", do="label each case as positive (1) or negative (0)"
        )
    unranked = int((np.isnan(score) | np.isposinf(score)).sum())
    if unranked:
        raise UsageError(
            expected="a number, or -inf for no mark, as the score of each case",
            found=f"{unranked} that are NaN or +inf",
            do="mend the scores",
        )
    return label.astype(bool), score


def check_both_classes(positive: NDArray[np.bool_]) -> None:
    """Make sure that there is something to tell apart.

    Raises:
        UsageError: says which class is missing.
    """
    for name, number in (("positive", int(positive.sum())), ("negative", int((~positive).sum()))):
        if not number:
            raise UsageError(
                expected="positive and negative cases, to tell them apart",
                found=f"no {name} case among {positive.size}",
                do=f"add {name} cases to the truth",
            )


@dataclass(frozen=True, eq=False)
class _Ranking:
    """Cases in the order of their scores, the highest first, equal ones in one group."""

    #: (groups,) distinct scores, falling.
    thresholds: Array
    #: (n,) indices of the cases, group by group, and whether each is positive.
    order: NDArray[np.intp]
    positive: NDArray[np.bool_]
    #: (groups,) where in ``order`` each begins.
    starts: NDArray[np.intp]

    @classmethod
    def of(cls, labels: ArrayLike, scores: ArrayLike) -> Self:
        positive, score = check_cases(labels, scores)
        check_both_classes(positive)
        order = np.argsort(-score)
        thresholds, starts = np.unique(-score[order], return_index=True)
        return cls(-thresholds, order, positive[order], starts)

    def counts(self, weights: ArrayLike | None = None) -> tuple[Array, Array]:
        """(draws, groups) positive and negative cases of each group; one draw of every case once without weights."""
        weight = np.ones((1, self.order.size)) if weights is None else np.asarray(weights, np.float64)
        if weight.ndim != 2 or weight.shape[1] != self.order.size:
            raise UsageError(
                expected=f"weights of shape (draws, {self.order.size})",
                found=f"{weight.shape}",
                do="give one weight for each case in each draw",
            )
        weight = weight[:, self.order]
        positives, negatives = (
            np.add.reduceat(weight * chosen, self.starts, axis=1) for chosen in (self.positive, ~self.positive)
        )
        return positives, negatives


def _auc(positives: Array, negatives: Array) -> Array:
    """(draws,) from (draws, groups)."""
    number = negatives.sum(axis=1, keepdims=True)
    ranked_lower = number - negatives.cumsum(axis=1)
    with np.errstate(invalid="ignore"):  # a draw of one class has no pairs: 0 / 0
        right = (positives * (ranked_lower + negatives / 2)).sum(axis=1)
        area: Array = right / (positives.sum(axis=1) * number[:, 0])
    return area


def _average_precision(positives: Array, negatives: Array) -> Array:
    """(draws,) from (draws, groups)."""
    found = positives.cumsum(axis=1)
    called = found + negatives.cumsum(axis=1)
    precision = np.divide(found, called, out=np.zeros_like(found), where=called > 0)
    with np.errstate(invalid="ignore"):
        area: Array = (positives * precision).sum(axis=1) / found[:, -1]
    area[negatives.sum(axis=1) == 0] = np.nan
    return area


def _fraction(metric: Metric, tp: Any, fp: Any, tn: Any, fn: Any) -> tuple[Any, Any]:
    """Numerator and denominator, of counts or of arrays of counts."""
    match metric:
        case "accuracy":
            return tp + tn, tp + fp + tn + fn
        case "sensitivity":
            return tp, tp + fn
        case "specificity":
            return tn, tn + fp
        case "ppv":
            return tp, tp + fp
        case "npv":
            return tn, tn + fn
        case "f1":
            return 2 * tp, 2 * tp + fp + fn
        case "mcc":
            return tp * tn - fp * fn, ((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)) ** 0.5


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else math.nan
