"""Numbers with their intervals, from what they come to in every resample."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from microcalc.comparison.records import Estimate
from microcalc.errors import MicrocalcError
from microcalc.evaluation.bootstrap import interval
from microcalc.evaluation.intervals import ROUNDING, wilson

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Measured:
    """A number of one system, and what it comes to in each resample: what differences of systems are made of."""

    #: As a report writes it: AUC50, sensitivity at 1, ROC AUC.
    name: str
    #: NaN where it is not defined.
    value: float
    #: (draws,) NaN where it is not defined.
    draws: Array
    #: What it was counted on.
    n: int
    #: Why it is not defined, or has no interval; or what to know of it.
    reason: str | None = None

    def estimate(self) -> Estimate:
        """The number with its interval; null where it is not defined."""
        if math.isnan(self.value):
            return undefined(self.reason or "not defined on these images", self.n)
        return estimate(self.value, interval(self.draws), self.n, self.reason or without_draws(self.draws))


def estimate(value: float, limits: tuple[float, float], n: int, remark: str | None = None) -> Estimate:
    """A number with its interval; the limits are NaN where there is none, and ``remark`` says why.

    An interval of no width, as where every lesion is found in every resample, speaks of too few and is left out.
    """
    if limits[1] - limits[0] < ROUNDING:
        limits = math.nan, math.nan
        if remark is None or not remark.startswith("no interval"):
            remark = "no interval: the same in all resamples"
    low, high = (None if math.isnan(limit) else float(limit) for limit in limits)
    return Estimate(value=value, low=low, high=high, n=n, remark=remark)


def undefined(why: MicrocalcError | str, n: int) -> Estimate:
    """A number that there is none of, and why."""
    reason = f"expected {why.expected}, found {why.found}" if isinstance(why, MicrocalcError) else why
    return Estimate(value=None, n=n, remark=reason)


def share(successes: int, trials: int) -> Estimate:
    """A share of some trials, with Wilson's interval."""
    return estimate(successes / trials, wilson(successes, trials), trials)


def why_no_interval(units: Mapping[str, NDArray[np.intp]], unit: str) -> str | None:
    """Why a number has no interval: what it is counted on comes from one unit, which is drawn again and again.

    Args:
        units: name of what is counted -> the unit, a patient or an image, that each belongs to.
        unit: what a unit is.
    """
    for what, owners in units.items():
        if np.unique(owners).size == 1:
            return f"no interval: all {what} are of one {unit}"
    return None


def without_draws(draws: Array) -> str | None:
    """How many resamples an interval does without, since the number is not defined on them."""
    nowhere = int(np.isnan(draws).sum())
    if nowhere == draws.size:
        return "no interval: not defined on any resample"
    return f"not defined on {nowhere} of {draws.size} resamples, which the interval leaves out" if nowhere else None
