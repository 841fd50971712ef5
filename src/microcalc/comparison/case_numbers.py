"""Cases told apart: images, breasts or patients with a lesion from normal ones, and malignant lesions from benign."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from microcalc.comparison.estimates import Measure, alone, estimate, undefined
from microcalc.comparison.records import CaseResult, Estimate, Operation
from microcalc.comparison.scored import ScoredSystem
from microcalc.errors import UsageError
from microcalc.evaluation.afroc import afroc
from microcalc.evaluation.bootstrap import Resamples
from microcalc.evaluation.cases import Cases, cases_of
from microcalc.evaluation.classification import METRICS, Confusion, Metric, Roc, auc, average_precision, confusion, roc
from microcalc.evaluation.delong import delong
from microcalc.evaluation.levels import Level
from microcalc.evaluation.operating_points import OperatingPoint, at_sensitivity, at_specificity, youden

#: Operating points stated beside the detector's own; chosen on the cases they are measured on.
_CHOSEN: dict[str, Callable[[Roc], OperatingPoint]] = {
    "youden": youden,
    "sensitivity 0.9": lambda curve: at_sensitivity(curve, 0.9),
    "specificity 0.9": lambda curve: at_specificity(curve, 0.9),
}
_NO_CURVE = Roc(np.empty(0), np.empty(0), np.empty(0), math.nan)


def case_result(system: ScoredSystem, level: Level, resamples: Resamples) -> tuple[CaseResult, list[Measure]]:
    """Cases with a lesion against those known to be normal, and the area under their ROC for comparison.

    At the levels of a lesion the cases are images.

    Raises:
        UsageError: an image does not say which breast or patient it belongs to.
    """
    cases = cases_of(system.scores, level)
    case_level: Level = "image" if level in ("calcification", "cluster") else level
    return _told_apart(cases, case_level, resamples, _afroc(system, resamples), system.threshold)


def malignancy_result(system: ScoredSystem, resamples: Resamples) -> CaseResult | None:
    """Malignant lesions against benign ones, by the malignancy of the detection that hits each with the best score.

    Lesions that are missed, or whose hit has no such score, are left out; None if that leaves none.
    """
    cases = _lesions_as_cases(system)
    if not cases.labels.size:
        return None
    no_afroc = undefined("a number of detection alone", cases.labels.size)
    return _told_apart(cases, system.images[0].scores.rule.lesions, resamples, no_afroc, None)[0]


def _lesions_as_cases(system: ScoredSystem) -> Cases:
    owner, pathology, scores = [np.empty(0, np.intp)], [np.empty(0, "U9")], [np.empty(0)]
    for index, image in enumerate(system.images):
        targets = image.scores.lesions
        listed = image.truth.calcifications if image.scores.rule.lesions == "calcification" else image.truth.clusters
        owner.append(np.full(targets.size, index))
        pathology.append(np.array([listed[i].pathology or "unknown" for i in targets], "U9"))
        scores.append(np.append(image.detections.malignancy, np.nan)[image.match.hit_by[targets]])  # -1, a miss: NaN
    images, kinds, values = np.concatenate(owner), np.concatenate(pathology), np.concatenate(scores)
    known = np.isin(kinds, ("benign", "malignant")) & ~np.isnan(values)
    of = [system.images[i].truth for i in images[known]]
    return Cases(
        names=tuple(truth.path for truth in of),
        labels=kinds[known] == "malignant",
        scores=values[known],
        patients=tuple(truth.patient for truth in of),
        images=tuple(images[known, None]),
        left_out=int((~known).sum()),
    )


def _told_apart(
    cases: Cases, level: Level, resamples: Resamples, figure: Estimate, threshold: float | None
) -> tuple[CaseResult, list[Measure]]:
    positives, n = int(cases.labels.sum()), cases.labels.size
    points = {} if threshold is None else {"shown": threshold}
    try:
        curve = roc(cases.labels, cases.scores)
    except UsageError as error:
        curve, measures = _NO_CURVE, []
        area = by_delong = precision = undefined(error, n)
    else:
        measures = _areas(cases, curve, resamples)
        area, precision = (measure.estimate() for measure in measures)
        compared = delong(cases.labels, cases.scores)
        by_delong = estimate(float(compared.auc[0]), compared.interval(), n, compared.remark())
        points |= {name: choose(curve).threshold for name, choose in _CHOSEN.items()}
    result = CaseResult(
        level=level,
        positives=positives,
        negatives=n - positives,
        left_out=cases.left_out,
        auc=area,
        auc_delong=by_delong,
        average_precision=precision,
        afroc=figure,
        thresholds=tuple(t if math.isfinite(t) else None for t in curve.thresholds[1:].tolist()),
        false_positive_rate=tuple(curve.false_positive_rate[1:].tolist()),
        true_positive_rate=tuple(curve.true_positive_rate[1:].tolist()),
        operations=tuple(_operation(name, t, cases) for name, t in points.items() if n and math.isfinite(t)),
    )
    return result, measures


def _areas(cases: Cases, curve: Roc, resamples: Resamples) -> list[Measure]:
    """Areas under the two curves."""
    n, why_none = cases.labels.size, _why_no_interval(cases, resamples)
    if why_none:
        of_roc = of_precision = np.full(resamples.draws, np.nan)
    else:
        weights = resamples.of_cases(cases.images)
        of_roc = auc(cases.labels, cases.scores, weights)
        of_precision = average_precision(cases.labels, cases.scores, weights)
    precision = average_precision(cases.labels, cases.scores)
    return [
        Measure("ROC AUC", curve.auc, of_roc, n, why_none),
        Measure("average precision", precision, of_precision, n, why_none),
    ]


def _why_no_interval(cases: Cases, resamples: Resamples) -> str | None:
    if resamples.unit == "detection":
        return "no interval: detections are resampled, not cases"
    owners = resamples.owner[[images[0] for images in cases.images]]
    return alone({"positive cases": owners[cases.labels], "negative cases": owners[~cases.labels]}, resamples.unit)


def _afroc(system: ScoredSystem, resamples: Resamples) -> Estimate:
    lesions = sum(image.lesions.size for image in system.scores)
    try:
        figure = afroc(system.scores, unit="patient" if resamples.unit == "patient" else "image")
    except UsageError as error:
        return undefined(error, lesions)
    return estimate(figure.value, (figure.low, figure.high), lesions)


def _operation(name: str, threshold: float, cases: Cases) -> Operation:
    counts = confusion(cases.labels, cases.scores, threshold)
    return Operation(
        name=name,
        threshold=threshold,
        chosen_here=name in _CHOSEN,
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
        return undefined("no case that it could be counted on", n)
    return estimate(value, limits, n, "no interval: it has none in closed form" if math.isnan(limits[0]) else None)
