"""The card of a trained cascade."""

from __future__ import annotations

from microcalc.models import Card, Metric, Training
from microcalc.models.card import Input
from microcalc.models.cascade import Cascade
from microcalc.recipe import CascadeRecipe
from microcalc.training.assessment import Reading
from microcalc.training.card import made_with, terms
from microcalc.training.detector_card import detector_card
from microcalc.training.job import Job
from microcalc.training.pool import Pool
from microcalc.training.stages import Marking
from microcalc.training.steps import Steps

_MADE_WITH = ("microcalc", "numpy", "scipy", "scikit-learn", "opencv-python-headless", "safetensors")
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


def make_card(
    job: Job[CascadeRecipe], cascade: Cascade, marking: Marking, metrics: tuple[Metric, ...], train: Pool, steps: Steps
) -> Card:
    """The card of the package, all but its list of files."""
    recipe, fitted = job.recipe, cascade.calibration
    assert fitted is not None
    population = (
        f"candidates of {recipe.proposer.name} on the validation images of {job.data}; of several on one calcification "
        "the first, none in regions to ignore"
    )
    return detector_card(
        job,
        Reading(fitted, population, marking, metrics),
        fed=Input(spacing_mm=recipe.spacing_mm, proposer=recipe.proposer),
        limitations=_LIMITATIONS,
        citation=_CITATION,
        training=Training(
            data=job.data,
            terms=terms(job, _TERMS),
            images=len(train.records),
            patients=len({record.truth.patient for record in train.records}),
            coarsest_spacing_mm=max(recipe.spacing_mm, *(float(one.spacing_mm.max()) for one in train.samples)),
            seed=job.seed,
            seconds=round(sum(step.seconds for step in steps.done), 1),
            made_with=made_with(_MADE_WITH),
        ),
    )
