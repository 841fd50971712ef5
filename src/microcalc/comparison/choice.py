"""Level and rule, where a call names none, and whether they fit each other and the truth."""

from __future__ import annotations

from collections.abc import Sequence

from microcalc.errors import UsageError
from microcalc.evaluation.cases import cases_of
from microcalc.evaluation.detections import Detections
from microcalc.evaluation.froc import Per, froc
from microcalc.evaluation.levels import Level
from microcalc.evaluation.matching import Rule, match, parse_rule
from microcalc.evaluation.scores import ImageScores, score_image
from microcalc.mammogram import TYPICAL_SPACING_MM
from microcalc.truth import ImageTruth


def choose_rule(truths: Sequence[ImageTruth], level: Level | None, name: str | None) -> tuple[Level, Rule]:
    """What is to be found, and what counts as found.

    Args:
        truths: of the images.
        level: None: that of the rule, if one is named; else calcification if a detector is asked for any, else cluster.
        name: of the rule; None: ``disc14`` for calcifications and, where a detector is asked for any, for images,
            breasts and patients; else ``cluster``.

    Raises:
        UsageError: no such rule, or one that does not fit the level.
    """
    if name is None:
        single = level == "calcification" or (level != "cluster" and _asks_for_calcifications(truths))
        name = "disc14" if single else "cluster"
    rule = parse_rule(name)
    level = level or rule.lesions
    if level in ("calcification", "cluster") and rule.lesions != level:
        raise UsageError(
            expected=f"a rule for the level {level}",
            found=f"{rule.name}, which is about {rule.lesions}s",
            do=f"choose --level {rule.lesions}, or leave --rule out",
        )
    return level, rule


def check_defined(truths: Sequence[ImageTruth], level: Level, rule: Rule, per: Per) -> None:
    """Make sure, before anything is detected, that the numbers of an evaluation are defined on these images.

    Where false positives are counted by the area of the breast, that may come from the detectors, and is not asked for.

    Raises:
        UsageError: nothing to be found, no image known to be normal where false positives are counted on those, or a
            patient or side that the level asks for is unknown.
    """
    if per == "cm2":
        truths = [truth.model_copy(update={"breast_area_cm2": 1.0}) for truth in truths]
    scores = [_unfound(truth, rule) for truth in truths]
    froc(scores, level=level, per=per)
    cases_of(scores, level)


def _asks_for_calcifications(truths: Sequence[ImageTruth]) -> bool:
    """Whether any lies outside the regions to ignore."""
    rule = parse_rule("disc14")
    return any(_unfound(truth, rule).lesions.size for truth in truths if truth.calcifications)


def _unfound(truth: ImageTruth, rule: Rule) -> ImageScores:
    """What the numbers take from an image on which nothing is found."""
    nothing = Detections.of_marks((), None)
    return score_image(nothing, match(nothing, truth, rule, truth.spacing_mm or TYPICAL_SPACING_MM), truth, rule)
