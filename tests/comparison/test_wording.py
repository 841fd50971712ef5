"""How numbers are said."""

import pytest

from microcalc.comparison.records import Estimate
from microcalc.comparison.wording import number, p_value, said


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


@pytest.mark.parametrize(("value", "words"), [(0.0123, "p = 0.012"), (0.0009, "p < 0.001"), (None, "–")])
def test_a_p_value_is_never_zero(value, words):
    assert p_value(value) == words
