import math

import numpy as np

from microcalc.comparison.estimates import Measured


def test_a_number_that_never_changes_has_no_interval_and_no_word_of_one():
    # Such as the sensitivity to calcifications of a single patient, who is missing from two of four draws.
    same = Measured("sensitivity", 0.5, np.array([0.5, math.nan, 0.5, math.nan]), 4).estimate()
    assert (same.value, same.low, same.high) == (0.5, None, None)
    assert same.remark == "no interval: the same in all resamples"


def test_draws_that_an_interval_does_without():
    some = Measured("sensitivity", 0.5, np.array([0.4, math.nan, 0.6, math.nan]), 4).estimate()
    assert some.low is not None
    assert some.remark == "not defined on 2 of 4 resamples, which the interval leaves out"
