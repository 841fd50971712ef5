import numpy as np
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.svm import SVC

from microcalc.recipe import Comparison, Svm
from microcalc.training import classifiers as module
from microcalc.training.classifiers import CLASSIFIERS, compare, fit_svm, normalisation

TWO_FOLDS = Comparison(folds=2, candidates=10_000)
HAAR = np.array([3, 20000, 28000])


def cases(seed=0):
    """(60, 5) features on scales far apart, the last the same for all; 20 of 60 moved by one deviation."""
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(60, 5)) * [1, 100, 0.01, 5, 0] + [0, 1000, 0, 0, 7]
    labels = np.arange(60) < 20
    features[labels] += [1, 100, 0.01, 5, 0]
    return features.astype(np.float32), labels


def test_normalisation_by_hand():
    features = np.array([[0, 5], [4, 5], [2, 5]], np.float32)
    offset, scale = normalisation(features, "min-max")
    assert (offset.tolist(), scale.tolist()) == ([0, 5], [4, 1])  # the same for all: divided by 1
    offset, scale = normalisation(features, "z-score")
    # mean (0 + 4 + 2) / 3 = 2; variance (4 + 4 + 0) / 3
    np.testing.assert_allclose(offset, [2, 5])
    np.testing.assert_allclose(scale, [(8 / 3) ** 0.5, 1], rtol=1e-6)


@pytest.mark.parametrize(("kind", "scaler"), [("min-max", MinMaxScaler), ("z-score", StandardScaler)])
@pytest.mark.parametrize("gamma", [0.1, "scale"])
def test_machine_decides_as_that_of_scikit_learn(kind, scaler, gamma):
    features, labels = cases()
    machine = fit_svm(features, labels, Svm(kernel="rbf", C=10, gamma=gamma), kind)
    witness = make_pipeline(scaler(), SVC(C=10, gamma=gamma)).fit(features.astype(np.float64), labels)
    unseen = cases(1)[0]
    # Support vectors are rounded to float16.
    np.testing.assert_allclose(machine.decide(unseen), witness.decision_function(unseen.astype(np.float64)), atol=0.02)


def test_comparison_has_a_row_for_every_classifier_and_family(toy_pool):
    rows = compare(toy_pool(patients=4), HAAR, comparison=TWO_FOLDS, ratio=10, kind="min-max", seed=0)
    assert [(row.classifier, row.features) for row in rows] == [
        (classifier, features) for classifier in CLASSIFIERS for features in ("first_order", "haar", "all")
    ]
    # Hits lie 3 standard deviations off in one feature: AUROC of that alone is Phi(3 / sqrt 2) = 0.983.
    assert all(0.9 < row.auroc <= 1 for row in rows if row.features == "first_order")


def test_a_missing_xgboost_is_told_of(toy_pool, monkeypatch):
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    rows = compare(toy_pool(), HAAR, classifiers=("XGBRF",), comparison=TWO_FOLDS, ratio=10, kind="min-max", seed=0)
    assert all(row.auroc is None and "xgboost is not installed" in row.remark for row in rows)


def test_hits_like_all_others_are_not_told_apart(toy_pool):
    row = compare(
        toy_pool(patients=12, hits=10, contrast=0),
        HAAR,
        classifiers=("SVM",),
        comparison=TWO_FOLDS,
        ratio=10,
        kind="min-max",
        seed=0,
    )[-1]
    assert 0.3 < row.auroc < 0.7


def test_a_classifier_is_trained_on_no_more_candidates_than_the_recipe_says(toy_pool, monkeypatch):
    seen = []

    def learn(features, labels, seed, kind):
        seen.append(len(features))
        return lambda features: features[:, 0].astype(float)

    monkeypatch.setitem(CLASSIFIERS, "SVM", learn)
    few = Comparison(folds=2, candidates=20)
    compare(toy_pool(), HAAR, classifiers=("SVM",), comparison=few, ratio=10, kind="min-max", seed=0)
    assert set(seen) == {20}
