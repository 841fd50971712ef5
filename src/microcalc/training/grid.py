"""Grid search over support vector machines by cross-validation (Cortina Uribe et al., section 2.2.5 and appendix 1).

Every kernel of the grid is a function of the inner products of the normalised features. They are computed once, by one
matrix product, and serve all kernels, parameters and folds: the search takes minutes instead of hours. That asks for
two simplifications: features are normalised on all candidates of the search, the held-out fold among them (their labels
take no part), and the folds see no more candidates than the recipe says: the products of 6000 fill 0.3 GB.
"""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.svm import SVC

from microcalc.evaluation.classification import auc, average_precision
from microcalc.findings import Record
from microcalc.recipe import Grid, Normalisation, Svm
from microcalc.training.classifiers import gamma_of, normalisation
from microcalc.training.pool import Labels, Pool, downsample, patient_folds
from microcalc.training.samples import Indices

Array = NDArray[np.float64]


class GridRow(Record):
    """What a machine reached; mean and standard deviation over the folds."""

    machine: Svm
    auroc: float
    auroc_sd: float
    auprc: float
    auprc_sd: float
    #: In every fold; a polynomial of degree 10 or a large C may not.
    converged: bool


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
    rows = downsample(pool.labels, ratio, np.random.default_rng(seed), grid.candidates)
    labels = pool.labels[rows]
    fold = patient_folds(pool.patient[rows], labels, grid.folds, seed)
    features = pool.features(rows, haar)
    offset, scale = normalisation(features, kind)
    normalised = (features - offset) / scale
    products = normalised @ normalised.T
    kernels = ((machine, _kernel(machine, products, gamma_of(machine, normalised))) for machine in grid.machines)
    found = [_reached(machine, kernel, labels, fold, grid.steps) for machine, kernel in kernels]
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


def _reached(machine: Svm, kernel: Array, labels: Labels, fold: Indices, steps: int) -> GridRow:
    reached, converged = [], True
    for held_out in np.unique(fold):
        own, others = np.flatnonzero(fold == held_out), np.flatnonzero(fold != held_out)
        fitted = SVC(C=machine.C, kernel="precomputed", max_iter=steps)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # told by the row instead
            fitted.fit(kernel[np.ix_(others, others)], labels[others])
        converged &= fitted.fit_status_ == 0
        scores = fitted.decision_function(kernel[np.ix_(own, others)])
        reached.append((auc(labels[own], scores), average_precision(labels[own], scores)))
    (auroc, auprc), (auroc_sd, auprc_sd) = np.mean(reached, axis=0).tolist(), np.std(reached, axis=0).tolist()
    return GridRow(machine=machine, auroc=auroc, auroc_sd=auroc_sd, auprc=auprc, auprc_sd=auprc_sd, converged=converged)
