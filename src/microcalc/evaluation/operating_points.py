"""Points chosen on a ROC curve.

A wish that no score reaches is met at an end of the curve, where the threshold is infinite: no case is called positive
(+inf), or even those without any mark are (-inf). A point chosen on the cases it is then measured on looks better than
it is: choose it on validation cases.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from microcalc.errors import UsageError
from microcalc.evaluation.classification import Roc
from microcalc.evaluation.intervals import ROUNDING


@dataclass(frozen=True)
class RocPoint:
    """A threshold and what it gives on the cases it was chosen on: cases at or above it are called positive."""

    #: A score that some case has, or infinite at an end of the curve: none that could be set on a detector.
    threshold: float
    #: 0..1.
    sensitivity: float
    specificity: float


def youden(roc: Roc) -> RocPoint:
    """The point highest above the diagonal: Youden's J, sensitivity + specificity - 1, is largest.

    Youden, Cancer 3 (1950) 32. It is the tangent of slope 1; of several such points, the highest threshold.
    """
    return tangent(roc)


def tangent(roc: Roc, prevalence: float | None = None, cost_ratio: float = 1.0) -> RocPoint:
    """The point where a line, whose slope follows from prevalence and costs, touches the curve from above.

    The slope is ``cost_ratio * (1 - prevalence) / prevalence``: there errors are expected to cost least (Metz, Semin.
    Nucl. Med. 8 (1978) 283). Kahnouei et al. (Results) take slope 1, which on as many positive as negative patches
    gives the highest accuracy. Of several such points, the highest threshold.

    Args:
        roc: the curve.
        prevalence: share of positive cases where the threshold is to be used, between 0 and 1; None: one half.
        cost_ratio: cost of a false positive over that of a false negative, above 0.

    Raises:
        UsageError: prevalence or costs out of range.
    """
    prevalence = 0.5 if prevalence is None else prevalence
    if not (0 < prevalence < 1 and 0 < cost_ratio < np.inf):
        raise UsageError(
            expected="a prevalence between 0 and 1 and a cost ratio above 0",
            found=f"{prevalence} and {cost_ratio}",
            do="give shares and ratios, not percentages",
        )
    slope = cost_ratio * (1 - prevalence) / prevalence
    intercept = roc.true_positive_rate - slope * roc.false_positive_rate
    return _first(roc, intercept >= intercept.max() - ROUNDING * (1 + slope))


def at_sensitivity(roc: Roc, sensitivity: float) -> RocPoint:
    """The highest threshold, and so the highest specificity, with at least this sensitivity.

    It is -inf where cases without any mark would have to be found too.

    Raises:
        UsageError: a sensitivity outside 0..1.
    """
    _check_share("sensitivity", sensitivity)
    return _first(roc, roc.true_positive_rate >= sensitivity - ROUNDING)


def at_specificity(roc: Roc, specificity: float) -> RocPoint:
    """The highest sensitivity with at least this specificity; of several thresholds that give it, the highest.

    The threshold is inf where negative cases have the highest score, and are too many.

    Raises:
        UsageError: a specificity outside 0..1.
    """
    _check_share("specificity", specificity)
    allowed = 1 - roc.false_positive_rate >= specificity - ROUNDING
    return _first(roc, roc.true_positive_rate >= roc.true_positive_rate[allowed].max())


def _first(roc: Roc, chosen: NDArray[np.bool_]) -> RocPoint:
    """The chosen point of the highest threshold."""
    at = int(chosen.argmax())
    return RocPoint(
        float(roc.thresholds[at]), float(roc.true_positive_rate[at]), float(1 - roc.false_positive_rate[at])
    )


def _check_share(name: str, share: float) -> None:
    if not 0 <= share <= 1:
        raise UsageError(expected=f"a {name} from 0 to 1", found=f"{share}", do="give 0.95 for 95 %")
