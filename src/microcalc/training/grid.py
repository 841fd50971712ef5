"""Grid search over support vector machines by cross-validation (Cortina Uribe et al., section 2.2.5 and appendix 1).

Every kernel of the grid is a function of the inner products of the normalised features. They are computed once, by one
matrix product, and serve all kernels, parameters and folds: the search takes minutes instead of hours. That asks for
two simplifications: features are normalised on all candidates of the search, the held-out fold among them (their labels
take no part), and the folds see at most ``MOST`` candidates, whose products fill 0.3 GB.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.svm import SVC

from microcalc.evaluation.classification import auc, average_precision
from microcalc.findings import Record
from microcalc.recipe import Grid, Svm
from microcalc.training.classifiers import Normalisation, normalisation, width
from microcalc.training.pool import Labels, Pool, downsample, patient_folds
from microcalc.training.samples import Indices

Array = NDArray[np.float64]

#: Candidates that a search sees.
MOST = 6000
#: Steps after which a machine that does not converge (a polynomial of degree 10, a large C) is taken as it is.
_STEPS = 200_000


class GridRow(Record):
    """What a machine reached; mean and standard deviation over the folds."""

    machine: Svm
    auroc: float
    auroc_sd: float
    auprc: float
    auprc_sd: float


def search(pool: Pool, haar: Indices, grid: Grid, ratio: int, kind: Normalisation, seed: int) -> tuple[GridRow, ...]:
    """Cross-validate every machine of the grid; the one with the highest AUROC first.

    Args:
        pool: training images only.
        haar: prototypes chosen.
        grid: machines and folds.
        ratio: negatives a positive. Held-out candidates are sampled too, so that AUPRC is not that of Table 2.
        kind: how features are normalised.
        seed: of the sample and the folds.
    """
    rng = np.random.default_rng(seed)
    rows = downsample(pool.labels, ratio, rng)
    rows = np.sort(rng.choice(rows, min(rows.size, MOST), replace=False))
    labels = pool.labels[rows]
    fold = patient_folds(pool.patient[rows], labels, grid.folds, seed)
    features = pool.features(rows, haar)
    offset, scale = normalisation(features, kind)
    normalised = (features - offset) / scale
    products = normalised @ normalised.T
    found = [_reached(m, _kernel(m, products, width(m, normalised)), labels, fold) for m in grid.machines]
    return tuple(sorted(found, key=lambda row: -row.auroc))


def _kernel(machine: Svm, products: Array, gamma: float) -> Array:
    """(n, n) kernel of a machine, from the inner products of the features; as scikit-learn defines them, offset 0."""
    if machine.kernel == "linear":
        return products
    if machine.kernel == "poly":
        powers: Array = (gamma * products) ** machine.degree
        return powers
    squares = np.diag(products)
    kernel: Array = np.exp(-gamma * np.maximum(squares[:, None] + squares - 2.0 * products, 0.0))
    return kernel


def _reached(machine: Svm, kernel: Array, labels: Labels, fold: Indices) -> GridRow:
    reached = []
    for held_out in np.unique(fold):
        own, others = np.flatnonzero(fold == held_out), np.flatnonzero(fold != held_out)
        fitted = SVC(C=machine.C, kernel="precomputed", max_iter=_STEPS)
        scores = fitted.fit(kernel[np.ix_(others, others)], labels[others]).decision_function(
            kernel[np.ix_(own, others)]
        )
        reached.append((auc(labels[own], scores), average_precision(labels[own], scores)))
    (auroc, auprc), (auroc_sd, auprc_sd) = np.mean(reached, axis=0).tolist(), np.std(reached, axis=0).tolist()
    return GridRow(machine=machine, auroc=auroc, auroc_sd=auroc_sd, auprc=auprc, auprc_sd=auprc_sd)
