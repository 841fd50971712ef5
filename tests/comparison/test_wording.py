"""How numbers are said."""

import pytest

from microcalc.comparison.records import Difference, Estimate
from microcalc.comparison.wording import number, p_value, said, score


@pytest.mark.parametrize(
    ("estimate", "words"),
    [
        (Estimate(value=0.81249, low=-0.1, high=1.0), "0.812 [−0.100, 1.000]"),
        (Estimate(value=0.5), "0.500"),
        (Estimate(value=None, remark="no case"), "–"),
    ],
)
def test_a_number_with_its_interval(estimate, words):
    assert said(estimate) == words


def test_nothing_lies_below_zero_by_rounding():
    assert number(-0.0001) == "0.000"


@pytest.mark.parametrize(
    ("value", "words"), [(0.55, "0.550"), (1.0, "1.000"), (0.9996, "1.000"), (0.0003, "0.000300"), (0.0, "0.00")]
)
def test_a_small_score_is_not_said_to_be_nought(value, words):
    assert score(value) == words


@pytest.mark.parametrize(
    ("value", "least", "words"),
    [
        (0.0123, 0.002, "p = 0.012"),
        (0.0009, None, "p < 0.001"),
        (None, None, "–"),
        # 1000 resamples give no smaller one than 2 / 1001.
        (2 / 1001, 2 / 1001, "p ≤ 0.002"),
        (2 / 100001, 2 / 100001, "p < 0.001"),
    ],
)
def test_a_p_value_is_never_zero(value, least, words):
    difference = Difference(
        first="a", second="b", measure="AUC50", difference=Estimate(value=0.1), p_value=value, least_p=least
    )
    assert p_value(difference) == words
