import numpy as np
import pytest
from scipy.special import expit, logit

from microcalc.detectors.company import in_company
from microcalc.recipe.segmenter import Company

COMPANY = Company(radius_mm=5.0, above=0.1, weight=0.5)


def raised(centres, scores, spacing_mm=0.1):
    return in_company(np.array(centres, float), np.array(scores), spacing_mm, COMPANY)


def test_neighbours_raise_a_score_by_the_formula():
    # 3 mm apart: each hears the other's score above 0.1. The third, 10 mm off, hears nobody.
    found = raised([[0, 0], [30, 0], [130, 0]], [0.3, 0.5, 0.4])
    wanted = [expit(logit(0.3) + 0.5 * np.log1p(0.4)), expit(logit(0.5) + 0.5 * np.log1p(0.2)), 0.4]
    assert found == pytest.approx(wanted)


def test_parts_of_one_speck_and_marks_below_the_floor_are_no_company():
    assert raised([[0, 0], [3, 0]], [0.5, 0.6]) == pytest.approx([0.5, 0.6])  # 0.3 mm
    assert raised([[0, 0], [30, 0]], [0.5, 0.05])[0] == pytest.approx(0.5)


def test_no_marks_and_marks_at_both_ends():
    assert raised(np.empty((0, 2)), []).shape == (0,)
    ends = raised([[0, 0], [30, 0]], [0.0, 1.0])
    assert np.isfinite(ends).all()
    assert 0 <= ends.min() <= ends.max() <= 1
