"""Which Haar-like features are worth having: importance in random forests, in stages.

Cortina Uribe et al., section 2.2.1. Candidates of the first images of the training part, sampled 1:10, are shown to two
forests: one sees the adjacent rectangles, the other the concentric and the rotated ones. The most important features of
both (Gini importance, mean over five folds) are shown to a third, whose importances give the order. How many are needed
shows on validation (Figure 10).

Where the paper is silent: folds are by patient; a forest of the plateau is trained on four fifths of the sampled
training candidates and measured on all validation candidates.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from sklearn.ensemble import RandomForestClassifier

from microcalc.evaluation.classification import auc, average_precision
from microcalc.features.haar import haar_of_windows
from microcalc.features.haar_prototypes import prototypes
from microcalc.findings import Record
from microcalc.recipe import HaarSelection
from microcalc.training.pool import Pool, downsample, patient_folds
from microcalc.training.samples import Features, Indices

Array = NDArray[np.float64]

#: Candidates whose features are held at a time.
_BLOCK = 20_000


class Plateau(Record):
    """What so many features achieve on validation; mean and standard deviation over the folds."""

    features: int
    auroc: float
    auroc_sd: float
    auprc: float
    auprc_sd: float


class Ranking(Record):
    """Prototypes by falling importance."""

    order: tuple[int, ...] = Field(description="Indices into microcalc.features.haar_prototypes.prototypes().")
    importance: tuple[float, ...] = Field(description="Mean Gini importance in the last forests; they sum to 1.")
    plateau: tuple[Plateau, ...]


@dataclass(frozen=True, eq=False)
class _Learning:
    """What the forests see."""

    windows: Features
    labels: NDArray[np.bool_]
    #: (n,) from 0.
    fold: Indices
    parameters: HaarSelection
    seed: int

    def forests(self, chosen: Indices) -> list[RandomForestClassifier]:
        """One forest a fold, each trained on the other folds with the ``chosen`` prototypes."""
        features = haar_of_windows(self.windows, chosen)
        return [
            RandomForestClassifier(self.parameters.trees, random_state=self.seed + fold, n_jobs=-1).fit(
                np.asfortranarray(features[self.fold != fold]), self.labels[self.fold != fold]
            )
            for fold in range(self.parameters.folds)
        ]

    def importance(self, chosen: Indices) -> Array:
        """(K,) mean importance of the chosen (K,) prototypes over the folds."""
        shares: Array = np.mean([forest.feature_importances_ for forest in self.forests(chosen)], axis=0)
        return shares


def rank(train: Pool, validation: Pool, parameters: HaarSelection, ratio: int, seed: int) -> Ranking:
    """Order the prototypes by importance, and measure how many are needed.

    Args:
        train: images to learn from; the first ``parameters.images`` of them are seen.
        validation: images to draw the plateau on.
        parameters: of the selection.
        ratio: negatives a positive in training.
        seed: of samples, folds and forests.

    Raises:
        UsageError: too few true candidates or patients with any.
    """
    seen = train.first(parameters.images)
    rows = downsample(seen.labels, ratio, np.random.default_rng(seed))
    fold = patient_folds(seen.patient[rows], seen.labels[rows], parameters.folds, seed)
    learning = _Learning(seen.windows(rows), seen.labels[rows], fold, parameters, seed)
    adjacent = np.array([prototype.kind.group == "adjacent" for prototype in prototypes()])
    stages = ((np.flatnonzero(adjacent), parameters.first), (np.flatnonzero(~adjacent), parameters.second))
    merged = np.concatenate([_best(group, learning.importance(group), count)[0] for group, count in stages])
    order, importance = _best(merged, learning.importance(merged), merged.size)
    return Ranking(
        order=tuple(order.tolist()),
        importance=tuple(importance.tolist()),
        plateau=tuple(_plateau(learning, validation, order[:size]) for size in parameters.sizes),
    )


def _best(chosen: Indices, importance: Array, count: int) -> tuple[Indices, Array]:
    """The ``count`` most important of the chosen prototypes and their importance, falling."""
    first = np.argsort(-importance, kind="stable")[:count]
    return chosen[first], importance[first]


def _plateau(learning: _Learning, validation: Pool, chosen: Indices) -> Plateau:
    """What forests on the chosen prototypes achieve on all validation candidates."""
    forests = learning.forests(chosen)
    scores: list[Array] = []
    rows = np.arange(len(validation))
    for block in np.split(rows, rows[_BLOCK::_BLOCK]):  # thousands of features of all would fill the memory
        features = haar_of_windows(validation.windows(block), chosen)
        scores.append(np.array([forest.predict_proba(features)[:, 1] for forest in forests]))
    by_fold = np.concatenate(scores, axis=1)
    aurocs = [auc(validation.labels, one) for one in by_fold]
    auprcs = [average_precision(validation.labels, one) for one in by_fold]
    return Plateau(
        features=len(chosen),
        auroc=float(np.mean(aurocs)),
        auroc_sd=float(np.std(aurocs)),
        auprc=float(np.mean(auprcs)),
        auprc_sd=float(np.std(auprcs)),
    )
