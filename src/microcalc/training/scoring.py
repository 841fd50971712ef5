"""How the score of a package is to be read: what it is of, its thresholds and its calibration, all from validation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from microcalc.evaluation.calibration import Isotonic, Platt, reliability
from microcalc.evaluation.classification import confusion, roc
from microcalc.findings import OperatingPoint
from microcalc.models.card import Calibration, CalibrationBin
from microcalc.output.words import count
from microcalc.recipe.patch_classifier import PatchRecipe
from microcalc.training.job import Job
from microcalc.training.predictions import Predictions
from microcalc.training.questions import Question, calibrated, rule_words, threshold_by

if TYPE_CHECKING:  # torch
    from microcalc.training.marks import Marks

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

_HALF = 0.5


@dataclass(frozen=True, eq=False)
class Scoring:
    """What a card says of the score."""

    #: What a high score stands for, one an output.
    labels: tuple[str, ...]
    #: Nothing is listed below it.
    floor: float
    points: tuple[OperatingPoint, ...]
    #: None: scores are not calibrated.
    calibration: Calibration | None
    #: What else is to be known.
    remarks: tuple[str, ...] = ()


def score_of_patches(job: Job[PatchRecipe], validation: Predictions, question: Question) -> Scoring:
    """Of a network that judges patches.

    Args:
        job: recipe and data.
        validation: what it says of the validation patches.
        question: of the first target, which gives the score.
    """
    recipe = job.recipe
    labels, scores = validation.is_positive(question.target, recipe), question.scores(validation, recipe)
    population = (
        f"validation patches of {job.data}, cut by {recipe.patches.protocol}: "
        f"{int(labels.sum())} of {labels.size} are {question.target.name}"
    )
    return Scoring(
        labels=tuple(one.name for one in recipe.patches.classes),
        floor=0.0,
        points=tuple(_points_of_patches(job, labels, scores, question)),
        calibration=_calibration(job, labels, scores, question.calibration, population),
    )


def score_of_marks(job: Job[PatchRecipe], marks: Marks) -> Scoring:
    """Of a network that outlines calcifications: each mark's own, however many lie on a patch.

    Where hits or false marks are missing, nothing is told apart: there is no calibration, and every point is at one
    half.

    Args:
        job: recipe and data.
        marks: on the validation patches.
    """
    recipe, found = job.recipe, f"{int(marks.hits.sum())} of {count(marks.hits.size, 'mark')} are hits"
    if marks.hits.all() or not marks.hits.any():
        why = "there are no hits" if not marks.hits.any() else "there are no false marks"
        text = f"not known: on the validation patches of {job.data} {why}, so that probability one half is taken"
        points = tuple(OperatingPoint(name, _HALF, text) for name in recipe.operating_points)
        return Scoring(marks.kinds, marks.floor, points, None, (f"Scores of marks are not calibrated: {why}.",))
    calibration, why_not = calibrated(marks.hits, marks.scores, recipe)
    scores, half, floor = marks.scores, _HALF, marks.floor
    if calibration is not None:
        scores, half, floor = calibration(scores), float(calibration(half)), float(calibration(floor))
    population = f"marks on validation patches of {job.data}, cut by {recipe.patches.protocol}: {found}"
    return Scoring(
        labels=marks.kinds,
        floor=floor,
        points=tuple(_points_of_marks(job, marks, scores, half)),
        calibration=_calibration(job, marks.hits, scores, calibration, population),
        remarks=() if why_not is None else (f"Scores of marks are not calibrated; {why_not}.",),
    )


def _points_of_patches(
    job: Job[PatchRecipe], labels: Flags, scores: Array, question: Question
) -> Iterator[OperatingPoint]:
    """What each threshold gives on the validation patches that it was chosen on."""
    for name, threshold in question.thresholds.items():
        at, rule = confusion(labels, scores, threshold), rule_words(job.recipe.operating_points[name])
        text = (
            f"{at.fp} of {count(at.fp + at.tn, 'negative validation patch', 'negative validation patches')} of "
            f"{job.data} called {question.target.name} (specificity {at.specificity:.3f}), {at.tp} of {at.tp + at.fn} "
            f"positive ones (sensitivity {at.sensitivity:.3f}); chosen there: {rule}"
        )
        yield OperatingPoint(name, threshold, text)


def _points_of_marks(job: Job[PatchRecipe], marks: Marks, scores: Array, half: float) -> Iterator[OperatingPoint]:
    """The same of marks, the false ones counted by the patch."""
    curve = roc(marks.hits, scores)
    for name, rule in job.recipe.operating_points.items():
        threshold = threshold_by(rule, curve, half)
        at = confusion(marks.hits, scores, threshold)
        text = (
            f"{at.fp / marks.negatives:.2f} marks a validation patch without calcifications of {job.data} "
            f"({at.fp} on {marks.negatives}), and {at.tp} of the {at.tp + at.fn} marks on lesions; chosen there, among "
            f"marks: {rule_words(rule)}"
        )
        yield OperatingPoint(name, threshold, text)


def _calibration(
    job: Job[PatchRecipe], labels: Flags, scores: Array, parameters: Isotonic | Platt | None, population: str
) -> Calibration | None:
    """What the card says of a calibration, with the (n,) calibrated scores of those that it was fitted on."""
    if parameters is None:
        return None
    found = reliability(labels, scores)
    bins = zip(found.edges.tolist(), found.positives.tolist(), found.counts.tolist(), strict=True)
    return Calibration(
        method=job.recipe.calibration,
        population=population,
        parameters=parameters,
        bins=tuple(
            CalibrationBin(low=low, high=high, positives=positives, count=number)
            for (low, high), positives, number in bins
        ),
    )
