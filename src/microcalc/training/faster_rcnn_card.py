"""The card of a trained Faster R-CNN."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from microcalc.models import Card, Metric, Training
from microcalc.models.card import Input
from microcalc.recipe import FasterRcnnRecipe
from microcalc.training.assessment import Reading
from microcalc.training.box_history import BoxScores
from microcalc.training.card import made_with, terms
from microcalc.training.detector_card import detector_card
from microcalc.training.faster_rcnn_fit import BoxFit
from microcalc.training.job import Job
from microcalc.training.marked_patches import MarkedPart, MarkedParts

_MADE_WITH = ("microcalc", "numpy", "scipy", "opencv-python-headless", "torch", "torchvision", "torchmetrics", "onnx")
_LIMITATIONS = (
    "It knows the images that it was trained on, and others as far as they look alike: measure it on your own before "
    "you rely on any number here, and re-anchor its thresholds (microcalc models calibrate). Its patches all hold "
    "calcifications: of images without any it has seen nothing. Typically benign calcifications were left out of "
    "training and of the numbers, and it may mark them. It says nothing of malignancy. Images with coarser pixels are "
    "not enlarged."
)
_CITATION = (
    "Cortina Uribe, Seia, Zalevskyi: Calcification detection in mammograms: project report, 2022 (method); "
    "torchvision (the network's parts); microcalc (this implementation and its weights)."
)
_TERMS = "Those of the data."
_CHOSEN_ON = "one number of all patches: no interval; the epoch was chosen by it on these very patches"
_NO_INTERVAL = "one number of all patches: no interval"


class Trainee(NamedTuple):
    """What a run knows of its network."""

    fit: BoxFit
    parts: MarkedParts
    #: Of the test patches, with the weights that are kept; None: there are none.
    test: BoxScores | None


def make_card(job: Job[FasterRcnnRecipe], trainee: Trainee, reading: Reading | None) -> Card:
    """The card of the package, all but its list of files.

    Args:
        job: recipe, data and seed.
        trainee: the network.
        reading: how its boxes are read; None: not known yet.
    """
    recipe, train = job.recipe, trainee.parts.train.patches
    images = {patch.image for patch in train.patches}
    known = [max(train.truth_of[image].spacing_mm or (0.0,)) for image in images]  # finer ones are shrunk
    card = detector_card(
        job,
        reading,
        fed=Input(spacing_mm=recipe.spacing_mm, proposer=None, network=recipe.network.backbone),
        limitations=_LIMITATIONS,
        citation=_CITATION,
        training=Training(
            data=f"{job.data}; {trainee.fit.start}",
            terms=terms(job, _TERMS),
            images=len(images),
            patients=len(set(train.patients)),
            coarsest_spacing_mm=max(recipe.spacing_mm, *known),
            epochs=len(trainee.fit.history.epochs),
            patches=trainee.fit.patches,
            seed=job.seed,
            seconds=round(trainee.fit.seconds, 1),
            made_with=made_with(_MADE_WITH),
        ),
        floor=recipe.scanning.score_floor,
    )
    return card.model_copy(update={"metrics": (*card.metrics, *box_metrics(job.data, trainee))})


def box_metrics(data: str, trainee: Trainee) -> Iterator[Metric]:
    """AP50 and AR of patches, as Table 5 of the report has them."""
    kept = trainee.fit.history.epochs[trainee.fit.history.kept - 1]
    yield from _metrics(data, trainee.parts.validation, BoxScores(kept.ap50, kept.recall), _CHOSEN_ON)
    if trainee.test is not None:
        yield from _metrics(data, trainee.parts.test, trainee.test, _NO_INTERVAL)


def _metrics(data: str, part: MarkedPart, scores: BoxScores, remark: str) -> Iterable[Metric]:
    boxes = sum(len(each) for each in part.boxes)
    for measure, value in (("AP50", scores.ap50), ("AR, IoU 0.50 to 0.95", scores.recall)):
        defined = not math.isnan(value)
        yield Metric(
            measure=measure,
            value=value if defined else None,
            low=None,
            high=None,
            data=data,
            split=part.patches.split,
            n=boxes,
            level="calcification",
            rule="iou",
            remark=f"{remark}; {len(part)} patches" if defined else "nothing to box on these patches",
        )
