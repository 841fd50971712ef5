"""Curves and measures on cases worked by hand, and against scikit-learn and torchmetrics."""

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn import metrics

from microcalc.errors import UsageError
from microcalc.evaluation.classification import (
    METRICS,
    Confusion,
    auc,
    average_precision,
    confusion,
    roc,
)

# Positive: 0.9, 0.7, 0.4. Negative: 0.7 and one without any mark.
LABELS = [1, 1, 0, 1, 0]
SCORES = [0.9, 0.7, 0.7, 0.4, -np.inf]
NO_MARK = -1.0  # what other libraries, which take no infinity, are given instead

#: Few distinct scores, exact in float32, so that there are ties.
SCORE = st.sampled_from([-np.inf, 0.0, 0.125, 0.25, 0.5, 0.75, 0.875, 1.0])
CASES = st.lists(st.tuples(st.booleans(), SCORE, st.integers(0, 3)), min_size=2, max_size=40)


def arrays(cases):
    labels, scores, weights = (np.array(column) for column in zip(*cases, strict=True))
    assume(labels.any() and not labels.all())
    return labels, scores, weights


def finite(scores):
    return np.where(np.isneginf(scores), NO_MARK, scores)


def test_a_roc_by_hand():
    curve = roc(LABELS, SCORES)
    # From 0.9 on 1 of 3 positive and 0 of 2 negative cases; from 0.7 on 2 and 1; from 0.4 on 3 and 1; then all.
    assert curve.thresholds.tolist() == [np.inf, 0.9, 0.7, 0.4, -np.inf]
    assert curve.true_positive_rate.tolist() == pytest.approx([0, 1 / 3, 2 / 3, 1, 1])
    assert curve.false_positive_rate.tolist() == [0, 0, 0.5, 0.5, 1]
    # Six pairs: 0.9 wins both, 0.7 ties one (a half) and wins one, 0.4 loses one and wins one: 4.5 of 6.
    assert curve.auc == auc(LABELS, SCORES) == 0.75


def test_average_precision_by_hand():
    # A third of the positive cases each at precision 1, 2/3 and 3/4: 29/36.
    assert average_precision(LABELS, SCORES) == pytest.approx(29 / 36, abs=1e-15)


def test_resamples_by_hand():
    weights = [[1, 1, 1, 1, 1], [2, 0, 1, 0, 1], [0, 1, 1, 2, 0], [0, 0, 1, 0, 1], [1, 1, 0, 1, 0]]
    # Second: 0.9 twice, above both negative cases. Third: 0.7 ties the only negative case, 0.4 loses twice: 0.5 of 3;
    # precision 1/2 for one and 3/4 for two. Fourth and fifth: one class only.
    assert auc(LABELS, SCORES, weights) == pytest.approx([0.75, 1, 0.5 / 3, np.nan, np.nan], nan_ok=True)
    expected = [29 / 36, 1, (1 / 2 + 2 * 3 / 4) / 3, np.nan, np.nan]
    assert average_precision(LABELS, SCORES, weights) == pytest.approx(expected, nan_ok=True)


def test_cases_without_a_mark_tie_with_each_other():
    assert auc([1, 0, 0], [-np.inf, -np.inf, 0.2]) == 0.25  # one tie, one lost


@settings(max_examples=50, deadline=None)
@given(CASES)
def test_curves_agree_with_scikit_learn(cases):
    labels, scores, _ = arrays(cases)
    curve = roc(labels, scores)
    false_rate, true_rate, thresholds = metrics.roc_curve(labels, finite(scores), drop_intermediate=False)
    np.testing.assert_allclose(curve.false_positive_rate, false_rate, atol=1e-9)
    np.testing.assert_allclose(curve.true_positive_rate, true_rate, atol=1e-9)
    np.testing.assert_array_equal(finite(curve.thresholds), thresholds)
    assert curve.auc == pytest.approx(metrics.roc_auc_score(labels, finite(scores)), abs=1e-9)

    expected = metrics.average_precision_score(labels, finite(scores))
    assert average_precision(labels, scores) == pytest.approx(expected, abs=1e-9)


@settings(max_examples=50, deadline=None)
@given(CASES)
def test_weighted_areas_agree_with_scikit_learn(cases):
    labels, scores, weights = arrays(cases)
    assume(weights[labels].any() and weights[~labels].any())
    for ours, theirs in ((auc, metrics.roc_auc_score), (average_precision, metrics.average_precision_score)):
        expected = theirs(labels, finite(scores), sample_weight=weights)
        assert ours(labels, scores, [weights]) == pytest.approx([expected], abs=1e-9)


@settings(max_examples=50, deadline=None)
@given(CASES, SCORE)
def test_measures_agree_with_scikit_learn(cases, threshold):
    labels, scores, _ = arrays(cases)
    counts = confusion(labels, scores, threshold)
    called = finite(scores) >= (NO_MARK if np.isneginf(threshold) else threshold)
    assert [[counts.tn, counts.fp], [counts.fn, counts.tp]] == metrics.confusion_matrix(labels, called).tolist()
    expected = {
        "accuracy": metrics.accuracy_score(labels, called),
        "sensitivity": metrics.recall_score(labels, called),
        "specificity": metrics.recall_score(labels, called, pos_label=0),
        "ppv": metrics.precision_score(labels, called, zero_division=np.nan),
        "npv": metrics.precision_score(labels, called, pos_label=0, zero_division=np.nan),
        "f1": metrics.f1_score(labels, called),
        # Where all are called the same, scikit-learn gives 0.
        "mcc": metrics.matthews_corrcoef(labels, called) if 0 < called.sum() < called.size else np.nan,
    }
    assert {name: counts.value(name) for name in METRICS} == pytest.approx(expected, abs=1e-9, nan_ok=True)


@pytest.mark.parametrize("seed", range(5))
def test_agreement_with_torchmetrics(seed):
    torch = pytest.importorskip("torch")
    of = pytest.importorskip("torchmetrics.functional.classification")
    rng = np.random.default_rng(seed)
    labels, scores = rng.random(200) < 0.3, rng.integers(0, 17, 200) / 16  # with ties, and exact in float32
    target, preds = torch.tensor(labels.astype(int)), torch.tensor(scores)
    counts = confusion(labels, scores, 0.5)
    called = (preds >= 0.5).int()
    pairs = (
        (auc(labels, scores), of.binary_auroc(preds, target)),
        (average_precision(labels, scores), of.binary_average_precision(preds, target)),
        (roc(labels, scores).true_positive_rate, of.binary_roc(preds, target)[1]),
        (roc(labels, scores).false_positive_rate, of.binary_roc(preds, target)[0]),
        (counts.accuracy, of.binary_accuracy(called, target)),
        (counts.sensitivity, of.binary_recall(called, target)),
        (counts.specificity, of.binary_specificity(called, target)),
        (counts.ppv, of.binary_precision(called, target)),
        (counts.npv, of.binary_negative_predictive_value(called, target)),
        (counts.f1, of.binary_f1_score(called, target)),
        (counts.mcc, of.binary_matthews_corrcoef(called, target)),
    )
    for ours, theirs in pairs:
        np.testing.assert_allclose(ours, theirs.numpy(), atol=1e-6)


@settings(max_examples=50, deadline=None)
@given(CASES, st.randoms(use_true_random=False))
def test_areas_depend_on_the_ranking_alone(cases, random):
    labels, scores, _ = arrays(cases)
    shuffled = random.sample(range(len(labels)), len(labels))
    for area in (auc, average_precision):
        expected = area(labels, scores)
        assert area(labels[shuffled], scores[shuffled]) == pytest.approx(expected, abs=1e-12)
        assert area(labels, 3 * scores**3 - 7) == expected


def test_measures_by_hand():
    counts = Confusion(tp=6, fp=2, tn=9, fn=3)
    assert counts.accuracy == 15 / 20
    assert counts.sensitivity == 6 / 9
    assert counts.specificity == 9 / 11
    assert counts.ppv == 6 / 8
    assert counts.npv == 9 / 12
    assert counts.f1 == 12 / 17  # 2 tp / (2 tp + fp + fn)
    assert counts.mcc == pytest.approx((6 * 9 - 2 * 3) / math.sqrt(8 * 9 * 11 * 12))


def test_what_is_not_defined_is_nan():
    none_called = Confusion(tp=0, fp=0, tn=5, fn=2)
    assert math.isnan(none_called.ppv)
    assert math.isnan(none_called.mcc)
    assert none_called.sensitivity == none_called.f1 == 0
    no_negatives = Confusion(tp=1, fp=0, tn=0, fn=1)
    assert math.isnan(no_negatives.specificity)
    assert all(math.isnan(end) for end in no_negatives.interval("specificity"))
    assert all(math.isnan(end) for end in no_negatives.interval("specificity", "normal", "test_set"))


def test_a_case_at_the_threshold_is_called_positive():
    assert confusion(LABELS, SCORES, 0.7) == Confusion(tp=2, fp=1, tn=1, fn=1)
    assert confusion(LABELS, SCORES, -np.inf) == Confusion(tp=3, fp=2, tn=0, fn=0)
    assert confusion(LABELS, SCORES, np.inf) == Confusion(tp=0, fp=0, tn=2, fn=3)


def test_each_interval_has_its_own_denominator():
    counts = Confusion(tp=6, fp=2, tn=9, fn=3)
    # 6 of 9: 0.6667 ± 1.96 sqrt(0.6667 * 0.3333 / 9) = 0.6667 ± 0.3080; on all 20 cases ± 0.2066.
    assert counts.interval("sensitivity", "normal") == pytest.approx((0.3587, 0.9746), abs=1e-4)
    assert counts.interval("sensitivity", "normal", "test_set") == pytest.approx((0.4601, 0.8733), abs=1e-4)
    assert counts.interval("accuracy", n="test_set") == counts.interval("accuracy")


def test_intervals_are_by_wilson_unless_asked_otherwise():
    # 81 of 263, as in Newcombe, Stat. Med. 17 (1998) 857, Table I.
    assert Confusion(tp=81, fp=0, tn=0, fn=182).interval("sensitivity") == pytest.approx((0.2553, 0.3662), abs=5e-5)


@pytest.mark.parametrize("metric", ["f1", "mcc"])
def test_f1_and_mcc_have_no_interval_but_by_resampling(metric):
    assert all(math.isnan(end) for end in Confusion(tp=6, fp=2, tn=9, fn=3).interval(metric))


@pytest.mark.parametrize(
    ("labels", "scores", "message"),
    [
        ([1, 1], [0.1, 0.2], "no negative case among 2; add negative cases to the truth"),
        ([0], [0.1], "no positive case among 1; add positive cases"),
        ([], [], "no positive case among 0"),
        ([0, 1], [0.1, np.nan], "expected a number, or -inf for no mark.* found 1 that are NaN or"),
        ([0, 1], [0.1, np.inf], "found 1 that are NaN or"),
        ([0, 2], [0.1, 0.2], "expected labels 0 and 1, found 1 others"),
        ([0, 1], [0.1], r"found shapes \(2,\) and \(1,\)"),
    ],
)
def test_cases_that_cannot_be_ranked_are_refused(labels, scores, message):
    for of in (roc, auc, average_precision):
        with pytest.raises(UsageError, match=message):
            of(labels, scores)


def test_one_system_is_scored_at_a_time():
    two = [SCORES, SCORES]
    for of in (roc, auc, average_precision, lambda labels, scores: confusion(labels, scores, 0.5)):
        with pytest.raises(UsageError, match=r"expected one label and one score for each case, found .*\(2, 5\)"):
            of(LABELS, two)


@pytest.mark.parametrize("option", [{"method": "wald"}, {"n": "all"}])
@pytest.mark.parametrize("metric", ["accuracy", "f1"])
def test_an_unknown_interval_is_refused(metric, option):
    ((name, asked),) = option.items()
    with pytest.raises(UsageError, match=f"expected a {name}: .*, found '{asked}'"):
        Confusion(tp=6, fp=2, tn=9, fn=3).interval(metric, **option)


def test_weights_of_another_shape_are_refused():
    with pytest.raises(UsageError, match=r"weights of shape \(draws, 5\), found \(5,\)"):
        auc(LABELS, SCORES, [1, 1, 1, 1, 1])


def test_no_threshold_is_refused():
    with pytest.raises(UsageError, match="expected a threshold, found NaN"):
        confusion(LABELS, SCORES, np.nan)
