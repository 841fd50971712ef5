"""Level and rule, where a call names none, and whether they fit each other."""

from __future__ import annotations

from collections.abc import Sequence

from microcalc.comparison.scored import ASSUMED_SPACING_MM
from microcalc.errors import UsageError
from microcalc.evaluation.detections import Detections
from microcalc.evaluation.levels import Level
from microcalc.evaluation.matching import Rule, match, parse_rule
from microcalc.truth import ImageTruth


def choose_rule(truths: Sequence[ImageTruth], level: Level | None, name: str | None) -> tuple[Level, Rule]:
    """What is to be found, and what counts as found.

    Args:
        truths: of the images.
        level: None: calcification if a detector is asked for any, else cluster.
        name: of the rule; None: ``disc14`` for calcifications and, where any are listed, for images, breasts and
            patients; else ``cluster``.

    Raises:
        UsageError: no such rule, or one that does not fit the level.
    """
    if level is None:
        level = "calcification" if _asks_for_calcifications(truths) else "cluster"
    if name is None:
        single = level == "calcification" or (level != "cluster" and any(truth.calcifications for truth in truths))
        name = "disc14" if single else "cluster"
    rule = parse_rule(name)
    if level in ("calcification", "cluster") and rule.lesions != level:
        raise UsageError(
            expected=f"a rule for the level {level}",
            found=f"{rule.name}, which is about single {rule.lesions}s",
            do=f"choose --level {rule.lesions}, or leave --rule out",
        )
    return level, rule


def _asks_for_calcifications(truths: Sequence[ImageTruth]) -> bool:
    """Whether any lies outside the regions to ignore."""
    nothing, rule = Detections.of_marks((), None), parse_rule("disc14")
    return any(
        match(nothing, truth, rule, truth.spacing_mm or ASSUMED_SPACING_MM).target.any()
        for truth in truths
        if truth.calcifications
    )
