"""What validation fixes of each target of a recipe: how its probabilities are calibrated, and its thresholds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from microcalc.errors import UsageError
from microcalc.evaluation.calibration import Isotonic, Platt
from microcalc.evaluation.classification import Roc, roc
from microcalc.evaluation.operating_points import at_sensitivity, at_specificity, tangent, youden
from microcalc.recipe.patch_classifier import PatchRecipe, PointRule, Target
from microcalc.training.calibrations import CALIBRATIONS
from microcalc.training.predictions import Predictions

Array = NDArray[np.float64]

_NOT_FIRST = "only the first target's probabilities are calibrated"


@dataclass(frozen=True, eq=False)
class Question:
    """A target of the recipe, and what validation has fixed for it."""

    target: Target
    #: Whether it tells malignant from benign.
    malignancy: bool
    #: Of its probabilities; None: they are the scores.
    calibration: Isotonic | Platt | None
    #: Why they are the scores.
    uncalibrated: str | None
    #: Name of the operating point -> threshold on the scores, 0..1.
    thresholds: Mapping[str, float]

    def scores(self, predictions: Predictions, recipe: PatchRecipe) -> Array:
        """(m,) 0..1, calibrated where there is a calibration."""
        probabilities = predictions.target_scores(self.target, recipe)
        return probabilities if self.calibration is None else self.calibration(probabilities)


def ask(validation: Predictions, recipe: PatchRecipe) -> tuple[Question, ...]:
    """The questions of a recipe, the first of which gives the package its score.

    Only that one is calibrated. Thresholds of the others are probabilities.

    Raises:
        UsageError: for some target all validation patches are of one class.
    """
    return tuple(_ask(target, validation, recipe) for target in recipe.patches.targets)


def _ask(target: Target, validation: Predictions, recipe: PatchRecipe) -> Question:
    labels, scores = validation.is_positive(target, recipe), validation.target_scores(target, recipe)
    first, half = target is recipe.patches.targets[0], 0.5
    calibration, why_not = calibrated(labels, scores, recipe) if first else (None, _NOT_FIRST)
    if calibration is not None:
        scores, half = calibration(scores), float(calibration(half))
    curve = roc(labels, scores)
    thresholds = {name: threshold_by(rule, curve, half) for name, rule in recipe.operating_points.items()}
    return Question(target, is_malignancy(target, recipe), calibration, why_not, thresholds)


def is_malignancy(target: Target, recipe: PatchRecipe) -> bool:
    """Whether the target has malignant patches, and no benign ones."""
    labels = {label for one in recipe.patches.classes if one.name in target.classes for label in one.labels}
    return "malignant" in labels and "benign" not in labels


def calibrated(
    labels: NDArray[np.bool_], scores: Array, recipe: PatchRecipe
) -> tuple[Isotonic | Platt | None, str | None]:
    """The calibration, or why there is none: a network that has learnt nothing has no rising sigmoid."""
    try:
        return CALIBRATIONS[recipe.calibration](labels, scores), None
    except UsageError as error:
        return None, f"no calibration: expected {error.expected}, found {error.found}"


def threshold_by(rule: PointRule, curve: Roc, half: float) -> float:
    """0..1; ``half`` stands for probability one half; a wish that no score meets gets 1, which hardly any reach."""
    if rule.rule == "argmax":
        return half
    if rule.rule == "sensitivity" and rule.value is not None:
        point = at_sensitivity(curve, rule.value)
    elif rule.rule == "specificity" and rule.value is not None:
        point = at_specificity(curve, rule.value)
    else:
        point = tangent(curve) if rule.rule == "tangent" else youden(curve)
    return min(1.0, point.threshold)


def rule_words(rule: PointRule) -> str:
    """How a threshold was chosen, for a reader."""
    if rule.value is not None:
        return f"{rule.rule} of at least {rule.value:g}"
    return {
        "argmax": "probability one half, before calibration",
        "youden": "Youden’s index",
        "tangent": "tangent of slope 1",
    }[rule.rule]
