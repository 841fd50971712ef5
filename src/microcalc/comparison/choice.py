"""Level and rule, where a call names none, and whether they fit each other."""

from __future__ import annotations

from collections.abc import Sequence

from microcalc.errors import UsageError
from microcalc.evaluation.detections import Detections
from microcalc.evaluation.levels import Level
from microcalc.evaluation.matching import Rule, match, parse_rule
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


def _asks_for_calcifications(truths: Sequence[ImageTruth]) -> bool:
    """Whether any lies outside the regions to ignore."""
    nothing, rule = Detections.of_marks((), None), parse_rule("disc14")
    return any(
        match(nothing, truth, rule, truth.spacing_mm or TYPICAL_SPACING_MM).target.any()
        for truth in truths
        if truth.calcifications
    )
