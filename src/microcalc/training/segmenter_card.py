"""The card of a trained segmenter."""

from __future__ import annotations

from typing import NamedTuple

from microcalc.evaluation.calibration import Isotonic, Platt
from microcalc.findings import OperatingPoint
from microcalc.models import Card, Metric, Training
from microcalc.models.card import Calibration, Input
from microcalc.recipe import SegmenterRecipe
from microcalc.training.card import INTENDED_USE, licence, made_with, origin, terms
from microcalc.training.job import Job
from microcalc.training.stages import Marking

_MADE_WITH = ("microcalc", "numpy", "scipy", "opencv-python-headless", "torch", "onnx", "safetensors")
_LIMITATIONS = (
    "It has learnt on images made by a computer, and knows women's as far as those look alike: measure it on your own "
    "before you rely on any number here, and re-anchor its thresholds (microcalc models calibrate). Typically benign "
    "calcifications were left out of training and of the numbers: it has not learnt to tell them from others, and may "
    "mark them. It says nothing of malignancy. Images with coarser pixels are not enlarged."
)
_CITATION = "microcalc (network, training and weights), in the spirit of Terrassin et al., SPIE Medical Imaging 2024."
_TERMS = "Those of the data."
#: The operating point before there is a calibration.
_UNREAD = "all"


class Fitted(NamedTuple):
    """What a run knows of its network."""

    seconds: float
    patients: int
    views: int
    coarsest_spacing_mm: float


class Reading(NamedTuple):
    """How its maps are read."""

    calibration: Isotonic | Platt
    population: str
    marking: Marking
    metrics: tuple[Metric, ...]


def make_card(job: Job[SegmenterRecipe], fitted: Fitted, reading: Reading | None) -> Card:
    """The card of the package, all but its list of files.

    Without a reading: one that only lists maxima of the map, to be read by ``validation``.
    """
    recipe = job.recipe
    marking = Marking(_unread(), recipe.company.above) if reading is None else reading.marking
    return Card(
        name=recipe.name,
        version="smoke" if job.smoke else "1",
        kind=recipe.kind,
        title=recipe.title,
        intended_use=INTENDED_USE,
        limitations=origin(job) + _LIMITATIONS,
        malignancy=None,
        licence=licence(job),
        citation=_CITATION,
        input=Input(spacing_mm=recipe.spacing_mm, proposer=None, segmentation=recipe.input),
        labels=("microcalcification",),
        score_floor=marking.score_floor,
        operating_points=marking.operating_points,
        default_operating_point=_UNREAD if reading is None else recipe.default_operating_point,
        calibrated=reading is not None,
        calibration=None
        if reading is None
        else Calibration(method=recipe.calibration, population=reading.population, parameters=reading.calibration),
        metrics=() if reading is None else reading.metrics,
        training=Training(
            data=f"windows of {fitted.views} phantoms, seed {recipe.bank.seed}; chosen and tested on {job.data}",
            terms=terms(job, _TERMS),
            images=fitted.views,
            patients=fitted.patients,
            coarsest_spacing_mm=fitted.coarsest_spacing_mm,
            seed=job.seed,
            seconds=round(fitted.seconds, 1),
            made_with=made_with(_MADE_WITH),
        ),
        recipe=recipe.as_written(),
    )


def _unread() -> tuple[OperatingPoint, ...]:
    return (OperatingPoint(_UNREAD, 1.0, "not known yet: all marks are listed, none is shown"),)
