"""The benchmark of networks on patches as one self-contained HTML page, and its numbers as tables."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from microcalc.benchmark.patch_numbers import METRICS
from microcalc.benchmark.patch_records import NetworkResult, PatchBenchmark
from microcalc.comparison import wording
from microcalc.comparison.page import Notes
from microcalc.comparison.records import Estimate
from microcalc.comparison.sheets import ESTIMATE, estimate_cells
from microcalc.evaluation.tables import Published, worth
from microcalc.output.html import page_style, read_asset, write_html
from microcalc.output.table import Row, cell_text, write_table
from microcalc.output.words import NOT_A_DEVICE, count

#: Places in the paper -> how their tables are headed here.
_TABLES = {"Table 2": "Networks", "Table 3": "Ablations"}


def write_patch_page(benchmark: PatchBenchmark, folder: Path) -> None:
    """Write ``benchmark.html`` and ``networks.csv``.

    Raises:
        WriteError: one of them cannot be written.
    """
    write_table(folder / "networks.csv", ("network", "measure", "target", "over", *ESTIMATE), _rows(benchmark))
    write_html(
        folder / "benchmark.html",
        read_asset("microcalc.comparison", "macros.html.j2")
        + read_asset("microcalc.benchmark", "patch_benchmark.html.j2"),
        (wording.number, wording.interval, wording.p_value, count),
        benchmark=benchmark,
        tables=tables(benchmark),
        metrics={"dice": "Dice", "recall": "Recall", "precision": "Precision"},
        printed=printed,
        worths=sorted({worth(row) for it in benchmark.networks for row in it.published}),
        notes=Notes(),
        not_a_device=NOT_A_DEVICE,
        style=page_style("microcalc.comparison", "evaluation.css"),
    )


def tables(benchmark: PatchBenchmark) -> dict[str, list[NetworkResult]]:
    """Heading -> the networks that the paper's table has, those that it has in none in the first."""
    places = {it.name: {row.place for row in it.published} for it in benchmark.networks}
    first, found = next(iter(_TABLES)), {}
    for place, heading in _TABLES.items():
        there = {name for name, known in places.items() if place in known}
        others = {name for name, known in places.items() if place == first and not known & _TABLES.keys()}
        if networks := [it for it in benchmark.networks if it.name in there | others]:
            found[f"{heading} ({place} of the paper)" if there else heading] = networks
    return found


def printed(it: NetworkResult, measure: str, target: str, level: str) -> tuple[Published, ...]:
    """What the paper prints of a network, in its order: validation, then test."""
    kind = "calcification" if target == "calcified" else target
    rows = [row for row in it.published if (row.measure, row.target, row.level) == (measure, kind, level)]
    return tuple({row.split: row for row in rows}.values())  # the two tables that a network stands in agree


def _rows(benchmark: PatchBenchmark) -> Iterator[Row]:
    for it in benchmark.networks:
        for measure, target, over, estimate in _numbers(it):
            yield (cell_text(it.name), measure, cell_text(target), over, *estimate_cells(estimate))


def _numbers(it: NetworkResult) -> Iterator[tuple[str, str, str, Estimate]]:
    """Measure, target, what it is a mean over, and the number."""
    for target, area in it.areas.items():
        yield "ROC AUC", target, "patches", area
    for target, difference in it.differences.items():
        yield f"ROC AUC minus that of {difference.second}", target, "patches", difference.difference
    for one in it.outlined:
        for name in METRICS:
            yield name, one.target, "patches", one.by_patch[name]
            yield name, one.target, "pixels", one.by_pixel[name]
