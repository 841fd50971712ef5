"""Intervals of a share: how often something came true in a number of trials.

Trials are taken as independent. Cases of one patient are not: resampling by patient is the honest choice for those.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

from microcalc.errors import UsageError

#: Shares are quotients of counts: numbers made of them that differ by less are equal.
ROUNDING = 1e-12

_UNDEFINED = (math.nan, math.nan)


@dataclass(frozen=True)
class Comparison:
    """A number of two systems on the same cases: first minus second."""

    difference_low: float
    difference_high: float
    #: Two-sided, of no difference.
    p_value: float


def normal(successes: float, trials: float, confidence: float = 0.95) -> tuple[float, float]:
    """The normal approximation, x ± z sqrt(x (1 - x) / n), cut to 0..1.

    Too narrow near 0 and 1, where it shrinks to a point, and for few trials: it is here because papers print it
    (Pesapane et al., "Model evaluation and statistical analysis", with the whole test set for n).

    Args:
        successes: 0..trials; not whole where a share was measured on another number of trials.
        trials: without any the interval is NaN.
        confidence: share of such intervals that are to hold the truth.

    Raises:
        UsageError: more successes than trials, or a confidence that is not between 0 and 1.
    """
    z = _z(successes, trials, confidence)
    if not trials:
        return _UNDEFINED
    share = successes / trials
    half = z * math.sqrt(share * (1 - share) / trials)
    return max(0.0, share - half), min(1.0, share + half)


def wilson(successes: float, trials: float, confidence: float = 0.95) -> tuple[float, float]:
    """The score interval, which keeps its confidence near 0 and 1 and for few trials.

    Wilson, J. Am. Stat. Assoc. 22 (1927) 209; method 3 of Newcombe, Stat. Med. 17 (1998) 857. Arguments and errors as
    for :func:`normal`.
    """
    z = _z(successes, trials, confidence)
    if not trials:
        return _UNDEFINED
    centre = successes + z**2 / 2
    half = z * math.sqrt(successes * (trials - successes) / trials + z**2 / 4)
    return max(0.0, (centre - half) / (trials + z**2)), min(1.0, (centre + half) / (trials + z**2))


def quantile(confidence: float) -> float:
    """Standard normal deviate that a two-sided interval of this confidence reaches to: 1.96 for 0.95.

    Raises:
        UsageError: a confidence that is not between 0 and 1.
    """
    if not 0 < confidence < 1:
        raise UsageError(expected="a confidence between 0 and 1", found=f"{confidence}", do="give 0.95 for 95 %")
    return NormalDist().inv_cdf((1 + confidence) / 2)


def _z(successes: float, trials: float, confidence: float) -> float:
    if not 0 <= successes <= trials:
        raise UsageError(
            expected="successes from 0 to the number of trials",
            found=f"{successes} in {trials}",
            do="check what was counted",
        )
    return quantile(confidence)
