"""The report of a patch classifier as one self-contained HTML page, and its figures as files for a paper."""

from __future__ import annotations

from pathlib import Path

from microcalc.comparison import wording
from microcalc.comparison.drawing import COLOURS, write_figures
from microcalc.comparison.page import Notes
from microcalc.output.html import page_style, read_asset, write_html
from microcalc.output.words import NOT_A_DEVICE, count
from microcalc.training.classifier_figures import learning_curves, part_figures
from microcalc.training.classifier_records import ClassifierReport, Interval

#: Measures of published numbers, as a reader calls them.
_MEASURES = {"roc_auc": "ROC AUC", "average_precision": "Average precision"} | wording.METRICS


def write_page(report: ClassifierReport, folder: Path) -> None:
    """Write ``report.html``, and each of its figures as ``figures/<name>.svg``; learning curves as PNG too.

    Args:
        report: the numbers.
        folder: that of the training run.

    Raises:
        WriteError: the page or a figure cannot be written.
    """
    learning = learning_curves(report)
    of_parts = {part.split: part_figures(report, part) for part in report.parts}
    write_figures([*learning, *(drawing for drawn in of_parts.values() for drawing in drawn)], folder / "figures")
    write_html(
        folder / "report.html",
        read_asset("microcalc.comparison", "macros.html.j2")
        + read_asset("microcalc.training", "classifier_report.html.j2"),
        (wording.number, wording.score, wording.interval, wording.p_value, ends, count),
        report=report,
        learning=learning,
        of_parts=of_parts,
        metrics=wording.METRICS,
        measures=_MEASURES,
        notes=Notes(),
        colours=COLOURS,
        not_a_device=NOT_A_DEVICE,
        style=page_style("microcalc.comparison", "evaluation.css"),
    )


def ends(interval: Interval) -> str:
    """ "[0.754, 0.861]"."""
    return f"[{interval[0]:.3f}, {interval[1]:.3f}]"
