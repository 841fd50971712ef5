import numpy as np
import pytest
from sklearn.metrics.pairwise import pairwise_kernels

from microcalc.recipe import Grid, Svm
from microcalc.training import grid
from microcalc.training.grid import search

HAAR = np.array([3, 20000])


@pytest.mark.parametrize(
    ("machine", "witness"),
    [
        (Svm(kernel="linear", C=1), {"metric": "linear"}),
        (Svm(kernel="poly", C=1, degree=3), {"metric": "poly", "degree": 3, "gamma": 0.2, "coef0": 0}),
        (Svm(kernel="rbf", C=1, gamma=0.2), {"metric": "rbf", "gamma": 0.2}),
    ],
)
def test_kernels_are_those_of_scikit_learn(machine, witness):
    features = np.random.default_rng(0).normal(size=(20, 4))
    found = grid._kernel(machine, features @ features.T, 0.2)
    np.testing.assert_allclose(found, pairwise_kernels(features, **witness), rtol=1e-9, atol=1e-12)


def test_every_machine_is_measured_and_the_best_comes_first(toy_pool):
    wanted = Grid(
        folds=2,
        candidates=6000,
        steps=200_000,
        kernels=("linear", "rbf"),
        C=(1.0, 10.0),
        degree=(3,),
        gamma=(0.1, "scale"),
    )
    rows = search(toy_pool(), HAAR, wanted, ratio=10, kind="min-max", seed=0)
    assert {row.machine for row in rows} == set(wanted.machines)
    assert len(rows) == 6
    aurocs = [row.auroc for row in rows]
    assert aurocs == sorted(aurocs, reverse=True)
    assert aurocs[0] > 0.9
    assert rows == search(toy_pool(), HAAR, wanted, ratio=10, kind="min-max", seed=0)


def test_a_large_sample_is_cut_down(toy_pool, monkeypatch):
    seen = []
    monkeypatch.setattr(
        grid, "_reached", lambda machine, kernel, labels, fold, steps: seen.append(kernel.shape) or _row(machine)
    )
    small = Grid(folds=2, candidates=60, steps=1000, kernels=("linear",), C=(1.0,), degree=(3,), gamma=(0.1,))
    search(toy_pool(), HAAR, small, 10, "min-max", 0)
    assert seen == [(60, 60)]


def _row(machine):
    return grid.GridRow(machine=machine, auroc=0.5, auroc_sd=0, auprc=0.5, auprc_sd=0, converged=True)


def test_a_machine_that_has_not_converged_is_marked(toy_pool):
    wanted = {"folds": 2, "candidates": 6000, "kernels": ("rbf",), "C": (1.0,), "degree": (3,), "gamma": (0.1,)}
    for steps, converged in ((1, False), (200_000, True)):
        (row,) = search(toy_pool(), HAAR, Grid(steps=steps, **wanted), ratio=10, kind="min-max", seed=0)
        assert row.converged is converged


def test_hits_like_all_others_are_not_told_apart(toy_pool):
    wanted = Grid(folds=2, candidates=6000, steps=200_000, kernels=("rbf",), C=(100.0,), degree=(3,), gamma=(1.0,))
    (row,) = search(toy_pool(patients=16, hits=10, contrast=0), HAAR, wanted, ratio=10, kind="min-max", seed=0)
    assert row.auroc < 0.7
