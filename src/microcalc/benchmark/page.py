"""The benchmark as one self-contained HTML page, and its figures as files for a paper."""

from __future__ import annotations

from pathlib import Path

from microcalc.benchmark.figures import candidate_figures, detector_figures
from microcalc.benchmark.records import Benchmark, Proposed
from microcalc.candidates.geometry import PAPER_SPACING_MM
from microcalc.comparison import wording
from microcalc.comparison.drawing import COLOURS, write_figures
from microcalc.comparison.page import Notes
from microcalc.comparison.records import Estimate, Evaluation
from microcalc.output.html import page_style, read_asset, write_html
from microcalc.output.words import NOT_A_DEVICE, count


def write_page(benchmark: Benchmark, evaluation: Evaluation | None, proposed: Proposed | None, folder: Path) -> None:
    """Write ``benchmark.html``, and each of its figures as ``figures/<name>.svg`` beside it.

    Args:
        benchmark: the numbers.
        evaluation: those of the detectors; None without any.
        proposed: what the proposers do on each image; None without any.
        folder: that of the benchmark.

    Raises:
        WriteError: the page or a figure cannot be written.
    """
    of_detectors = detector_figures(benchmark) if benchmark.detectors else ()
    candidates = benchmark.candidates
    of_candidates = candidate_figures(benchmark, candidates, proposed) if candidates and proposed else ()
    write_figures((*of_detectors, *of_candidates), folder / "figures")
    write_html(
        folder / "benchmark.html",
        read_asset("microcalc.comparison", "macros.html.j2") + read_asset("microcalc.benchmark", "benchmark.html.j2"),
        (wording.number, wording.interval, wording.p_value, rounded, rounded_interval, count),
        benchmark=benchmark,
        evaluation=evaluation,
        systems={} if evaluation is None else {system.name: system for system in evaluation.systems},
        of_detectors=of_detectors,
        of_candidates=of_candidates,
        paper_spacing_mm=PAPER_SPACING_MM,
        notes=Notes(),
        wording=wording,
        colours=COLOURS,
        not_a_device=NOT_A_DEVICE,
        style=page_style("microcalc.comparison", "evaluation.css"),
    )


def rounded(value: float | None) -> str:
    """Three significant digits, or all of a whole number's: 0.0451, 24.7, 1,344; a dash where there is none."""
    if value is None:
        return wording.NOTHING
    return f"{value:,.0f}" if value >= 99.95 else f"{value:.3g}"


def rounded_interval(estimate: Estimate) -> str:
    """ "[150, 1,290]", or nothing where there is no interval."""
    if estimate.low is None or estimate.high is None:
        return ""
    return f"[{rounded(estimate.low)}, {rounded(estimate.high)}]"
