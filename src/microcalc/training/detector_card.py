"""What the cards of all trained detectors that are looked at on whole mammograms have in common."""

from __future__ import annotations

from microcalc.findings import OperatingPoint
from microcalc.models import Card, Training
from microcalc.models.card import Calibration, Input
from microcalc.recipe import CascadeRecipe
from microcalc.recipe.detector import DetectorRecipeT
from microcalc.training.assessment import Reading
from microcalc.training.card import INTENDED_USE, licence, origin
from microcalc.training.job import Job
from microcalc.training.stages import Marking

#: The operating point before there is a calibration.
_UNREAD = OperatingPoint("all", 1.0, "not known yet: all marks are listed, none is shown")


def detector_card(
    job: Job[DetectorRecipeT] | Job[CascadeRecipe],
    reading: Reading | None,
    *,
    fed: Input,
    limitations: str,
    citation: str,
    training: Training,
    floor: float = 0.0,
) -> Card:
    """The card of a detector's package, all but its list of files.

    Args:
        job: recipe, data and seed.
        reading: how marks are read; None: not known yet, all are listed, to be looked at on validation.
        fed: what the detector is fed.
        limitations: of this kind; what is to be known first of all is put before them.
        citation: of method and implementation.
        training: what it was trained on.
        floor: without a reading, the score from which marks are listed; a reading has its own.
    """
    recipe = job.recipe
    marking = Marking((_UNREAD,), floor) if reading is None else reading.marking
    return Card(
        name=recipe.name,
        version="smoke" if job.smoke else "1",
        kind=recipe.kind,
        title=recipe.title,
        intended_use=INTENDED_USE,
        limitations=origin(job) + limitations,
        malignancy=None,
        licence=licence(job),
        citation=citation,
        input=fed,
        labels=("microcalcification",),
        score_floor=marking.score_floor,
        operating_points=marking.operating_points,
        default_operating_point=_UNREAD.name if reading is None else recipe.default_operating_point,
        calibrated=reading is not None,
        calibration=None
        if reading is None
        else Calibration(method=recipe.calibration, population=reading.population, parameters=reading.calibration),
        metrics=() if reading is None else reading.metrics,
        training=training,
        recipe=recipe.as_written(),
    )
