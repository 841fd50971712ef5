"""A benchmark as CSV tables."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from microcalc.benchmark.records import Benchmark, BoxNumbers, CandidateComparison, Outcome, Proposed, ProposerResult
from microcalc.comparison.records import Estimate
from microcalc.comparison.sheets import ESTIMATE, estimate_cells, number_cell
from microcalc.output.table import Row, cell_text, write_table

_BOXES = tuple(BoxNumbers.model_fields)
_BOX_CELLS = tuple(f"{measure}{end}" for measure in _BOXES for end in ("", "_low", "_high"))
_SECONDS = ("resumed", "median_seconds", "ninetieth_seconds")
_DETECTORS = ("detector", "version", "computed", "images", "failed", *_SECONDS, *_BOX_CELLS, "findings")
_PROPOSERS = ("proposer", "measure", "by", "part", *ESTIMATE)
_OUTCOMES = tuple(name for name in Outcome.model_fields if name != "found")
_IMAGES = ("image", "proposer", "lesions", "hits", *_OUTCOMES)

#: What :func:`write_sheets` writes.
SHEETS = ("detectors.csv", "proposers.csv", "candidates.csv")


def write_sheets(benchmark: Benchmark, proposed: Proposed | None, folder: Path) -> None:
    """Write those of ``SHEETS`` that there is something for: UTF-8, comma, LF, one header row.

    ``detectors.csv`` has a row for each detector (more of its numbers are in ``evaluation/metrics.csv``),
    ``proposers.csv`` one for each number of each proposer, ``candidates.csv`` one for each proposer on each image.

    Raises:
        WriteError: a table cannot be written.
    """
    if benchmark.detectors:
        write_table(folder / "detectors.csv", _DETECTORS, _detector_rows(benchmark))
    if benchmark.candidates is not None:
        write_table(folder / "proposers.csv", _PROPOSERS, _proposer_rows(benchmark.candidates))
    if proposed is not None:
        write_table(folder / "candidates.csv", _IMAGES, _image_rows(proposed))


def _detector_rows(benchmark: Benchmark) -> Iterator[Row]:
    for it in benchmark.detectors:
        seconds = ("", "") if it.seconds is None else (f"{it.seconds.median:.3f}", f"{it.seconds.ninetieth:.3f}")
        counts = (len(it.seconds_by_image), len(it.failed), it.resumed)
        words = (cell_text(it.name), cell_text(it.detector.version), it.computed or "")
        boxes: list[str | int] = [""] * len(_BOX_CELLS)
        if it.boxes is not None:
            boxes = [cell for name in _BOXES for cell in estimate_cells(getattr(it.boxes, name))[:3]]
        yield (*words, *counts, *seconds, *boxes, cell_text(it.findings))


def _proposer_rows(candidates: CandidateComparison) -> Iterator[Row]:
    for it in candidates.proposers:
        for measure, by, part, estimate in _numbers(it):
            yield (cell_text(it.name), measure, by, part, *estimate_cells(estimate))


def _numbers(it: ProposerResult) -> Iterator[tuple[str, str, str, Estimate]]:
    """Measure, what it is parted by, which part, and the number."""
    for measure, field in ProposerResult.model_fields.items():
        if field.annotation is Estimate:
            yield measure, "", "", getattr(it, measure)
    yield "none_found", "", "", Estimate(value=it.none_found)
    for measure in ("seconds", "processor_seconds"):
        of = getattr(it, measure)
        yield f"{measure}, median", "", "", Estimate(value=of.median, n=of.images)
        yield f"{measure}, 90 %", "", "", Estimate(value=of.ninetieth, n=of.images)
    for part in it.recall_by:
        yield "recall", part.by, part.name, part.recall


def _image_rows(proposed: Proposed) -> Iterator[Row]:
    for image in proposed.images:
        for name, outcome in image.outcomes.items():
            numbers = (number_cell(getattr(outcome, field)) for field in _OUTCOMES)
            yield (cell_text(image.path), cell_text(name), len(image.lesions), outcome.hits, *numbers)
