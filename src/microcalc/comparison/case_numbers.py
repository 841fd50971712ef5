"""Cases told apart: images, breasts or patients with a lesion from normal ones, and malignant lesions from benign."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from microcalc.comparison.estimates import Measured, estimate, undefined, why_no_interval
from microcalc.comparison.records import CaseResult, Estimate, Operation
from microcalc.comparison.scored import ScoredSystem
from microcalc.evaluation.bootstrap import Resamples
from microcalc.evaluation.case_bootstrap import area_draws
from microcalc.evaluation.cases import Cases, cases_of
from microcalc.evaluation.classification import METRICS, Confusion, Metric, Roc, auc, average_precision, confusion, roc
from microcalc.evaluation.delong import delong
from microcalc.evaluation.levels import Level
from microcalc.evaluation.operating_points import RocPoint, at_sensitivity, at_specificity, youden

#: The operating point of the detector's own threshold.
OWN = "own"
#: Operating points stated beside the detector's own; chosen on the cases they are measured on.
CHOSEN: dict[str, Callable[[Roc], RocPoint]] = {
    "youden": youden,
    "sensitivity 0.9": lambda curve: at_sensitivity(curve, 0.9),
    "specificity 0.9": lambda curve: at_specificity(curve, 0.9),
}
#: Shares of no case apart.
_WHY_UNDEFINED: dict[Metric, str] = {
    "f1": "no case is positive, and none is called so",
    "mcc": "all cases are, or are called, the same",
}
AreaName = Literal["ROC AUC", "average precision"]
_AREAS = {"ROC AUC": auc, "average precision": average_precision}
_NO_CURVE = Roc(np.empty(0), np.empty(0), np.empty(0), math.nan)


def cases_at(system: ScoredSystem, level: Level) -> tuple[Cases, Level]:
    """The cases of a level, and what they are: at the levels of a lesion, images.

    Raises:
        UsageError: an image does not say which breast or patient it belongs to.
    """
    return cases_of(system.scores, level), "image" if level in ("calcification", "cluster") else level


def malignancy_result(system: ScoredSystem, resamples: Resamples) -> CaseResult | None:
    """Malignant lesions against benign ones, by the malignancy of the detection that hits each with the best score.

    Lesions that are missed, or whose hit has no such score, are left out; None if that leaves none.
    """
    cases = _lesions_as_cases(system)
    if not cases.labels.size:
        return None
    return case_result(cases, system.images[0].scores.rule.lesions, areas(cases, resamples), None)


def _lesions_as_cases(system: ScoredSystem) -> Cases:
    owner, pathology, scores = [np.empty(0, np.intp)], [np.empty(0, "U9")], [np.empty(0)]
    for index, image in enumerate(system.images):
        targets = image.scores.lesions
        owner.append(np.full(targets.size, index))
        pathology.append(np.array([lesion.pathology or "unknown" for lesion in image.scores.targets], "U9"))
        scores.append(np.append(image.detections.malignancy, np.nan)[image.match.hit_by[targets]])  # -1, a miss: NaN
    images, kinds, values = np.concatenate(owner), np.concatenate(pathology), np.concatenate(scores)
    known = np.isin(kinds, ("benign", "malignant")) & ~np.isnan(values)
    return Cases(
        labels=kinds[known] == "malignant",
        scores=values[known],
        images=tuple(images[known, None]),
        left_out=int((~known).sum()),
    )


def areas(cases: Cases, resamples: Resamples) -> tuple[Measured, Measured]:
    """Areas under the ROC curve, and under that of precision against recall, of images put together into cases."""
    drawn = resamples.unit != "detection" and not _one_class(cases.labels)
    return areas_of(cases.labels, cases.scores, resamples.by_case(cases.images) if drawn else None)


def areas_of(
    labels: NDArray[np.bool_], scores: NDArray[np.float64], resamples: Resamples | None
) -> tuple[Measured, Measured]:
    """Areas under the ROC curve, and under that of precision against recall (see :func:`area_of`)."""
    return area_of("ROC AUC", labels, scores, resamples), area_of("average precision", labels, scores, resamples)


def area_of(
    name: AreaName, labels: NDArray[np.bool_], scores: NDArray[np.float64], resamples: Resamples | None
) -> Measured:
    """The area under a curve.

    Args:
        name: which.
        labels: (n,) which cases are positive.
        scores: (n,).
        resamples: of these cases; None: no interval, since detections are resampled.
    """
    function, n = _AREAS[name], labels.size
    undrawn = np.full(1 if resamples is None else resamples.draws, np.nan)
    if why_none := _one_class(labels):
        return Measured(name, math.nan, undrawn, n, why_none)
    value = function(labels, scores)
    if resamples is None:
        return Measured(name, value, undrawn, n, "no interval: detections are resampled, not cases")
    held = {"positive cases": resamples.owner[labels], "negative cases": resamples.owner[~labels]}
    if why_none := why_no_interval(held, resamples.unit):
        return Measured(name, value, undrawn, n, why_none)
    return Measured(name, value, area_draws(function, labels, scores, resamples), n)


def case_result(cases: Cases, level: Level, measured: tuple[Measured, Measured], threshold: float | None) -> CaseResult:
    """What is stated of cases told apart.

    Args:
        cases: positive and negative.
        level: what they are.
        measured: of :func:`areas`.
        threshold: the detector's own, where it states one.
    """
    roc_area, precision = measured
    positives, n = int(cases.labels.sum()), cases.labels.size
    points = {} if threshold is None else {OWN: threshold}
    curve, by_delong = _NO_CURVE, undefined(roc_area.reason or "", n)
    if not _one_class(cases.labels):
        curve, compared = roc(cases.labels, cases.scores), delong(cases.labels, cases.scores)
        by_delong = estimate(float(compared.auc[0]), compared.interval(), n, compared.remark())
        points |= {name: choose(curve).threshold for name, choose in CHOSEN.items()}
    return CaseResult(
        level=level,
        positives=positives,
        negatives=n - positives,
        left_out=cases.left_out,
        auc=roc_area.estimate(),
        auc_delong=by_delong,
        average_precision=precision.estimate(),
        thresholds=tuple(t if math.isfinite(t) else None for t in curve.thresholds[1:].tolist()),
        false_positive_rate=tuple(curve.false_positive_rate[1:].tolist()),
        true_positive_rate=tuple(curve.true_positive_rate[1:].tolist()),
        operations=tuple(_operation(name, t, cases) for name, t in points.items() if n and math.isfinite(t)),
    )


def _one_class(labels: NDArray[np.bool_]) -> str | None:
    """Why there is nothing to tell apart; None where there is."""
    if not labels.any():
        return "no positive case"
    return "no negative case" if labels.all() else None


def why_undefined(metric: Metric) -> str:
    """Why a measure at a threshold may have no value."""
    return _WHY_UNDEFINED.get(metric, "no case that it could be counted on")


def _operation(name: str, threshold: float, cases: Cases) -> Operation:
    counts = confusion(cases.labels, cases.scores, threshold)
    return Operation(
        name=name,
        threshold=threshold,
        chosen_here=name in CHOSEN,
        true_positives=counts.tp,
        false_positives=counts.fp,
        true_negatives=counts.tn,
        false_negatives=counts.fn,
        metrics={metric: _metric(counts, metric) for metric in METRICS},
    )


def _metric(counts: Confusion, metric: Metric) -> Estimate:
    value, limits = counts.value(metric), counts.interval(metric)
    n = counts.total if metric == "f1" or metric == "mcc" else counts.counts(metric)[1]
    if math.isnan(value):
        return undefined(why_undefined(metric), n)
    return estimate(value, limits, n, "no interval: it has none in closed form" if math.isnan(limits[0]) else None)
