"""Systems set against each other on the same resamples."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import combinations

from microcalc.comparison.estimates import Measure, estimate, left_out
from microcalc.comparison.records import Difference
from microcalc.evaluation.bootstrap import compare


def differences(measures: Mapping[str, Sequence[Measure]]) -> tuple[Difference, ...]:
    """Every pair of systems, the first named minus the second, in every measure that both have.

    Args:
        measures: of each system, by its name; the same images and the same resamples for all.
    """
    return tuple(
        _difference(first, second, of_first, of_second)
        for first, second in combinations(measures, 2)
        for of_first in measures[first]
        for of_second in measures[second]
        if of_first.name == of_second.name
    )


def _difference(first: str, second: str, of_first: Measure, of_second: Measure) -> Difference:
    compared = compare(of_first.draws, of_second.draws)
    limits = (compared.difference_low, compared.difference_high)
    remark = of_first.reason or left_out(of_first.draws - of_second.draws)
    return Difference(
        first=first,
        second=second,
        measure=of_first.name,
        difference=estimate(of_first.value - of_second.value, limits, of_first.n, remark),
        p_value=None if math.isnan(compared.p_value) else compared.p_value,
    )
