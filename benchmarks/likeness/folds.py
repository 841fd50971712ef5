"""Folds: which pictures train and which test. A picture is never on both sides; an AUC is summed up over the folds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from likeness.measures import TILE_PX
from likeness.summary import Summary

Sets = tuple[Sequence[Summary], Sequence[Summary]]
#: Scores (n,), whether of the second set (n,), resampling unit (n,): neighbours are drawn together, for they overlap.
Scored = tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.intp]]

RESAMPLES = 300
#: Side of the blocks whose tiles or patches are resampled together, px.
BLOCK_PX = 512


@dataclass(frozen=True, eq=False)
class Fold:
    """The two sets of pictures to be told apart, to train on and to test on."""

    train: Sets
    test: Sets


@dataclass(frozen=True)
class Auc:
    """Mean AUC over folds, its 95 % interval over resampled blocks of the test pictures, and each fold's own.

    The interval knows how few blocks there are, not how few women: it is too narrow.
    """

    value: float
    low: float
    high: float
    folds: tuple[float, ...]

    def __str__(self) -> str:
        return f"{self.value:.3f} ({self.low:.3f} to {self.high:.3f})"


def by_side(first: Sequence[Summary], second: Sequence[Summary]) -> list[Fold]:
    """Left breasts train and right ones test, then the reverse."""

    def of(side: str) -> Sets:
        return [s for s in first if s.side == side], [s for s in second if s.side == side]

    return [Fold(of("L"), of("R")), Fold(of("R"), of("L"))]


def by_side_and_woman(real: Sequence[Summary], drawn: Sequence[Summary]) -> list[Fold]:
    """One real side trains and the other tests; so do two halves of the drawn women: four folds."""
    halves = _halves_of_women(drawn)
    return [
        Fold(
            ([s for s in real if s.side == side], halves[i]),
            ([s for s in real if s.side != side], halves[1 - i]),
        )
        for side in ("L", "R")
        for i in (0, 1)
    ]


def by_exam(exams: Sequence[Sequence[Summary]], drawn: Sequence[Summary]) -> list[Fold]:
    """One real exam trains and the other tests; so do two halves of the drawn women."""
    halves = _halves_of_women(drawn)
    return [Fold((exams[i], halves[i]), (exams[1 - i], halves[1 - i])) for i in (0, 1)]


def within_pictures(first: Summary, second: Summary) -> list[Fold]:
    """Upper halves of two pictures train and lower ones test, then the reverse: for want of more pictures."""
    (upper, lower), (other_upper, other_lower) = _upper_and_lower(first), _upper_and_lower(second)
    return [
        Fold(([upper], [other_upper]), ([lower], [other_lower])),
        Fold(([lower], [other_lower]), ([upper], [other_upper])),
    ]


def _halves_of_women(drawn: Sequence[Summary]) -> tuple[list[Summary], list[Summary]]:
    women = sorted({s.woman for s in drawn})
    first = women[::2]
    return [s for s in drawn if s.woman in first], [s for s in drawn if s.woman not in first]


def _upper_and_lower(summary: Summary) -> tuple[Summary, Summary]:
    middle = int(np.median(summary.corners[:, 0])) + TILE_PX // 2
    parts = []
    for upper in (True, False):
        tiles, patches = (
            corners[:, 0] + TILE_PX <= middle if upper else corners[:, 0] >= middle
            for corners in (summary.corners, summary.patch_corners)
        )
        parts.append(
            replace(
                summary,
                tiles=summary.tiles[tiles],
                corners=summary.corners[tiles],
                patches=summary.patches[patches],
                patch_corners=summary.patch_corners[patches],
            )
        )
    return parts[0], parts[1]


def units_of(corners: Sequence[NDArray[np.intp]]) -> NDArray[np.intp]:
    """(n,) number of the block that each sample of each picture lies in; blocks of two pictures differ."""
    blocks = [c // BLOCK_PX @ np.array((100, 1)) + 10_000 * i for i, c in enumerate(corners)]
    return np.concatenate(blocks)


def over_folds(results: Sequence[Scored]) -> Auc:
    """Sum up the scores of each fold's test pictures."""
    folds = tuple(float(roc_auc_score(truth, scores)) for scores, truth, _ in results)
    rng = np.random.default_rng(0)
    means = [np.mean([_resampled(*result, rng) for result in results]) for _ in range(RESAMPLES)]
    low, high = np.quantile(means, (0.025, 0.975))
    return Auc(float(np.mean(folds)), float(low), float(high), folds)


def _resampled(
    scores: NDArray[np.float64], truth: NDArray[np.bool_], units: NDArray[np.intp], rng: np.random.Generator
) -> float:
    """AUC with units drawn anew within each set, as weights of their samples."""
    weights = np.zeros(len(scores))
    for label in (False, True):
        mine = truth == label
        kinds, of = np.unique(units[mine], return_inverse=True)
        weights[mine] = np.bincount(rng.integers(len(kinds), size=len(kinds)), minlength=len(kinds))[of]
    return float(roc_auc_score(truth, scores, sample_weight=weights))
