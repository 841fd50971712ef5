import numpy as np
import pytest

from microcalc.evaluation.bootstrap import Resamples, resample_owned
from microcalc.evaluation.case_bootstrap import area_draws, cell_draws
from microcalc.evaluation.classification import auc, average_precision, metric_values

LABELS = np.array([True, False, True, False])
SCORES = np.array([0.9, 0.8, 0.7, 0.1])
#: Patient 0 has the first two cases, patients 1 and 2 one each.
OWNER = np.array([0, 0, 1, 2])


def resamples(*weights):
    return Resamples("patient", 0, np.array(weights, float), OWNER, ("a", "b", "c", "d"))


def test_areas_of_each_resample():
    # All once: pairs (0.9, 0.8), (0.9, 0.1), (0.7, 0.1) are right of four. Patient 0 thrice: its own pair alone.
    # Patient 1 twice and 2 once: its pair alone, right. Patient 1 thrice: no negative.
    drawn = resamples([1, 1, 1], [3, 0, 0], [0, 2, 1], [0, 3, 0])
    np.testing.assert_array_equal(area_draws(auc, LABELS, SCORES, drawn), [0.75, 1, 1, np.nan])
    # All once: the first positive at precision 1, the second at 2 of 3.
    assert area_draws(average_precision, LABELS, SCORES, drawn)[0] == pytest.approx((1 + 2 / 3) / 2)


def test_blocks_of_draws_change_nothing(monkeypatch):
    labels, scores = np.arange(60) % 3 == 0, np.random.default_rng(1).random(60)
    drawn = resample_owned([str(n) for n in range(60)], [str(n // 4) for n in range(60)], draws=50, seed=2)
    whole = area_draws(auc, labels, scores, drawn)
    monkeypatch.setattr("microcalc.evaluation.bootstrap._CELLS", 130)  # two draws at a time
    np.testing.assert_array_equal(area_draws(auc, labels, scores, drawn), whole)


def test_cells_of_each_resample():
    # At 0.75 the first is a true positive, the second a false one, the third is missed, the fourth is right.
    cells = cell_draws(LABELS, SCORES >= 0.75, resamples([1, 1, 1], [2, 0, 1]))
    assert cells.tolist() == [[1, 1, 1, 1], [2, 2, 1, 0]]
    np.testing.assert_allclose(metric_values("sensitivity", cells), [1 / 2, 1])
    np.testing.assert_allclose(metric_values("accuracy", cells), [2 / 4, 3 / 5])


def test_a_measure_of_many_counts_at_once():
    # tp 3, fp 1, tn 4, fn 2: F1 is 6 of 9, MCC (12 - 2) / sqrt(4 * 5 * 5 * 6). Without any case nothing is defined.
    cells = np.array([[3, 1, 4, 2], [0, 0, 0, 0]])
    np.testing.assert_allclose(metric_values("f1", cells), [6 / 9, np.nan])
    np.testing.assert_allclose(metric_values("mcc", cells), [10 / np.sqrt(600), np.nan])
    np.testing.assert_allclose(metric_values("npv", cells), [4 / 6, np.nan])


def test_all_items_of_an_owner_are_drawn_together():
    drawn = resample_owned(["a", "b", "c"], ["p", "q", "p"], draws=20, seed=3)
    assert drawn.owner.tolist() == [0, 1, 0]
    assert (drawn.weights.sum(axis=1) == 2).all()
    again = resample_owned(["a", "b", "c"], ["p", "q", "p"], draws=20, seed=3)
    assert (drawn.weights == again.weights).all()
