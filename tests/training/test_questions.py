from types import SimpleNamespace

import numpy as np
import pytest

from microcalc.evaluation.calibration import Isotonic
from microcalc.recipe import load_recipe
from microcalc.recipe.patch_classifier import PointRule
from microcalc.training.predictions import Predictions
from microcalc.training.questions import ask, is_malignancy, rule_words

RULES = {
    "half": PointRule(rule="argmax"),
    "youden": PointRule(rule="youden"),
    "sensitive": PointRule(rule="sensitivity", value=0.75),
    "specific": PointRule(rule="specificity", value=0.9),
}


def recipe_of(calibration):
    """Two classes, benign and malignant."""
    recipe = load_recipe("pesapane2023-resnet18-task2")
    changes = {"calibration": calibration, "operating_points": RULES, "default_operating_point": "half"}
    return recipe.model_copy(update=changes)


def predictions(negatives, positives):
    """Of patches with these probabilities of the second class."""
    share = np.array([*negatives, *positives])
    classes = np.repeat([0, 1], [len(negatives), len(positives)])
    part = SimpleNamespace(indices=np.arange(share.size), classes=classes, split="validation")
    logits = np.column_stack([np.zeros_like(share), np.log(share / (1 - share))])
    return Predictions(part, logits.astype(np.float32))


VALIDATION = predictions((0.1, 0.2, 0.3, 0.6), (0.4, 0.7, 0.8, 0.9))


def test_thresholds_and_calibration_of_validation():
    recipe = recipe_of("isotonic")
    (question,) = ask(VALIDATION, recipe)
    # Pooled, 0.4 (positive) and 0.6 (negative) share one half; from 0.7 on all are positive, to 0.3 none.
    assert isinstance(question.calibration, Isotonic)
    scores = question.scores(VALIDATION, recipe)
    assert scores == pytest.approx([0, 0, 0, 0.5, 0.5, 1, 1, 1], abs=2e-6)
    called = {name: (scores >= threshold).tolist() for name, threshold in question.thresholds.items()}
    # One half before calibration: 0.6 is called positive, 0.4 is not, though calibration all but ties them.
    assert called["half"] == [False, False, False, True, False, True, True, True]
    # From 0.7 on: three of four positives and no negative, which meets all three rules.
    for name in ("youden", "sensitive", "specific"):
        assert called[name] == [False, False, False, False, False, True, True, True]


def test_a_network_that_is_wrong_is_not_calibrated():
    # A sigmoid would fall. Specificity 0.9 asks to call no negative, but one has the highest score: no threshold does.
    wrong, recipe = predictions((0.9, 0.8), (0.3, 0.2)), recipe_of("platt")
    (question,) = ask(wrong, recipe)
    assert question.calibration is None
    assert question.uncalibrated.startswith("no calibration: expected positives that score higher")
    assert question.scores(wrong, recipe) == pytest.approx([0.9, 0.8, 0.3, 0.2])
    assert question.thresholds["half"] == 0.5
    assert question.thresholds["specific"] == 1.0


def test_only_the_first_target_is_calibrated(predicted, tmp_path):
    recipe = load_recipe("terrassin2024-resnet22").with_changes({"input": {"size_px": 16}})
    part = predicted.parts_of(predicted.write_store(tmp_path, recipe), recipe).validation
    first, second = ask(predicted.predict(part, recipe), recipe)
    assert (first.target.name, first.malignancy, first.uncalibrated) == ("calcified", False, None)
    assert (second.target.name, second.malignancy, second.calibration) == ("malignant", True, None)


@pytest.mark.parametrize(
    ("name", "malignancy"),
    [("pesapane2023-resnet18-task1", False), ("pesapane2023-resnet18-task2", True), ("mracko2024-resnet101", False)],
)
def test_what_tells_malignant_from_benign(name, malignancy):
    recipe = load_recipe(name)
    assert is_malignancy(recipe.patches.targets[0], recipe) is malignancy


def test_rules_in_words():
    assert rule_words(RULES["sensitive"]) == "sensitivity of at least 0.75"
    assert "before calibration" in rule_words(RULES["half"])
