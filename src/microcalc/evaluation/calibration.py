"""Calibration: turning scores into probabilities, and how far scores are from being so.

A calibrator is fitted on cases set apart for it, and is a record of a few numbers. Neither kind changes the ranking,
so that no ROC or FROC curve moves: isotonic regression has flat steps and a steep sigmoid saturates, either of which
would tie what the scores told apart, and so a millionth (``TILT``) of the score itself is mixed in. Scores closer to
each other than about 1e-10 may still meet in rounding.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import Field, model_validator
from scipy.special import expit

from microcalc.errors import UsageError
from microcalc.evaluation.classification import check_both_classes, check_cases
from microcalc.evaluation.intervals import ROUNDING
from microcalc.findings import Record, Score

Array = NDArray[np.float64]

#: Share of the score itself in a calibrated score.
TILT = 1e-6


class Isotonic(Record):
    """Isotonic regression: the never-falling function of least squared error, linear between its steps.

    Sources: Zadrozny & Elkan, "Transforming classifier scores into accurate multiclass probability estimates", KDD
    2002; fitted by pooling adjacent violators. Centred: Oron & Flournoy, "Centered isotonic regression: point and
    interval estimation for dose-response studies", Statistics in Biopharmaceutical Research 9 (2017). Level beyond the
    scores it has knots at.
    """

    scores: tuple[Score, ...] = Field(min_length=1, description="Knots: the ends of each step, or its middle; rising.")
    probabilities: tuple[Score, ...] = Field(description="At each of the scores, never falling.")

    @model_validator(mode="after")
    def _monotone(self) -> Self:
        if len(self.scores) != len(self.probabilities):
            raise ValueError(f"got {len(self.scores)} scores and {len(self.probabilities)} probabilities")
        if not (np.diff(self.scores) > 0).all() or not (np.diff(self.probabilities) >= 0).all():
            raise ValueError("scores must rise from one to the next, and probabilities must never fall")
        return self

    @classmethod
    def fit(cls, labels: ArrayLike, scores: ArrayLike, *, centred: bool = False) -> Self:
        """Fit to ``labels`` (n,), bool or 0 and 1, and ``scores`` (n,) in 0..1; equal scores are pooled first.

        Centred, the function rises from the mean score of one step to that of the next, from 0 at 0 and to 1 at 1,
        instead of keeping level along each: thousands of cases share a step, and a level step all but ties them. Where
        cases have the score 0 or 1 itself, it has their step's value there.

        Raises:
            UsageError: a score outside 0..1 or NaN, shapes differ, or all cases are of one class.
        """
        from scipy.optimize import isotonic_regression  # a tenth of a second, which detection need not spend

        labels, scores = check_cases(labels, _scores(scores))
        check_both_classes(labels)
        distinct, which, counts = np.unique(scores, return_inverse=True, return_counts=True)
        fitted = isotonic_regression(np.bincount(which, labels) / counts, weights=counts)
        if centred:
            starts = fitted.blocks[:-1]
            middles = np.add.reduceat(distinct * counts, starts) / np.add.reduceat(counts, starts)
            low, high = (fitted.x[0] if distinct[0] == 0 else 0.0), (fitted.x[-1] if distinct[-1] == 1 else 1.0)
            return cls._through(middles, fitted.x[starts], (low, high))
        ends = np.unique(np.concatenate([fitted.blocks[:-1], fitted.blocks[1:] - 1]))
        return cls(scores=tuple(distinct[ends].tolist()), probabilities=tuple(fitted.x[ends].tolist()))

    @classmethod
    def _through(cls, scores: Array, probabilities: Array, ends: tuple[float, float]) -> Self:
        """Knots at ``scores``, which rise, and at 0 and 1 where none are, of the probabilities ``ends``."""
        before, after = int(scores[0] > 0), int(scores[-1] < 1)
        return cls(
            scores=(*[0.0] * before, *scores.tolist(), *[1.0] * after),
            probabilities=(*[float(ends[0])] * before, *probabilities.tolist(), *[float(ends[1])] * after),
        )

    def __call__(self, scores: ArrayLike) -> Array:
        """Probabilities of scores in 0..1, both of any one shape.

        Raises:
            UsageError: a score outside 0..1 or NaN.
        """
        scores = _scores(scores)
        return _tilted(np.interp(scores, self.scores, self.probabilities), scores)


class Platt(Record):
    """Platt scaling: the sigmoid 1 / (1 + exp(-(slope * score + intercept))).

    Source: Platt, "Probabilistic outputs for support vector machines", Advances in Large Margin Classifiers (1999),
    section 2. Fitted by maximum likelihood to his smoothed targets, (P + 1) / (P + 2) for P positives and 1 / (N + 2)
    for N negatives, which keep the slope finite where scores separate the two perfectly.
    """

    slope: float = Field(gt=0.0)
    intercept: float

    @classmethod
    def fit(cls, labels: ArrayLike, scores: ArrayLike) -> Self:
        """Fit to ``labels`` (n,), bool or 0 and 1, and ``scores`` (n,) in 0..1.

        Raises:
            UsageError: a score outside 0..1 or NaN, shapes differ, all cases are of one class, or positives do not
                score higher on the average: the sigmoid would fall, or be level.
        """
        labels, scores = check_cases(labels, _scores(scores))
        check_both_classes(labels)
        of_positives, of_negatives = scores[labels].mean(), scores[~labels].mean()
        if of_positives - of_negatives < ROUNDING:
            raise UsageError(
                expected="positives that score higher than negatives on the average, to fit a rising sigmoid",
                found=f"{of_positives:.4g} against {of_negatives:.4g}",
                do="check the labels, or leave the scores as they are",
            )
        positives, negatives = np.count_nonzero(labels), np.count_nonzero(~labels)
        targets = np.where(labels, (positives + 1) / (positives + 2), 1 / (negatives + 2))
        mean, spread = scores.mean(), scores.std()
        slope, intercept = _logistic_fit((scores - mean) / spread, targets)
        return cls(slope=slope / spread, intercept=intercept - slope * mean / spread)

    def __call__(self, scores: ArrayLike) -> Array:
        """Probabilities of scores in 0..1, both of any one shape.

        Raises:
            UsageError: a score outside 0..1 or NaN.
        """
        scores = _scores(scores)
        return _tilted(expit(self.slope * scores + self.intercept), scores)


@dataclass(frozen=True, eq=False)
class ReliabilityDiagram:
    """The bins that hold any case, from the lowest score on."""

    #: (bins, 2) scores that each reaches from and to.
    edges: Array
    #: (bins,) mean score.
    scores: Array
    #: (bins,) positive cases, and all.
    positives: NDArray[np.intp]
    counts: NDArray[np.intp]

    @property
    def shares(self) -> Array:
        """(bins,) of positives; equal to ``scores`` where scores are probabilities."""
        return self.positives / self.counts


def reliability(labels: ArrayLike, scores: ArrayLike, bins: int = 10) -> ReliabilityDiagram:
    """Sort cases into bins of the score.

    Args:
        labels: (n,) bool, or 0 and 1.
        scores: (n,) 0..1.
        bins: how many, of equal width. A score on an edge belongs to the bin below it, and 0 to the first.

    Raises:
        UsageError: a score outside 0..1 or NaN, shapes differ, or no bin.
    """
    labels, scores = check_cases(labels, _scores(scores))
    if bins < 1:
        raise UsageError(expected="at least one bin", found=str(bins), do="give another number")
    which = np.searchsorted(np.arange(1, bins) / bins, scores)
    counts = np.bincount(which, minlength=bins)
    held = counts > 0
    sums, positives = np.bincount(which, scores, bins)[held], np.bincount(which[labels], minlength=bins)[held]
    edges = np.arange(bins + 1) / bins
    return ReliabilityDiagram(
        np.column_stack([edges[:-1], edges[1:]])[held], sums / counts[held], positives, counts[held]
    )


def expected_calibration_error(labels: ArrayLike, scores: ArrayLike, bins: int = 10) -> float:
    """Mean distance between score and share of positives over the bins of ``reliability``, weighed by their cases.

    Source: Guo et al., "On calibration of modern neural networks", ICML 2017, Eq. 3; but they bin by the probability of
    whichever class is predicted, 0.5 to 1 for two classes, and compare it with the share of right predictions. Here
    the score is the probability of the positive class, 0 to 1: values differ. NaN without any case. It grows with the
    number of bins and shrinks with the number of cases: compare like with like.

    Raises:
        UsageError: as ``reliability``.
    """
    diagram = reliability(labels, scores, bins)
    if not diagram.counts.size:
        return float("nan")
    return float(np.average(np.abs(diagram.shares - diagram.scores), weights=diagram.counts))


def _logistic_fit(scores: Array, targets: Array) -> tuple[float, float]:
    """Slope and intercept of the sigmoid of least cross-entropy to ``targets`` (n,) strictly within 0..1."""
    from scipy.optimize import minimize

    design = np.stack([scores, np.ones_like(scores)])

    def loss(parameters: Array) -> float:
        logits = parameters @ design
        return float(np.mean(np.logaddexp(0, logits) - targets * logits))

    def gradient(parameters: Array) -> Array:
        slopes: Array = design @ (expit(parameters @ design) - targets) / targets.size
        return slopes

    def hessian(parameters: Array) -> Array:
        probabilities = expit(parameters @ design)
        curvature: Array = (design * probabilities * (1 - probabilities)) @ design.T / targets.size
        return curvature

    start = np.zeros(2)
    fitted = minimize(loss, start, method="trust-exact", jac=gradient, hess=hessian, options={"gtol": 1e-10})
    return float(fitted.x[0]), float(fitted.x[1])


def _tilted(probabilities: Array, scores: Array) -> Array:
    return (1 - TILT) * probabilities + TILT * scores


def _scores(scores: ArrayLike) -> Array:
    scores = np.asarray(scores, np.float64)
    outside = scores[~((scores >= 0) & (scores <= 1))]
    if outside.size:
        raise UsageError(
            expected="scores from 0 to 1",
            found=f"{outside.flat[0]:g} ({outside.size} such)",
            do="scale them, or leave such cases out",
        )
    return scores
