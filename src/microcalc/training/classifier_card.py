"""The card of a network that was trained on patches."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from microcalc.comparison.records import Estimate
from microcalc.mammogram import TYPICAL_SPACING_MM
from microcalc.models import Card, Metric, Training
from microcalc.models.card import Input
from microcalc.recipe import MultiTaskSegmenterRecipe
from microcalc.recipe.patch_classifier import PatchRecipe
from microcalc.training.card import INTENDED_USE, licence, made_with, terms
from microcalc.training.classifier_records import ClassifierReport, PartResult, TargetResult
from microcalc.training.job import Job
from microcalc.training.parts import Part
from microcalc.training.scoring import Scoring

if TYPE_CHECKING:  # torch
    from microcalc.training.fit import Fitted

_MADE_WITH = (
    *("microcalc", "numpy", "scipy", "opencv-python-headless", "torch", "torchvision", "timm", "lightning", "onnx"),
    *("onnxruntime", "safetensors"),
)
_CITATION = "microcalc (this implementation and its weights)."
_TERMS = (
    "Those of the data: the weights were trained on patches of these images, and parts of training images have been "
    "computed back from networks. Share the package only as the images may be shared."
)
_LIMITATIONS = (
    "It judges patches cut by the protocol {protocol}, and others as far as they look alike: measure it on your own "
    "before you rely on any number here. Accuracy, PPV, NPV, F1, MCC and average precision hold for the mix of "
    "positive and negative patches of these data, and for no other."
)
_NO_SPACING = "The pixel pitch of its training patches is not known: 0.07 mm was taken."
_CHOSEN_HERE = "thresholds and calibration were chosen on these very patches"
_LEAKING = "patients stand on both sides of the split: too good"
_MALIGNANCY = "experimental; of synthetic classes it measures the generator’s odds"


def make_card(
    job: Job[PatchRecipe],
    train: Part,
    fitted: Fitted,
    scoring: Scoring,
    report: ClassifierReport,
) -> Card:
    """The card of the package, all but its list of files.

    Args:
        job: recipe, data and seed.
        train: the patches trained on.
        fitted: the network.
        scoring: how its score is to be read.
        report: the numbers, and what is to be known of them.
    """
    recipe = job.recipe
    pitch = _coarsest_mm(train)
    limitations = (
        *report.remarks,
        _LIMITATIONS.format(protocol=recipe.patches.protocol),
        *([] if pitch else [_NO_SPACING]),
        *scoring.remarks,
        _made_from(report),
    )
    return Card(
        name=recipe.name,
        version="smoke" if job.smoke else "1",
        kind=recipe.kind,
        title=recipe.title,
        intended_use=INTENDED_USE,
        limitations=" ".join(limitations),
        malignancy="experimental" if any(target.malignancy for target in report.parts[0].targets) else None,
        licence=licence(job),
        citation=f"{report.paper} (method); {_CITATION}" if report.paper else _CITATION,
        input=_input(recipe),
        labels=scoring.labels,
        score_floor=scoring.floor,
        operating_points=scoring.points,
        default_operating_point=recipe.default_operating_point,
        calibrated=scoring.calibration is not None,
        calibration=scoring.calibration,
        metrics=tuple(row for part in report.parts for row in _of_part(job, part)),
        training=Training(
            data=job.data,
            terms=terms(job, _TERMS),
            images=report.trained_images,
            patients=report.trained_patients,
            coarsest_spacing_mm=pitch or TYPICAL_SPACING_MM[0],
            seed=job.seed,
            seconds=round(fitted.seconds, 1),
            epochs=len(fitted.history),
            patches=fitted.patches,
            made_with=made_with(_MADE_WITH),
        ),
        recipe=recipe.as_written(),
    )


def _input(recipe: PatchRecipe) -> Input:
    """What the network is fed: patches, and where it maps, tiles of whole images."""
    fed = Input(spacing_mm=recipe.spacing_mm, proposer=None, patch=recipe.input)
    if isinstance(recipe, MultiTaskSegmenterRecipe):
        return fed.model_copy(update={"segmentation": recipe.segmentation})
    return fed.model_copy(update={"network": recipe.network})


def _made_from(report: ClassifierReport) -> str:
    """Balance of the training patches, how training ended, and what it waited for."""
    balance = ", ".join(f"{name} {number:,}" for name, number in report.trained_on.items())
    waiting = "" if report.waiting is None else f"; {report.waiting:.1%} of the time was spent waiting for data"
    return f"Training patches: {balance}. Training ended: {report.stopped}; epoch {report.kept} kept{waiting}."


def _coarsest_mm(part: Part) -> float | None:
    """Largest pixel pitch of a part's patches; None where the data do not say."""
    if part.store.manifest.spacing_mm is not None:
        return part.store.manifest.spacing_mm
    truths = {patch.image: part.truth_of.get(patch.image) for patch in part.patches}.values()
    known = [max(truth.spacing_mm) for truth in truths if truth is not None and truth.spacing_mm is not None]
    return max(known) if known and len(known) == len(truths) else None


def _of_part(job: Job[PatchRecipe], part: PartResult) -> Iterator[Metric]:
    """Every number of a part that a reader of a card asks for."""
    yield _metric(job, part, "accuracy of the likeliest class", part.accuracy)
    for target in part.targets:
        for measure, estimate in _of_target(target):
            remark = _MALIGNANCY if target.malignancy else None
            yield _metric(job, part, f"{measure}, {target.target}", estimate, remark)


def _of_target(target: TargetResult) -> Iterator[tuple[str, Estimate]]:
    yield "AUC", target.auc
    yield "average precision", target.average_precision
    for point in target.points:
        yield from ((f"{metric} at {point.name}", estimate) for metric, estimate in point.metrics.items())
    if target.contrast is not None:
        yield f"AUC of {target.contrast.name}", target.contrast.auc
        yield f"AUC minus that of {target.contrast.name}", target.contrast.difference.difference
    for stratum in target.strata:
        name = f"{stratum.by.upper() if stratum.by == 'snr' else stratum.by} {stratum.name}"
        yield f"AUC, {name}", stratum.auc
        yield f"sensitivity, {name}", stratum.sensitivity
        yield f"accuracy, {name}", stratum.accuracy
        if stratum.contrast is not None:
            yield f"AUC minus that of {stratum.contrast.name}, {name}", stratum.contrast.difference.difference


def _metric(
    job: Job[PatchRecipe], part: PartResult, measure: str, estimate: Estimate, remark: str | None = None
) -> Metric:
    remarks = (
        estimate.remark,
        _CHOSEN_HERE if part.split == "validation" else None,
        _LEAKING if job.recipe.patches.split_by == "patch" else None,
        remark,
    )
    return Metric(
        measure=measure,
        value=estimate.value,
        low=estimate.low,
        high=estimate.high,
        data=job.data,
        split=part.split,
        n=estimate.n,
        level="patch",
        rule=None,
        remark="; ".join(filter(None, remarks)) or None,
    )
