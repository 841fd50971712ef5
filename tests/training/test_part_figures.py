import numpy as np
import pytest

from microcalc.evaluation.scores import ImageScores
from microcalc.training.measure import Measured
from microcalc.training.part_figures import froc_drawing, reliability_drawing
from microcalc.training.samples import RULE
from microcalc.truth import ImageTruth, TrueCalcification


@pytest.fixture
def measured():
    """Of two calcifications one is found; the normal image has a weaker false mark."""
    lesions = (TrueCalcification(x=10.0, y=10.0), TrueCalcification(x=50.0, y=50.0))
    one = ImageTruth(path="a.png", patient="a", rows=99, columns=99, calcifications=lesions)
    other = ImageTruth(path="b.png", patient="b", rows=99, columns=99, normal=True)
    images = [
        ImageScores(one, np.arange(2), np.array([0.9, -np.inf]), np.empty(0), 0.9, RULE),
        ImageScores(other, np.arange(0), np.empty(0), np.array([0.5]), 0.5, RULE),
    ]
    return Measured({"own": images}, "test", "toys", seed=0)


def test_froc_says_its_area_and_what_it_is_of(measured):
    drawn = froc_drawing("froc-test", "Side by side", measured.curves, measured)
    # Half of the calcifications without any false mark, and no more up to 50 of them.
    assert drawn.alt == "own: AUC50 0.500"
    assert "Test part of toys, 2 calcifications, 1 normal image, rule disc14." in drawn.svg


def test_reliability_says_the_share_of_hits_of_each_tenth(measured):
    drawn = reliability_drawing(np.array([True, False, True]), np.array([0.15, 0.15, 0.95]), measured)
    assert (drawn.name, drawn.alt) == ("reliability-test", "0.15: 1 of 2; 0.95: 1 of 1")


def test_a_part_without_marks_has_an_empty_figure(measured):
    assert reliability_drawing(np.empty(0, bool), np.empty(0), measured).alt == ""
