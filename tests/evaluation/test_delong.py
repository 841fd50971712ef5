"""DeLong's variance against published examples and its own definition."""

import math

import numpy as np
import pytest

from microcalc.errors import UsageError
from microcalc.evaluation.classification import auc
from microcalc.evaluation.delong import delong

# Albumin, total protein, K-G score, outcome (1 favourable) of 43 patients with ovarian cancer: the complete ones of
# DeLong et al. (1988), as printed in the SAS/STAT User's Guide, The LOGISTIC Procedure, example "Comparing Receiver
# Operating Characteristic Curves". Low K-G scores are favourable.
OVARIAN = """
3.0 5.8 10 0  3.2 6.3 5 1  3.9 6.8 3 1  2.8 4.8 6 0  3.2 5.8 3 1  0.9 4.0 5 0  2.5 5.7 8 0  1.6 5.6 5 1  3.8 5.7 5 1
3.7 6.7 6 1   3.2 5.4 4 1  3.8 6.6 6 1  4.1 6.6 5 1  3.6 5.7 5 1  4.3 7.0 4 1  3.6 6.7 4 0  2.3 4.4 6 1  4.2 7.6 4 0
4.0 6.6 6 0   3.5 5.8 6 1  3.8 6.8 7 1  3.0 4.7 8 0  4.5 7.4 5 1  3.7 7.4 5 1  3.1 6.6 6 1  4.1 8.2 6 1  4.3 7.0 5 1
4.3 6.5 4 1   3.2 5.1 5 1  2.6 4.7 6 1  3.3 6.8 6 0  1.7 4.0 7 0  3.7 6.1 5 1  3.3 6.3 7 1  4.2 7.7 6 1  3.5 6.2 5 1
2.9 5.7 9 0   2.1 4.8 7 1  2.8 6.2 8 0  4.0 7.0 7 1  3.3 5.7 6 1  3.7 6.9 5 1  3.6 6.6 5 1
"""


def by_definition(labels, scores):
    """Placements from all pairs, one by one; the formulas of DeLong et al. (1988), section 3, for one system."""
    positive, negative = scores[labels][:, None], scores[~labels][None]
    wins = np.where(positive == negative, 0.5, positive > negative)
    return wins.mean(axis=1), wins.mean(axis=0)


def test_one_curve_as_published():
    # 109 CT images rated 1..5 by one reader, Hanley and McNeil, Radiology 143 (1982) 29, Table I; area, standard error
    # and interval by DeLong's method as the Stata manual prints them ([R] roctab).
    ratings = np.tile([1, 2, 3, 4, 5], 2)
    images = [33, 6, 6, 11, 2, 3, 2, 2, 11, 33]
    scores, labels = np.repeat(ratings, images), np.repeat([0, 1], [58, 51])
    result = delong(labels, scores)
    assert result.auc[0] == pytest.approx(0.8932, abs=5e-5)
    assert math.sqrt(result.covariance[0, 0]) == pytest.approx(0.0307, abs=5e-5)
    assert result.interval() == pytest.approx((0.83295, 0.95339), abs=5e-6)
    assert result.remark() is None


def test_three_curves_of_the_same_patients_as_published():
    albumin, protein, score, outcome = np.array(OVARIAN.split(), float).reshape(-1, 4).T
    result = delong(outcome, [-score, protein, albumin])
    assert result.auc == pytest.approx([0.7258, 0.6478, 0.7366], abs=5e-5)
    assert np.sqrt(np.diag(result.covariance)) == pytest.approx([0.1028, 0.1000, 0.0927], abs=5e-5)
    assert result.interval(0) == pytest.approx((0.5243, 0.9273), abs=5e-5)
    assert result.interval(1) == pytest.approx((0.4518, 0.8439), abs=5e-5)
    assert result.interval(2) == pytest.approx((0.5549, 0.9182), abs=5e-5)
    # Against the K-G score: chi-square (z squared) 0.5554 and 0.0127.
    z, p = result.compare(1, 0)
    assert (z**2, p) == pytest.approx((0.5554, 0.4561), abs=1e-4)
    assert z < 0
    z, p = result.compare(2, 0)
    assert (z**2, p) == pytest.approx((0.0127, 0.9102), abs=1e-4)
    assert z > 0


@pytest.mark.parametrize("seed", range(3))
def test_ranks_give_what_all_pairs_give(seed):
    rng = np.random.default_rng(seed)
    labels = rng.random(60) < 0.4
    scores = rng.integers(0, 12, (2, 60)) / 4 + 0.5 * labels  # with ties
    scores[:, rng.random(60) < 0.2] = -np.inf  # cases without any mark
    (first_10, first_01), (second_10, second_01) = (by_definition(labels, row) for row in scores)
    expected = np.cov([first_10, second_10]) / labels.sum() + np.cov([first_01, second_01]) / (~labels).sum()
    result = delong(labels, scores)
    np.testing.assert_allclose(result.covariance, expected, atol=1e-12)
    np.testing.assert_allclose(result.auc, [auc(labels, row) for row in scores], atol=1e-12)


@pytest.mark.parametrize(
    ("scores", "area", "how"),
    [([0.1, 0.2, 0.8, 0.9], 1, "above"), ([0.8, 0.9, 0.1, 0.2], 0, "below"), ([0.5, 0.5, 0.5, 0.5], 0.5, "equal to")],
)
def test_no_disagreement_among_the_cases_is_no_certainty(scores, area, how):
    result = delong([0, 0, 1, 1], scores)
    assert result.auc[0] == area
    assert all(math.isnan(end) for end in result.interval())
    assert result.remark() == f"no DeLong interval: every positive case scores {how} every negative one"


def test_a_single_case_of_a_class_has_no_variance():
    result = delong([1, 0, 0, 0], [0.5, 0.1, 0.2, 0.9])
    assert result.auc[0] == pytest.approx(2 / 3)
    assert all(math.isnan(end) for end in result.interval())
    assert result.remark() == "DeLong's interval needs two cases of each class"
    assert all(math.isnan(number) for number in result.compare(0, 0))


def test_an_interval_ends_at_one():
    result = delong([0, 0, 0, 1, 1, 1], [0.1, 0.2, 0.5, 0.4, 0.8, 0.9])
    assert result.interval()[1] == 1
    low, high = result.interval(confidence=0.5)
    assert low < result.auc[0] < high < 1


def test_systems_that_rank_alike_cannot_be_told_apart():
    rng = np.random.default_rng(0)
    labels, scores = rng.random(50) < 0.5, rng.random(50)
    assert all(math.isnan(number) for number in delong(labels, [scores, scores**3]).compare(0, 1))


def test_a_difference_that_every_case_shares_cannot_be_tested():
    # Negative cases below each positive one, ties a half: 5 and 3 of 6, then 3.5 and 1.5. Positive cases below each
    # negative one: 1, 0, 0, 0, 1.5 and 1.5 of 2, then a half more each. Every share moves by a quarter: the variance of
    # the difference is 0, in floating point 1e-17, by which it must not be taken for significant.
    result = delong([1, 1, 0, 0, 0, 0, 0, 0], [[5, 3, 4, 0, 1, 2, 5, 5], [1, 0, 1, 0, 0, 0, 2, 3]])
    assert result.auc == pytest.approx([8 / 12, 5 / 12])
    assert all(math.isnan(number) for number in result.compare(0, 1))


def test_one_class_is_refused():
    with pytest.raises(UsageError, match="no negative case among 2"):
        delong([1, 1], [0.1, 0.2])
    with pytest.raises(UsageError, match="found 1 that are NaN"):
        delong([1, 0], [[0.1, 0.2], [0.1, np.nan]])


@pytest.mark.parametrize("scores", [[0.1, 0.2, 0.3], [[[0.1, 0.2]]]])
def test_scores_of_other_cases_are_refused(scores):
    with pytest.raises(UsageError, match="expected one label and one score for each case"):
        delong([1, 0], scores)
