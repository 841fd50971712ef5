"""DeLong's variance of areas under ROC curves of the same cases.

DeLong, DeLong and Clarke-Pearson, Biometrics 44 (1988) 837, by the ranks of Sun and Xu, IEEE Signal Process. Lett. 21
(2014) 1389. Cases are taken as independent; where patients have several, resampling by patient is the honest choice.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import rankdata

from microcalc.evaluation.classification import check_both_classes, check_cases
from microcalc.evaluation.intervals import ROUNDING, quantile

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class DeLong:
    """Areas of one or more systems on the same cases."""

    #: (systems,) 0..1.
    auc: Array
    #: (systems, systems); NaN where a class has a single case.
    covariance: Array

    def interval(self, i: int = 0, confidence: float = 0.95) -> tuple[float, float]:
        """Normal interval of the area of system ``i``, cut to 0..1; NaN where :meth:`remark` says why."""
        if self.remark(i) is not None:
            return math.nan, math.nan
        half = quantile(confidence) * math.sqrt(self.covariance[i, i])
        return max(0.0, float(self.auc[i]) - half), min(1.0, float(self.auc[i]) + half)

    def compare(self, i: int, j: int) -> tuple[float, float]:
        """Test that systems ``i`` and ``j`` have the same area.

        Returns:
            z, positive where ``i`` has the larger area, and the two-sided p-value; NaN where the difference of the
            areas has no variance to measure it by, as between systems that rank the cases alike.
        """
        summed = self.covariance[i, i] + self.covariance[j, j]
        variance = summed - 2 * self.covariance[i, j]
        if not variance > ROUNDING * summed:
            return math.nan, math.nan
        z = float(self.auc[i] - self.auc[j]) / math.sqrt(variance)
        return z, math.erfc(abs(z) / math.sqrt(2))

    def remark(self, i: int = 0) -> str | None:
        """Why system ``i`` has no interval, or None where it has one.

        Where no pair of cases disagrees with the others, as in perfect separation, the estimated variance is 0. That
        speaks of too few cases, not of certainty.
        """
        if math.isnan(self.covariance[i, i]):
            return "DeLong's interval needs two cases of each class"
        if self.covariance[i, i] == 0:
            ranked = {0.0: "below", 0.5: "equal to", 1.0: "above"}[float(self.auc[i])]
            return f"no DeLong interval: every positive case scores {ranked} every negative one"
        return None


def delong(labels: ArrayLike, scores: ArrayLike) -> DeLong:
    """Areas under the ROC curves of systems on the same cases, and their covariance.

    Args:
        labels: (n,) bool, or 0 and 1: which cases are positive.
        scores: (n,) or (systems, n), numbers or -inf.

    Raises:
        UsageError: a score is NaN or +inf, shapes differ, or all cases are of one class.
    """
    rows = [check_cases(labels, row) for row in np.atleast_2d(np.asarray(scores, np.float64))]
    positive, score = rows[0][0], np.stack([row for _, row in rows])
    check_both_classes(positive)
    ranks = rankdata(score, axis=1)
    # Of each positive case the share of negative ones below it, of each negative case that of positive ones below it:
    # a rank among all less the rank in its own class counts the cases below of the other class, ties a half.
    of_positives = (ranks[:, positive] - rankdata(score[:, positive], axis=1)) / (~positive).sum()
    of_negatives = (ranks[:, ~positive] - rankdata(score[:, ~positive], axis=1)) / positive.sum()
    covariance = sum(_covariance(shares) / shares.shape[1] for shares in (of_positives, of_negatives))
    return DeLong(of_positives.mean(axis=1), np.asarray(covariance))


def _covariance(rows: Array) -> Array:
    """(systems, systems) from (systems, cases); NaN from a single case."""
    if rows.shape[1] < 2:
        return np.full((len(rows), len(rows)), np.nan)
    return np.atleast_2d(np.cov(rows))
