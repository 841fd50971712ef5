"""An evaluation as CSV tables: every number, difference, curve, image and stratum."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from microcalc.comparison.records import Account, CaseResult, Estimate, Evaluation, FrocResult, SystemResult
from microcalc.comparison.wording import AREA
from microcalc.evaluation.matching import parse_rule
from microcalc.output.table import Row, cell_text, write_table

#: Columns of :func:`estimate_cells`.
ESTIMATE = ("value", "low", "high", "n", "remark")
_ACCOUNT = tuple(name for name in Account.model_fields if name != "threshold")
_METRICS = ("system", "level", "measure", *ESTIMATE)
_DIFFERENCES = ("first", "second", "measure", *ESTIMATE, "p_value", "least_p")
_FROC = ("system", "threshold", "false_positives", "sensitivity")
_IMAGES = ("system", "image", "normal", "detections_counted", *_ACCOUNT)
_STRATA = ("system", "by", "name", "patients", "lesions", "normal_images", "measure", *ESTIMATE)

#: What :func:`write_sheets` writes.
SHEETS = ("metrics.csv", "differences.csv", "froc.csv", "images.csv", "strata.csv")


def write_sheets(evaluation: Evaluation, folder: Path) -> None:
    """Write ``SHEETS``: UTF-8, comma, LF, one header row; what is not defined is empty, and ``remark`` says why.

    Six significant digits, counts in full; evaluation.json has them all. A text that a spreadsheet would run as a
    formula starts with an apostrophe.

    Raises:
        WriteError: a table cannot be written.
    """
    headers = (_METRICS, _DIFFERENCES, _FROC, _IMAGES, _STRATA)
    rows = (_metric_rows, _difference_rows, _froc_rows, _image_rows, _stratum_rows)
    for name, header, rows_of in zip(SHEETS, headers, rows, strict=True):
        write_table(folder / name, header, rows_of(evaluation))


def _metric_rows(evaluation: Evaluation) -> Iterator[Row]:
    for system in evaluation.systems:
        for level, measure, estimate in _measures(system, evaluation):
            yield (cell_text(system.name), level, measure, *estimate_cells(estimate))


def _measures(system: SystemResult, evaluation: Evaluation) -> Iterator[tuple[str, str, Estimate]]:
    """Level, name and number; what is counted lesion by lesion whatever the level has that of the rule."""
    settings = evaluation.settings
    lesion = parse_rule(settings.rule).lesions
    yield from ((settings.level, name, estimate) for name, estimate in _of_curve(system.froc, AREA[settings.per]))
    yield lesion, "AFROC", system.afroc
    for cases, prefix in ((system.cases, ""), (system.malignancy, "malignancy: ")):
        if cases is not None:
            yield from ((cases.level, prefix + name, estimate) for name, estimate in _of_cases(cases))
    if system.reliability is not None:
        yield "detection", "expected calibration error", system.reliability.expected_calibration_error
    for name, account in (("listed", system.listed), ("shown", system.shown)):
        if account is not None:
            for field in _ACCOUNT:
                yield lesion, f"{name}: {field.replace('_', ' ')}", Estimate(value=getattr(account, field))


def _of_curve(curve: FrocResult, area: str) -> Iterator[tuple[str, Estimate]]:
    yield area, curve.area
    if area != AREA["legacy"]:
        yield AREA["legacy"], Estimate(value=curve.legacy_area, n=curve.lesions)
    for at in curve.at:
        yield f"sensitivity at {at.false_positives:g}", at.sensitivity


def _of_cases(cases: CaseResult) -> Iterator[tuple[str, Estimate]]:
    yield "ROC AUC", cases.auc
    yield "ROC AUC (DeLong)", cases.auc_delong
    yield "average precision", cases.average_precision
    for operation in cases.operations:
        yield f"{operation.name}: threshold", Estimate(value=operation.threshold)
        for metric, estimate in operation.metrics.items():
            yield f"{operation.name}: {metric}", estimate


def _difference_rows(evaluation: Evaluation) -> Iterator[Row]:
    for one in evaluation.differences:
        yield (
            cell_text(one.first),
            cell_text(one.second),
            one.measure,
            *estimate_cells(one.difference),
            *map(number_cell, (one.p_value, one.least_p)),
        )


def _froc_rows(evaluation: Evaluation) -> Iterator[Row]:
    for system in evaluation.systems:
        curve = system.froc
        for point in zip(curve.thresholds, curve.false_positives, curve.sensitivity, strict=True):
            yield (cell_text(system.name), *map(number_cell, point))


def _image_rows(evaluation: Evaluation) -> Iterator[Row]:
    for system in evaluation.systems:
        for image in system.images:
            for counted, account in (("listed", image.listed), ("shown", image.shown)):
                if account is not None:
                    normal = "" if image.normal is None else str(image.normal).lower()
                    counts = (getattr(account, field) for field in _ACCOUNT)
                    yield (cell_text(system.name), cell_text(image.path), normal, counted, *counts)


def _stratum_rows(evaluation: Evaluation) -> Iterator[Row]:
    area = AREA[evaluation.settings.per]
    for system in evaluation.systems:
        for part in system.strata:
            counts = ("" if part.patients is None else part.patients, part.lesions, part.normal_images)
            sensitivity = f"sensitivity at {part.at.false_positives:g}"
            for measure, estimate in ((area, part.area), (sensitivity, part.at.sensitivity)):
                cells = (*counts, measure, *estimate_cells(estimate))
                yield (cell_text(system.name), part.by, cell_text(part.name), *cells)


def estimate_cells(estimate: Estimate) -> tuple[str | int, ...]:
    """A number with its interval, what it was counted on, and why it is missing."""
    numbers = map(number_cell, (estimate.value, estimate.low, estimate.high))
    return (*numbers, "" if estimate.n is None else estimate.n, cell_text(estimate.remark or ""))


def number_cell(value: float | None) -> str:
    """Six significant digits, counts in full; empty where there is none."""
    if value is None:
        return ""
    return f"{value:.0f}" if float(value).is_integer() else f"{value:.6g}"
