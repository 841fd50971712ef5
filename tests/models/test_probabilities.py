"""From outputs to probabilities and scores, by hand."""

import numpy as np
import pytest

from microcalc.models.probabilities import class_probabilities, target_scores
from microcalc.recipe.patch_classifier import PatchClass, Target

CLASSES = tuple(PatchClass(name=name, labels=(name,)) for name in ("normal", "benign", "malignant"))


@pytest.mark.parametrize("logits", [[0.0, np.log(3)], [np.log(3)]], ids=["two outputs", "one output"])
def test_odds_of_three_to_one(logits):
    np.testing.assert_allclose(class_probabilities(np.array([logits], np.float32)), [[0.25, 0.75]], rtol=1e-6)


def test_three_outputs():
    """exp of the logits: 1, 2, 5 of 8."""
    logits = np.log(np.array([[1, 2, 5]], np.float32))
    np.testing.assert_allclose(class_probabilities(logits), [[0.125, 0.25, 0.625]], rtol=1e-6)


@pytest.mark.parametrize("outputs", [1, 2, 3])
def test_however_large_logits_are_probabilities_add_up_to_one(outputs):
    logits = np.array([[1000.0], [-1000.0], [0.0]], np.float32) * np.arange(1, outputs + 1, dtype=np.float32)
    np.testing.assert_allclose(class_probabilities(logits).sum(axis=1), 1)


def test_a_target_adds_up_its_classes():
    probabilities = np.array([[0.125, 0.25, 0.625]])
    calcified = Target(name="calcification", classes=("benign", "malignant"))
    malignant = Target(name="malignant", classes=("malignant",))
    assert target_scores(probabilities, CLASSES, calcified).tolist() == [0.875]
    assert target_scores(probabilities, CLASSES, malignant).tolist() == [0.625]


def test_rounding_carries_no_score_beyond_one():
    probabilities = np.array([[0.0, 0.5, np.nextafter(0.5, 1) * 1.000001]])
    calcified = Target(name="calcification", classes=("benign", "malignant"))
    assert target_scores(probabilities, CLASSES, calcified).tolist() == [1.0]
