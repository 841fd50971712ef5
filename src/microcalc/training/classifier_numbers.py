"""The numbers of a patch classifier on one part of the data."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from microcalc.comparison.case_numbers import area_of, areas_of, why_undefined
from microcalc.comparison.differences import paired
from microcalc.comparison.estimates import Measured, undefined, why_no_interval
from microcalc.comparison.records import Estimate
from microcalc.comparison.scores import reliability_numbers
from microcalc.evaluation.bootstrap import Resamples, Unit, resample_owned
from microcalc.evaluation.case_bootstrap import cell_draws
from microcalc.evaluation.classification import (
    METRICS,
    PROPORTIONS,
    Confusion,
    Metric,
    Proportion,
    confusion,
    metric_values,
    roc,
)
from microcalc.recipe.patch_classifier import PatchRecipe
from microcalc.training.classifier_records import Against, AtPoint, Interval, PartResult, Stratum, TargetResult
from microcalc.training.contrast import contrasts
from microcalc.training.parts import Part
from microcalc.training.patch_strata import PatchStratum, age_strata, snr_strata
from microcalc.training.predictions import Predictions
from microcalc.training.questions import Question, rule_words

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

#: As Pesapane et al. print their intervals ("Model evaluation and statistical analysis").
_PRINTS_TEST_SET = "pesapane2023"
DRAWS = 1000
CONTRAST, NETWORK = "plain contrast", "network"


@dataclass(frozen=True, eq=False)
class _Told:
    """Patches told apart by one question."""

    question: Question
    recipe: PatchRecipe
    labels: Flags
    scores: Array
    #: (m,) plain contrast; None where it says nothing.
    contrast: Array | None
    #: Of these patches.
    resamples: Resamples

    def at(self, stratum: PatchStratum) -> _Told:
        """The same of some of the patches."""
        chosen = stratum.positions
        return _Told(
            self.question,
            self.recipe,
            self.labels[chosen],
            self.scores[chosen],
            None if self.contrast is None else self.contrast[chosen],
            self.resamples.part(chosen),
        )


def part_result(
    predictions: Predictions, questions: tuple[Question, ...], recipe: PatchRecipe, seed: int
) -> PartResult:
    """Everything that is stated of one part.

    Args:
        predictions: of the network.
        questions: the recipe's targets, with what validation has fixed.
        recipe: classes and targets.
        seed: of the resamples.
    """
    part = predictions.part
    resamples = resample_patches(part, seed)
    contrast = None if all(one.malignancy for one in questions) else contrasts(part)
    called = predictions.probabilities.argmax(axis=1)
    counts = balance(part, recipe)
    cells = np.zeros((len(counts), len(counts)), np.intp)
    np.add.at(cells, (part.classes, called), 1)
    return PartResult(
        split=part.split,
        images=images_of(part),
        patients=patients_of(part),
        unit=resamples.unit,
        patches=counts,
        confusion=tuple(tuple(row) for row in cells.tolist()),
        accuracy=_accuracy(part.classes == called, resamples),
        targets=tuple(_target_result(predictions, one, recipe, contrast, resamples) for one in questions),
    )


def resample_patches(part: Part, seed: int) -> Resamples:
    """Resamples by patient; the image of a patch stands for its patient where nobody knows who that is."""
    unit: Unit = "image" if patients_of(part) is None else "patient"
    return resample_owned([patch.key for patch in part.patches], part.patients, unit=unit, draws=DRAWS, seed=seed)


def balance(part: Part, recipe: PatchRecipe) -> dict[str, int]:
    """Patches of each class."""
    counts: list[int] = np.bincount(part.classes, minlength=len(recipe.patches.classes)).tolist()
    return dict(zip((one.name for one in recipe.patches.classes), counts, strict=True))


def images_of(part: Part) -> int:
    """How many there are."""
    return len({patch.image for patch in part.patches})


def patients_of(part: Part) -> int | None:
    """How many there are; None where the data do not say of every patch."""
    found = {patch.patient for patch in part.patches}
    return None if None in found else len(found)


def _target_result(
    predictions: Predictions,
    question: Question,
    recipe: PatchRecipe,
    contrast: Array | None,
    resamples: Resamples,
) -> TargetResult:
    labels, scores = predictions.is_positive(question.target, recipe), question.scores(predictions, recipe)
    told = _Told(question, recipe, labels, scores, None if question.malignancy else contrast, resamples)
    area, precision = areas_of(labels, scores, resamples)
    false, true = _corners(labels, scores)
    strata = [*([] if question.malignancy else snr_strata(predictions.part, labels)), *age_strata(predictions.part)]
    return TargetResult(
        target=question.target.name,
        classes=question.target.classes,
        malignancy=question.malignancy,
        uncalibrated=question.uncalibrated,
        chosen_by={name: rule_words(rule) for name, rule in recipe.operating_points.items()},
        positives=int(labels.sum()),
        negatives=int((~labels).sum()),
        auc=area.estimate(),
        average_precision=precision.estimate(),
        false_positive_rate=false,
        true_positive_rate=true,
        points=tuple(_at_point(told, name, threshold) for name, threshold in question.thresholds.items()),
        reliability=reliability_numbers(labels, scores),
        strata=tuple(_stratum(stratum, predictions.part, told.at(stratum)) for stratum in strata),
        contrast=_against(told, area),
    )


def _corners(labels: Flags, scores: Array) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """False and true positive rates of the ROC where it turns; nothing where all patches are of one class."""
    if labels.all() or not labels.any():
        return (), ()
    curve = roc(labels, scores)
    steps = np.diff(np.stack([curve.false_positive_rate, curve.true_positive_rate]))
    turns = ~np.isclose(steps[0, 1:] * steps[1, :-1], steps[0, :-1] * steps[1, 1:], atol=0.0)
    kept = np.concatenate([[True], turns, [True]])
    return tuple(curve.false_positive_rate[kept].tolist()), tuple(curve.true_positive_rate[kept].tolist())


def _at_point(told: _Told, name: str, threshold: float) -> AtPoint:
    counts = confusion(told.labels, told.scores, threshold)
    drawn = cell_draws(told.labels, told.scores >= threshold, told.resamples)
    printed = told.recipe.paper == _PRINTS_TEST_SET
    return AtPoint(
        name=name,
        threshold=threshold,
        true_positives=counts.tp,
        false_positives=counts.fp,
        true_negatives=counts.tn,
        false_negatives=counts.fn,
        metrics={metric: _metric(counts, drawn, metric, told.resamples) for metric in METRICS},
        wilson=dict(_intervals(counts, printed=False)),
        as_printed=dict(_intervals(counts, printed=True)) if printed else {},
    )


def _intervals(counts: Confusion, *, printed: bool) -> Iterator[tuple[Proportion, Interval]]:
    """Of every share that is defined: Wilson's, or as the paper prints it."""
    for metric in PROPORTIONS:
        ends = counts.interval(metric, "normal", "test_set") if printed else counts.interval(metric)
        if not math.isnan(ends[0]):
            yield metric, ends


def _metric(counts: Confusion, drawn: Array, metric: Metric, resamples: Resamples) -> Estimate:
    n = counts.total if metric == "f1" or metric == "mcc" else counts.counts(metric)[1]
    value = counts.value(metric)
    if math.isnan(value):
        return undefined(why_undefined(metric), n)
    why_none = why_no_interval({"patches": resamples.owner}, resamples.unit)
    return Measured(metric, value, metric_values(metric, drawn), n, why_none).estimate()


def _accuracy(right: Flags, resamples: Resamples) -> Estimate:
    """Share of patches that are called what they are."""
    counts = Confusion(tp=int(right.sum()), fp=0, tn=0, fn=int((~right).sum()))
    return _metric(counts, cell_draws(np.ones_like(right), right, resamples), "accuracy", resamples)


def _stratum(stratum: PatchStratum, part: Part, told: _Told) -> Stratum:
    area = area_of("ROC AUC", told.labels, told.scores, told.resamples)
    threshold = told.question.thresholds[told.recipe.default_operating_point]
    counts = confusion(told.labels, told.scores, threshold)
    drawn = cell_draws(told.labels, told.scores >= threshold, told.resamples)
    behind = {part.patches[i].patient for i in stratum.positions[told.labels].tolist()}
    return Stratum(
        by=stratum.by,
        name=stratum.name,
        positives=int(told.labels.sum()),
        negatives=int((~told.labels).sum()),
        patients=None if None in behind else len(behind),
        auc=area.estimate(),
        sensitivity=_metric(counts, drawn, "sensitivity", told.resamples),
        accuracy=_metric(counts, drawn, "accuracy", told.resamples),
        contrast=_against(told, area),
    )


def _against(told: _Told, area: Measured) -> Against | None:
    """Plain contrast on the same patches and resamples."""
    if told.contrast is None:
        return None
    plain = area_of("ROC AUC", told.labels, told.contrast, told.resamples)
    return Against(name=CONTRAST, auc=plain.estimate(), difference=paired(NETWORK, CONTRAST, area, plain))
