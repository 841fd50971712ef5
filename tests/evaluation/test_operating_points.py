"""Operating points on curves worked by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microcalc.errors import UsageError
from microcalc.evaluation.classification import roc
from microcalc.evaluation.operating_points import RocPoint, at_sensitivity, at_specificity, tangent, youden

# (false, true positive rate): inf (0, 0), 0.9 (0, 1/3), 0.7 (1/2, 2/3), 0.4 (1/2, 1), -inf (1, 1).
CURVE = roc([1, 1, 0, 1, 0], [0.9, 0.7, 0.7, 0.4, -np.inf])
#: Negative cases score higher.
WORSE_THAN_CHANCE = roc([1, 0], [0.1, 0.9])
#: A positive case has no mark.
NOT_ALL_MARKED = roc([1, 1, 0], [0.8, -np.inf, 0.3])


def test_youden_by_hand():
    # J: 0, 1/3, 1/6, 1/2, 0.
    assert youden(CURVE) == RocPoint(threshold=0.4, sensitivity=1, specificity=0.5)


@pytest.mark.parametrize(
    ("prevalence", "cost_ratio", "threshold"),
    [
        (None, 1, 0.4),  # slope 1
        (0.5, 1, 0.4),
        (0.1, 1, 0.9),  # slope 9: 0, 1/3, -3.8, -3.5, -8
        (0.1, 1 / 9, 0.4),  # slope 1 again: what is missed is rarer, and dearer
        (None, 1.25, 0.4),  # 0, 0.333, 0.042, 0.375, -0.25
        (None, 1.5, 0.9),  # 0, 0.333, -0.083, 0.25, -0.5
    ],
)
def test_the_tangent_by_hand(prevalence, cost_ratio, threshold):
    assert tangent(CURVE, prevalence, cost_ratio).threshold == threshold


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.tuples(st.booleans(), st.sampled_from([-np.inf, 0.1, 0.2, 0.3, 0.4])), min_size=2, max_size=20).filter(
        lambda cases: len({label for label, _ in cases}) == 2
    ),
    st.floats(0.01, 0.99),
    st.floats(0.1, 10),
)
def test_the_tangent_costs_least(cases, prevalence, cost_ratio):
    curve = roc(*zip(*cases, strict=True))
    chosen = tangent(curve, prevalence, cost_ratio)
    missed, false = prevalence * (1 - curve.true_positive_rate), (1 - prevalence) * curve.false_positive_rate
    cost = prevalence * (1 - chosen.sensitivity) + cost_ratio * (1 - prevalence) * (1 - chosen.specificity)
    assert cost == pytest.approx((missed + cost_ratio * false).min())


def test_of_equal_points_the_highest_threshold_is_taken():
    # J is 0.1 at 0.9, and 0.8 - 0.7 at 0.5, which in floating point is more.
    labels = [1] * 10 + [0] * 10
    scores = [0.9] + [0.5] * 7 + [0.1] * 2 + [0.5] * 7 + [0.1] * 3
    assert youden(roc(labels, scores)) == RocPoint(threshold=0.9, sensitivity=0.1, specificity=1)


@pytest.mark.parametrize(
    ("sensitivity", "threshold", "specificity"), [(1 / 3, 0.9, 1), (0.5, 0.7, 0.5), (0.9, 0.4, 0.5), (1, 0.4, 0.5)]
)
def test_a_fixed_sensitivity_by_hand(sensitivity, threshold, specificity):
    point = at_sensitivity(CURVE, sensitivity)
    assert (point.threshold, point.specificity) == (threshold, specificity)
    assert point.sensitivity >= sensitivity


@pytest.mark.parametrize(
    ("specificity", "threshold", "sensitivity"), [(1, 0.9, 1 / 3), (0.6, 0.9, 1 / 3), (0.5, 0.4, 1), (0, 0.4, 1)]
)
def test_a_fixed_specificity_by_hand(specificity, threshold, sensitivity):
    point = at_specificity(CURVE, specificity)
    assert (point.threshold, point.sensitivity) == (threshold, pytest.approx(sensitivity))
    assert point.specificity >= specificity


def test_a_rate_that_is_just_reached_counts_in_floating_point():
    # 9 of 10 negative cases at 0.5: specificity 1 - 0.9, which in floating point is less than 0.1.
    curve = roc([1, 0, *[0] * 9], [0.5, 0.1, *[0.5] * 9])
    assert at_specificity(curve, 0.1).threshold == 0.5
    # 3 of 10 positive cases at 0.5: all but 70 %, in floating point 1 - 0.7 > 3 / 10.
    curve = roc([*[1] * 10, 0], [*[0.5] * 3, *[0.1] * 7, 0])
    assert at_sensitivity(curve, 1 - 0.7).threshold == 0.5


def test_what_no_threshold_reaches_is_met_at_an_end_of_the_curve():
    assert at_sensitivity(NOT_ALL_MARKED, 0.5).threshold == 0.8
    assert at_sensitivity(NOT_ALL_MARKED, 0.9) == RocPoint(-np.inf, sensitivity=1, specificity=0)
    assert at_specificity(WORSE_THAN_CHANCE, 0.9) == RocPoint(np.inf, sensitivity=0, specificity=1)
    assert youden(WORSE_THAN_CHANCE) == RocPoint(np.inf, sensitivity=0, specificity=1)


@pytest.mark.parametrize(
    ("prevalence", "cost_ratio"), [(0, 1), (1, 1), (70, 1), (0.5, 0), (0.5, -1), (np.nan, 1), (0.5, np.inf)]
)
def test_prevalence_and_costs_out_of_range_are_refused(prevalence, cost_ratio):
    with pytest.raises(
        UsageError, match=r"expected a prevalence between 0 and 1 and a cost ratio above 0, found .+ and"
    ):
        tangent(CURVE, prevalence, cost_ratio)


@pytest.mark.parametrize(("choose", "name"), [(at_sensitivity, "sensitivity"), (at_specificity, "specificity")])
@pytest.mark.parametrize("share", [-0.1, 95, np.nan])
def test_a_wish_is_a_share(choose, name, share):
    with pytest.raises(UsageError, match=f"expected a {name} from 0 to 1, found {share}"):
        choose(CURVE, share)
