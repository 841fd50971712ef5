"""How scores of marks are read, worked by hand."""

from types import SimpleNamespace

import numpy as np
import pytest

from microcalc.recipe import load_recipe
from microcalc.training.marks import Marks
from microcalc.training.scoring import score_of_marks


def job():
    points = {"half": {"rule": "argmax"}, "most": {"rule": "sensitivity", "value": 0.6}}
    recipe = load_recipe("terrassin2024-mutmus-unet3plus").with_changes({"operating_points": points})
    return SimpleNamespace(recipe=recipe, data="toys")


def marks(scores, hits):
    return Marks(("benign", "malignant"), np.array(scores, float), np.array(hits, bool), 4, 0.05)


def test_thresholds_and_calibration_are_of_marks():
    # The more a mark scores, the more often it is a hit: 0 of 2, 1 of 2, 2 of 2.
    scoring = score_of_marks(job(), marks([0.1, 0.2, 0.4, 0.5, 0.8, 0.9], [0, 0, 1, 0, 1, 1]))
    assert scoring.labels == ("benign", "malignant")
    assert scoring.calibration.population.startswith("marks on validation patches of toys")
    assert "3 of 6 marks are hits" in scoring.calibration.population
    assert scoring.calibration.parameters(np.array([0.1, 0.9])) == pytest.approx([0.0, 1.0], abs=1e-6)
    points = {point.name: point for point in scoring.points}
    # Two of three hits have at least the highest two scores, where no mark is false.
    assert points["most"].false_positives.startswith(
        "0.00 marks a validation patch without calcifications of toys (0 on 4)"
    )
    assert "2 of the 3 marks on lesions" in points["most"].false_positives
    assert all(scoring.floor <= point.threshold <= 1 for point in scoring.points)


@pytest.mark.parametrize(
    ("hits", "why"), [([0, 0], "there are no hits"), ([1, 1], "there are no false marks"), ([], "no hits")]
)
def test_where_nothing_is_told_apart_it_says_so(hits, why):
    scoring = score_of_marks(job(), marks([0.3, 0.6][: len(hits)], hits))
    assert scoring.calibration is None
    assert {point.threshold for point in scoring.points} == {0.5}
    assert why in scoring.points[0].false_positives
    assert why in scoring.remarks[0]
    assert scoring.floor == 0.05
