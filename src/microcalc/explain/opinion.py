"""What a score means: its side of each operating point, and where it may be called a probability."""

from __future__ import annotations

from microcalc.breast.frame import NO_CHANGE
from microcalc.evaluation.intervals import wilson
from microcalc.explain.records import Alike, Operation, Opinion, Probability
from microcalc.findings import Spacing
from microcalc.models import Calibration, Card


def give_opinion(
    card: Card, score: float, classes: dict[str, float], spacing_mm: Spacing | None, working_mm: float | None
) -> Opinion:
    """The opinion of a package.

    Args:
        card: of the package.
        score: calibrated where the package is.
        classes: probability of each class, uncalibrated.
        spacing_mm: that of the image; None: nothing states it.
        working_mm: pixel pitch that patches are brought to; None: the image's own.
    """
    calibration, reason = card.calibration, _outside(card, spacing_mm, working_mm)
    return Opinion(
        score=score,
        calibrated=card.calibrated,
        probability=None if calibration is None or reason else _probability(score, calibration),
        reason=reason,
        operating_points=tuple(
            Operation(name=it.name, threshold=it.threshold, reached=score >= it.threshold, meaning=it.false_positives)
            for it in card.operating_points
        ),
        classes=classes,
    )


def _outside(card: Card, spacing_mm: Spacing | None, working_mm: float | None) -> str | None:
    """Why the score is no probability even if the image is one of the calibration population's kind."""
    if card.calibration is None:
        return f"{card.name} is not calibrated"
    if spacing_mm is None:
        assumed = "" if working_mm is None else " (0.07 mm was assumed)"
        return f"nothing states the image's pixel spacing{assumed}: {card.name} may not know such pixels"
    pitch = max(*spacing_mm, working_mm or 0.0)
    if pitch > card.training.coarsest_spacing_mm * NO_CHANGE:
        return f"pixels of {pitch:g} mm are coarser than any that {card.name} was trained on"
    return None


def _probability(score: float, calibration: Calibration) -> Probability:
    """With the share of positives among the validation patches of the same bin of the card.

    They are those that the calibration was fitted on, and several are of one patient: the interval is rather too
    narrow than too wide.
    """
    alike = next((one for one in calibration.bins if one.low < score <= one.high or score == one.low == 0), None)
    if alike is None:
        reason = "no validation patch scored alike" if calibration.bins else "the card counts no validation patches"
        return Probability(value=score, population=calibration.population, alike=None, reason=reason)
    low, high = wilson(alike.positives, alike.count)
    counted = Alike(
        score_from=alike.low,
        score_to=alike.high,
        positives=alike.positives,
        patches=alike.count,
        low=low,
        high=high,
    )
    return Probability(value=score, population=calibration.population, alike=counted, reason=None)
