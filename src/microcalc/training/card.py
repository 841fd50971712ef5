"""The card of a trained cascade."""

from __future__ import annotations

from microcalc.models import Card, Metric, Training
from microcalc.models.card import Calibration, Input
from microcalc.models.cascade import Cascade
from microcalc.provenance import package_version
from microcalc.training.job import Job
from microcalc.training.pool import Pool
from microcalc.training.stages import Marking
from microcalc.training.steps import Steps

_MADE_WITH = ("microcalc", "numpy", "scipy", "scikit-learn", "opencv-python-headless", "safetensors")
_INTENDED_USE = "Research on the detection of microcalcifications. Not a medical device: no use in care of patients."
_SYNTHETIC = "Trained and tested on phantoms: what it does on women is not known. "
_LIMITATIONS = (
    "It knows the images it was trained on, and others as far as they look alike: measure it on your own before you "
    "rely on any number here. What its proposer passes over it cannot find. Typically benign calcifications were left "
    "out of training and of the numbers: it has not learnt to tell them from others, and may mark them. It says "
    "nothing of malignancy. Images with coarser pixels are not enlarged."
)
_CITATION = (
    "Cortina Uribe, Seia, Zalevskyi: Calcification detection in mammograms: project report, 2022 (method); "
    "microcalc (this implementation and its weights)."
)
#: Haar-like features are linear in the pixels, so a support vector's window can be computed back from them.
_TERMS = (
    "Those of the data: the weights hold features of the 14 x 14 pixels around some training candidates, from which "
    "the pixels can be computed back where Haar-like ones are among them. Share the package only as the images may be "
    "shared."
)
_SYNTHETIC_TERMS = "None: drawn from random numbers by microcalc; no patient is behind them."
_NO_LICENCE = "none stated: choose one that the terms of the data allow"
_SMOKE = "Made by a smoke run, which shows that everything runs: its weights are good for nothing. "


def make_card(
    job: Job, cascade: Cascade, marking: Marking, metrics: tuple[Metric, ...], train: Pool, steps: Steps
) -> Card:
    """The card of the package, all but its list of files."""
    recipe, fitted = job.recipe, cascade.calibration
    assert fitted is not None
    return Card(
        name=recipe.name,
        version="smoke" if job.smoke else "1",
        kind=recipe.kind,
        title=recipe.title,
        intended_use=_INTENDED_USE,
        limitations=(_SMOKE if job.smoke else "") + (_SYNTHETIC if job.synthetic else "") + _LIMITATIONS,
        malignancy=None,
        licence="Apache-2.0" if job.synthetic else _NO_LICENCE,
        citation=_CITATION,
        input=Input(spacing_mm=recipe.spacing_mm, proposer=recipe.proposer),
        labels=("microcalcification",),
        score_floor=marking.score_floor,
        operating_points=marking.operating_points,
        default_operating_point=recipe.default_operating_point,
        calibrated=True,
        calibration=Calibration(
            method=recipe.calibration,
            population=f"candidates of {recipe.proposer.name} on the validation images of {job.data}; of several on "
            "one calcification the first, none in regions to ignore",
            parameters=fitted,
        ),
        metrics=metrics,
        training=Training(
            data=job.data,
            terms=_SYNTHETIC_TERMS if job.synthetic else _TERMS,
            images=len(train.records),
            patients=len({record.truth.patient for record in train.records}),
            coarsest_spacing_mm=max(recipe.spacing_mm, *(float(one.spacing_mm.max()) for one in train.samples)),
            seed=job.seed,
            seconds=round(sum(step.seconds for step in steps.done), 1),
            made_with={name: version for name in _MADE_WITH if (version := package_version(name)) is not None},
        ),
        recipe=recipe.as_written(),
    )
