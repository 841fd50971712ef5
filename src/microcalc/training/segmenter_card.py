"""The card of a trained segmenter."""

from __future__ import annotations

from typing import NamedTuple

from microcalc.models import Card, Training
from microcalc.models.card import Input
from microcalc.recipe import SegmenterRecipe
from microcalc.training.assessment import Reading
from microcalc.training.card import made_with, terms
from microcalc.training.detector_card import detector_card
from microcalc.training.job import Job

_MADE_WITH = ("microcalc", "numpy", "scipy", "opencv-python-headless", "torch", "onnx", "safetensors")
_LIMITATIONS = (
    "It has learnt on images made by a computer, and knows women's as far as those look alike: measure it on your own "
    "before you rely on any number here, and re-anchor its thresholds (microcalc models calibrate). Typically benign "
    "calcifications were left out of training and of the numbers: it has not learnt to tell them from others, and may "
    "mark them. It says nothing of malignancy. Images with coarser pixels are not enlarged."
)
_CITATION = "microcalc (network, training and weights), in the spirit of Terrassin et al., SPIE Medical Imaging 2024."
_TERMS = "Those of the data."


class Fitted(NamedTuple):
    """What a run knows of its network."""

    seconds: float
    patients: int
    views: int
    coarsest_spacing_mm: float


def make_card(job: Job[SegmenterRecipe], fitted: Fitted, reading: Reading | None) -> Card:
    """The card of the package, all but its list of files.

    Without a reading: one that only lists maxima of the map, to be read by ``validation``.
    """
    recipe = job.recipe
    return detector_card(
        job,
        reading,
        fed=Input(spacing_mm=recipe.spacing_mm, proposer=None, segmentation=recipe.input),
        limitations=_LIMITATIONS,
        citation=_CITATION,
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
        floor=recipe.company.above,
    )
