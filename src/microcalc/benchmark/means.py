"""Means of numbers of images or of patches, with intervals by resampling whom they belong to."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from microcalc.comparison.estimates import Measured, why_no_interval
from microcalc.comparison.records import Estimate
from microcalc.evaluation.bootstrap import Resamples

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Means:
    """Numbers of (items,) values, with their intervals over the same resamples."""

    #: Of these items: images or patches.
    resamples: Resamples

    def share(self, parts: Array, wholes: Array, what: str = "lesions") -> Estimate:
        """The sum of the parts over the sum of the wholes, which are called ``what``."""
        return self._estimate(parts, wholes, wholes > 0, what)

    def mean(self, values: Array, counted: NDArray[np.bool_], what: str) -> Estimate:
        """Of the items that count, which are called ``what``."""
        return self._estimate(values * counted, counted.astype(np.float64), counted, what)

    def median(self, values: Array, counted: NDArray[np.bool_], what: str) -> Estimate:
        """Likewise."""
        if not counted.any():
            return self._measured(math.nan, np.empty(0), counted, 0, what)
        rising = np.flatnonzero(counted)[np.argsort(values[counted], kind="stable")]
        drawn = self.resamples.weights[:, self.resamples.owner[rising]].cumsum(axis=1)
        half = drawn[:, -1:] / 2
        below, above = (np.argmax(reached, axis=1) for reached in (drawn >= half, drawn > half))
        medians = (values[rising[below]] + values[rising[above]]) / 2
        medians[drawn[:, -1] == 0] = np.nan
        return self._measured(float(np.median(values[rising])), medians, counted, rising.size, what)

    def _estimate(self, parts: Array, wholes: Array, counted: NDArray[np.bool_], what: str) -> Estimate:
        units = self.resamples.weights.shape[1]
        drawn_parts, drawn_wholes = (
            self.resamples.weights @ np.bincount(self.resamples.owner, of, units) for of in (parts, wholes)
        )
        with np.errstate(invalid="ignore"):
            draws = drawn_parts / drawn_wholes
            value = parts.sum() / wholes.sum()
        return self._measured(float(value), draws, counted, int(wholes.sum()), what)

    def _measured(self, value: float, draws: Array, counted: NDArray[np.bool_], n: int, what: str) -> Estimate:
        if not n:
            return Measured(what, math.nan, draws, 0, f"no {what}").estimate()
        why_none = why_no_interval({what: self.resamples.owner[counted]}, self.resamples.unit)
        return Measured(what, value, draws if why_none is None else np.full_like(draws, np.nan), n, why_none).estimate()
