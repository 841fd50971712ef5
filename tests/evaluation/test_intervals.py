"""Intervals of a share by hand, as published, and against SciPy."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from microcalc.errors import UsageError
from microcalc.evaluation.classification import Confusion
from microcalc.evaluation.intervals import normal, quantile, wilson
from microcalc.evaluation.tables import published


def test_the_normal_approximation_by_hand():
    # 0.5 ± 1.96 sqrt(0.5 * 0.5 / 100) = 0.5 ± 1.96 * 0.05; 0.9 and 0.1 ± 1.96 * 0.09487, cut at 1 and 0; none around 0.
    assert normal(50, 100) == pytest.approx((0.402, 0.598), abs=1e-5)
    assert normal(9, 10) == (pytest.approx(0.71406, abs=1e-5), 1)
    assert normal(1, 10) == (0, pytest.approx(0.28594, abs=1e-5))
    assert normal(0, 20) == (0, 0)


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_as_published(successes, trials, low, high):
    # Newcombe, Stat. Med. 17 (1998) 857, Table I, method 3.
    assert wilson(successes, trials) == pytest.approx((low, high), abs=5e-5)


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 500), st.floats(0, 1), st.sampled_from([0.8, 0.95, 0.99]))
def test_wilson_agrees_with_scipy(trials, share, confidence):
    successes = round(share * trials)
    expected = binomtest(successes, trials).proportion_ci(confidence, method="wilson")
    assert wilson(successes, trials, confidence) == pytest.approx((expected.low, expected.high), abs=1e-9)


#: The cells of Pesapane et al., Table 2.
TABLE_2 = [row for row in published(paper="pesapane2023") if row.low is not None]


def rounded(interval):
    return tuple(round(end, 2) for end in interval)


def test_the_intervals_of_pesapane_follow_from_the_whole_test_set():
    assert len(TABLE_2) == 30
    for row in TABLE_2:
        assert rounded(normal(row.value * row.n, row.n)) == (row.low, row.high), row


def test_the_intervals_of_pesapane_do_not_follow_from_own_denominators():
    # AlexNet on task 2, 46 % of 2,426 patches malignant: sensitivity 949 of 1,116 (0.85), specificity 1,166 of 1,310
    # (0.89).
    counts = Confusion(tp=949, fn=167, tn=1166, fp=144)
    assert rounded(counts.interval("sensitivity", "normal", "test_set")) == (0.84, 0.86)  # as printed
    assert rounded(counts.interval("sensitivity", "normal")) == (0.83, 0.87)
    assert rounded(counts.interval("specificity", "normal", "test_set")) == (0.88, 0.90)  # as printed
    assert rounded(counts.interval("specificity", "normal")) == (0.87, 0.91)


@pytest.mark.parametrize("interval", [normal, wilson])
def test_nothing_tried_gives_no_interval(interval):
    assert all(math.isnan(end) for end in interval(0, 0))


@pytest.mark.parametrize("interval", [normal, wilson])
@pytest.mark.parametrize(("successes", "trials"), [(3, 2), (-1, 2), (math.nan, 2)])
def test_impossible_counts_are_refused(interval, successes, trials):
    with pytest.raises(UsageError, match=rf"expected successes from 0 to the number of trials, found {successes} in 2"):
        interval(successes, trials)


def test_confidence_is_a_share():
    assert quantile(0.95) == pytest.approx(1.959964, abs=1e-6)
    with pytest.raises(UsageError, match="expected a confidence between 0 and 1, found 95"):
        wilson(1, 2, confidence=95)
