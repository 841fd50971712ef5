"""The cascade, trained: two machines, the threshold between them, and what validation says of the scores.

Cortina Uribe et al., section 2.2.5. The first machine is trained on all training candidates, sampled 1:10, and its
threshold keeps 98 % of the true candidates of validation. The second is trained on the training candidates that pass
the first, sampled likewise: true ones and hard negatives. Alone, the second is the paper's fine-tuned machine; behind
the first it is the cascade. Which training candidates pass is asked of machines that have not been trained on their
patient, as in the paper's public code: of its own examples a machine knows the answer.

Threshold, calibration and operating points come from validation alone.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from microcalc.evaluation.classification import roc
from microcalc.evaluation.froc import froc
from microcalc.evaluation.operating_points import at_sensitivity
from microcalc.evaluation.scores import ImageScores
from microcalc.findings import OperatingPoint, Record
from microcalc.models.cascade import Cascade, RbfSvm
from microcalc.recipe import CalibrationMethod, CascadeRecipe
from microcalc.training.calibrations import CALIBRATIONS
from microcalc.training.classifiers import fit_svm
from microcalc.training.pool import Labels, Pool, downsample, patient_folds
from microcalc.training.samples import Indices

Array = NDArray[np.float64]

#: Marks below the score at which validation shows so many false ones per normal image are not listed.
LISTED_FALSE_POSITIVES = 100.0


class Stages(Record):
    """What came of the two stages."""

    #: Candidates trained on, and support vectors left.
    first_trained_on: int
    first_support: int
    #: On validation: share of true candidates kept, and of false ones thrown out.
    first_threshold: float
    first_sensitivity: float
    first_specificity: float
    #: False training candidates that the second may learn from, of so many: those that pass machines of other patients,
    #: and the next hardest where too few do.
    hard_negatives: int
    negatives: int
    second_trained_on: int
    second_support: int


def fit_stages(
    train: Pool, validation: Pool, haar: Indices, recipe: CascadeRecipe, seed: int
) -> tuple[Cascade, Stages]:
    """Train both machines and choose the threshold between them.

    Args:
        train: images to learn from.
        validation: images to choose the threshold on.
        haar: prototypes chosen.
        recipe: machines, ratio, sensitivity.
        seed: of the samples.

    Returns:
        The cascade, not yet calibrated, and its account.

    Raises:
        UsageError: true or false candidates are missing in either part, or pass the first stage.
    """
    rng = np.random.default_rng(seed)
    rows = downsample(train.labels, recipe.ratio, rng)
    first = fit_svm(train.features(rows, haar), train.labels[rows], recipe.svm, recipe.normalisation)
    chosen = at_sensitivity(roc(validation.labels, _decided(validation, haar, first)), recipe.first_stage_sensitivity)
    passing = np.flatnonzero(_passing(_out_of_fold(train, haar, recipe, seed), train.labels, chosen.threshold))
    hard = passing[downsample(train.labels[passing], recipe.ratio, rng)]
    second = fit_svm(train.features(hard, haar), train.labels[hard], recipe.svm, recipe.normalisation)
    cascade = Cascade(first, chosen.threshold, second, None, recipe.families, haar if recipe.haar else None)
    return cascade, Stages(
        first_trained_on=rows.size,
        first_support=len(first.support),
        first_threshold=chosen.threshold,
        first_sensitivity=chosen.sensitivity,
        first_specificity=chosen.specificity,
        hard_negatives=int((~train.labels[passing]).sum()),
        negatives=int((~train.labels).sum()),
        second_trained_on=hard.size,
        second_support=len(second.support),
    )


def _passing(decisions: Array, labels: Labels, threshold: float) -> Labels:
    """(rows,) which candidates the second stage is trained on: those at or above the threshold.

    Where fewer false ones pass than there are true ones, as with easy data, the next hardest are taken too.
    """
    false = np.sort(decisions[~labels])[::-1]
    hardest = false[min(int(labels.sum()), false.size) - 1]
    return decisions >= np.where(labels, threshold, min(threshold, hardest))


def _out_of_fold(train: Pool, haar: Indices, recipe: CascadeRecipe, seed: int) -> Array:
    """(rows,) decision on every training candidate by a first stage trained on other patients."""
    fold = patient_folds(train.patient, train.labels, recipe.out_of_fold, seed)
    decisions = np.empty(len(train))
    for held_out in range(recipe.out_of_fold):
        others, own = np.flatnonzero(fold != held_out), np.flatnonzero(fold == held_out)
        rows = others[downsample(train.labels[others], recipe.ratio, np.random.default_rng((seed, held_out)))]
        machine = fit_svm(train.features(rows, haar), train.labels[rows], recipe.svm, recipe.normalisation)
        decisions[own] = machine.decide(train.features(own, haar))
    return decisions


def _decided(pool: Pool, haar: Indices, machine: RbfSvm) -> Array:
    return pool.of_rows(pool.scores(haar, {"machine": machine.decide})["machine"])


def calibrate(cascade: Cascade, validation: Pool, haar: Indices, method: CalibrationMethod) -> Cascade:
    """The cascade with its scores turned into shares of true candidates, as found on validation.

    Args:
        cascade: not calibrated.
        validation: images to fit on; all their candidates, at the prevalence that the proposer gives.
        haar: prototypes chosen.
        method: of the recipe.

    Raises:
        UsageError: all candidates are of one class.
    """
    scores = validation.of_rows(validation.scores(haar, {"cascade": cascade.scores})["cascade"])
    return dataclasses.replace(cascade, calibration=CALIBRATIONS[method](validation.labels, scores))


@dataclass(frozen=True)
class Marking:
    """Which marks are listed, and which are shown."""

    operating_points: tuple[OperatingPoint, ...]
    score_floor: float


def choose_points(validation: Sequence[ImageScores], wishes: Mapping[str, float], data: str) -> Marking:
    """Thresholds with at most the false positives wished for on normal validation images, and the score floor.

    A wish that no score meets gets the threshold 1, whatever that gives: its description says so.

    Args:
        validation: images as scored by the calibrated detector.
        wishes: name -> false positives per normal image.
        data: what the images are called.

    Raises:
        UsageError: no target lesion, or no normal image.
    """
    curve = froc(validation)

    def at(rate: float) -> tuple[float, str]:
        wished = curve.thresholds[np.searchsorted(curve.false_positives, rate, side="right") - 1]
        threshold = min(1.0, float(wished))  # above every score it is infinite
        last = np.count_nonzero(curve.thresholds >= threshold) - 1
        too_many = f"; {rate:g} or fewer were asked for" if curve.false_positives[last] > rate else ""
        return threshold, (
            f"{curve.false_positives[last]:.2g} false marks per image on {curve.normal_images} normal validation "
            f"images of {data}, {curve.sensitivity[last]:.0%} of {curve.lesions} calcifications found there{too_many}"
        )

    points = tuple(OperatingPoint(name, *at(rate)) for name, rate in wishes.items())
    return Marking(points, min(at(LISTED_FALSE_POSITIVES)[0], *(point.threshold for point in points)))
