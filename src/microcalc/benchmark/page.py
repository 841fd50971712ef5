"""The benchmark as one self-contained HTML page, and its figures as files for a paper."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from microcalc.benchmark.example_pictures import example_pictures
from microcalc.benchmark.examples import KINDS
from microcalc.benchmark.figures import candidate_figures, detector_figures
from microcalc.benchmark.records import Benchmark, Proposed
from microcalc.candidates.geometry import PAPER_SPACING_MM
from microcalc.comparison import wording
from microcalc.comparison.drawing import COLOURS, Drawing, write_figures
from microcalc.comparison.job import Compared
from microcalc.comparison.page import Notes
from microcalc.comparison.records import Estimate
from microcalc.evaluation.average_precision import SIDE_MM
from microcalc.evaluation.tables import PAPERS, worth
from microcalc.output.html import page_style, read_asset, write_html
from microcalc.output.words import NOT_A_DEVICE, count

_TEMPLATES = (
    ("microcalc.comparison", "macros.html.j2"),
    ("microcalc.benchmark", "examples.html.j2"),
    ("microcalc.benchmark", "benchmark.html.j2"),
)
#: Kinds of packages that are compared in Figure 17 of the report, which is else Figure 19.
MAP_KINDS = frozenset({"patch-map", "patch-classifier"})


def write_page(benchmark: Benchmark, compared: Compared | None, proposed: Proposed | None, folder: Path) -> None:
    """Write ``benchmark.html``, and each of its own figures as ``figures/<name>.svg`` beside it.

    Args:
        benchmark: the numbers.
        compared: the detectors' evaluation, whose figures lie beside that; None without any.
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
        "".join(read_asset(*name) for name in _TEMPLATES),
        (wording.number, wording.interval, wording.p_value, rounded, rounded_interval, count, worth),
        benchmark=benchmark,
        of_candidates=of_candidates,
        paper_spacing_mm=PAPER_SPACING_MM,
        box_mm=SIDE_MM,
        notes=Notes(),
        wording=wording,
        colours=COLOURS,
        not_a_device=NOT_A_DEVICE,
        style=page_style("microcalc.comparison", "evaluation.css"),
        **_of_comparison(benchmark, compared, of_detectors),
    )


def _of_comparison(benchmark: Benchmark, compared: Compared | None, of_detectors: Sequence[Drawing]) -> dict[str, Any]:
    """What the page shows of the detectors."""
    if compared is None:
        return {"evaluation": None}
    evaluation = compared.evaluation
    logarithmic, linear = compared.figures["froc"]
    return {
        "evaluation": evaluation,
        "systems": {system.name: system for system in evaluation.systems},
        "maps_alone": {it.kind for it in benchmark.detectors} <= MAP_KINDS,
        "of_figure": (linear, *of_detectors, logarithmic),
        "scores": compared.figures["scores"],
        "examples": example_pictures(compared.scored, compared.images_root, evaluation.settings.seed),
        "kinds": KINDS,
        "worths": list(dict.fromkeys(row for it in benchmark.detectors for row in it.published)),
        "papers": PAPERS,
    }


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
