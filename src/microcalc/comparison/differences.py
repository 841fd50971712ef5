"""Systems set against each other on the same resamples."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TypedDict

import numpy as np

from microcalc.comparison.estimates import Measured, estimate, undefined, without_draws
from microcalc.comparison.records import Difference, Estimate
from microcalc.evaluation.afroc import Jackknife, compare_afroc
from microcalc.evaluation.bootstrap import compare
from microcalc.evaluation.cases import Cases
from microcalc.evaluation.delong import delong
from microcalc.evaluation.intervals import ROUNDING


class _Tested(TypedDict):
    """What a :class:`Difference` says beside its names."""

    difference: Estimate
    p_value: float | None
    least_p: float | None


@dataclass(frozen=True, eq=False)
class Comparable:
    """What of one system is set against others: all of the same images and, where drawn, of the same resamples."""

    name: str
    measured: Sequence[Measured]
    #: None where it is not defined.
    afroc: Jackknife | None
    cases: Cases


def differences(systems: Sequence[Comparable]) -> tuple[Difference, ...]:
    """Every pair of systems, the first named minus the second, in every measure."""
    return tuple(
        Difference(first=first.name, second=second.name, measure=measure, **difference)
        for first, second in combinations(systems, 2)
        for measure, difference in _of_pair(first, second)
    )


def paired(first: str, second: str, of_first: Measured, of_second: Measured) -> Difference:
    """One measure of two systems on the same resamples, the first named minus the second."""
    return Difference(first=first, second=second, measure=of_first.name, **_resampled(of_first, of_second))


def _of_pair(first: Comparable, second: Comparable) -> Iterator[tuple[str, _Tested]]:
    for of_first, of_second in zip(first.measured, second.measured, strict=True):
        yield of_first.name, _resampled(of_first, of_second)
    if first.afroc is not None and second.afroc is not None:
        yield "AFROC", _by_jackknife(first.afroc, second.afroc)
    if first.cases.labels.any() and not first.cases.labels.all():
        yield "ROC AUC (DeLong)", _by_delong(first.cases, second.cases)


def _resampled(first: Measured, second: Measured) -> _Tested:
    difference, draws = first.value - second.value, first.draws - second.draws
    if math.isnan(difference):
        why = first.reason if math.isnan(first.value) else second.reason
        return _tested(undefined(why or "not defined for both", first.n), math.nan)
    compared = compare(first.draws, second.draws)
    limits = (compared.difference_low, compared.difference_high)
    remark = first.reason or without_draws(draws)
    defined = np.count_nonzero(~np.isnan(draws))
    least = 2 / (defined + 1) if defined else None
    return _tested(estimate(difference, limits, first.n, remark), compared.p_value, least)


def _by_jackknife(first: Jackknife, second: Jackknife) -> _Tested:
    compared = compare_afroc(first, second)
    limits, remark = (compared.difference_low, compared.difference_high), None
    if not limits[1] - limits[0] > ROUNDING:
        limits, remark = (math.nan, math.nan), "no interval: the same without any one case"
    return _tested(estimate(first.value - second.value, limits, first.pseudovalues.size, remark), compared.p_value)


def _by_delong(first: Cases, second: Cases) -> _Tested:
    compared = delong(first.labels, np.stack([first.scores, second.scores]))
    _, p_value = compared.compare(0, 1)
    remark = "no p-value: the difference has no variance" if math.isnan(p_value) else "interval: see ROC AUC"
    difference = float(compared.auc[0] - compared.auc[1])
    return _tested(estimate(difference, (math.nan, math.nan), first.labels.size, remark), p_value)


def _tested(difference: Estimate, p_value: float, least_p: float | None = None) -> _Tested:
    return {
        "difference": difference,
        "p_value": None if math.isnan(p_value) else p_value,
        "least_p": None if math.isnan(p_value) else least_p,
    }
