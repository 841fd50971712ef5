"""A sweep as a table, a figure and a page."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeGuard

import numpy as np
from pydantic import JsonValue

from microcalc.comparison import wording
from microcalc.comparison.drawing import COLOURS, LINES, Drawing, draw, write_figures
from microcalc.comparison.sheets import number_cell
from microcalc.output.html import page_style, read_asset, write_html
from microcalc.output.table import cell_text, write_table
from microcalc.output.words import NOT_A_DEVICE
from microcalc.training.search import LOGARITHMIC_FROM
from microcalc.training.sweep_records import Sweep, SweepRun, largest_is_best

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Of an epoch, in the order of the table's columns.
_NUMBERS = ("validation_accuracy", "validation_auc", "validation_loss", "train_accuracy", "train_loss")
#: Inches: half a page.
_WIDTH = 4.4


def write_sheet(sweep: Sweep, path: Path) -> None:
    """Write the runs as CSV: a row for each, the best first; what a failed one has not is empty.

    Raises:
        WriteError: the table cannot be written.
    """
    header = (*sweep.keys, *_NUMBERS, "epoch", "epochs", "seconds", "folder", "failed")
    rows = [
        (
            *(cell_text(said(run.values[key])) for key in sweep.keys),
            *("" if run.kept is None else number_cell(getattr(run.kept, name)) for name in (*_NUMBERS, "epoch")),
            number_cell(run.epochs),
            number_cell(run.seconds),
            run.folder,
            cell_text(run.failed or ""),
        )
        for run in sweep.runs
    ]
    write_table(path, header, rows)


def write_page(sweep: Sweep, folder: Path) -> None:
    """Write ``sweep.html`` and, for a paper, its figure as ``figures/sweep.svg``.

    Raises:
        WriteError: the page or the figure cannot be written.
    """
    drawings = [figure(sweep)] if any(run.reached(sweep.metric) is not None for run in sweep.runs) else []
    write_figures(drawings, folder / "figures")
    write_html(
        folder / "sweep.html",
        read_asset("microcalc.comparison", "macros.html.j2") + read_asset("microcalc.training", "sweep.html.j2"),
        (wording.number, wording.interval, said, short),
        sweep=sweep,
        drawings=drawings,
        reports={run.folder for run in sweep.runs if (folder / "runs" / run.folder / "report.html").exists()},
        not_a_device=NOT_A_DEVICE,
        style=page_style("microcalc.comparison", "evaluation.css"),
    )


def said(value: JsonValue) -> str:
    """A value of a recipe in words."""
    if value is None:
        return "null"
    return f"{value:g}" if isinstance(value, float) else str(value)


def values_said(run: SweepRun) -> str:
    """The values of a run in words."""
    return ", ".join(f"{short(key)} {said(value)}" for key, value in run.values.items())


def short(key: str) -> str:
    """What a key is called where there is little room: the last of its names."""
    return key.rpartition(".")[2].replace("_", " ")


def figure(sweep: Sweep) -> Drawing:
    """A line over one key that has numbers, a map over the whole grid of two keys, and else a list of the runs."""
    ran = [run for run in sweep.runs if run.reached(sweep.metric) is not None]
    values = {key: _values(ran, key) for key in sweep.keys}
    if len(values) == 1 and all(_is_number(value) for of in values.values() for value in of):
        return _line(sweep, ran)
    if len(values) == 2 and len(ran) == math.prod(map(len, values.values())):
        return _map(sweep, ran)
    return _list(sweep, ran)


def _is_number(value: JsonValue) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _values(ran: Sequence[SweepRun], key: str) -> list[JsonValue]:
    """Each value of a key once, numbers in their order."""
    found: list[JsonValue] = []
    for run in ran:
        if run.values[key] not in found:
            found.append(run.values[key])
    return sorted(found, key=lambda value: (value, "") if _is_number(value) else (math.inf, said(value)))


def _line(sweep: Sweep, ran: Sequence[SweepRun]) -> Drawing:
    (key,) = sweep.keys
    values = np.array([run.values[key] for run in ran], np.float64)
    order = np.argsort(values)
    values = values[order]

    def paint(axes: Axes) -> None:
        lines = {"Validation": "validation", "Training, in the same epoch": "train"}
        if sweep.metric == "auc":  # not measured in training
            lines.popitem()
        for number, (label, part) in enumerate(lines.items()):
            reached = np.array([getattr(run.kept, f"{part}_{sweep.metric}") for run in ran])[order]
            axes.plot(
                values, reached, color=COLOURS[number], linestyle=LINES[number], marker="o", markersize=4, label=label
            )
        if values[0] > 0 and values[-1] >= LOGARITHMIC_FROM * values[0]:
            axes.set_xscale("log")
        axes.set_xticks(values, [said(float(value)) for value in values])
        axes.minorticks_off()
        axes.set(xlabel=key, ylabel=_axis(sweep))

    return _drawn(sweep, ran, 3.0, paint)


def _map(sweep: Sweep, ran: Sequence[SweepRun]) -> Drawing:
    down, across = sweep.keys
    rows, columns = _values(ran, down), _values(ran, across)
    grid = np.full((len(rows), len(columns)), np.nan)
    for run in ran:
        grid[rows.index(run.values[down]), columns.index(run.values[across])] = run.reached(sweep.metric)

    def paint(axes: Axes) -> None:
        image = axes.imshow(grid, cmap="viridis" if largest_is_best(sweep.metric) else "viridis_r", aspect="auto")
        for (y, x), value in np.ndenumerate(grid):
            red, green, blue, _ = image.to_rgba(value)
            dark = 0.3 * red + 0.6 * green + 0.1 * blue < 0.5
            axes.text(x, y, wording.number(float(value)), ha="center", va="center", color="white" if dark else "black")
        axes.set_xticks(range(len(columns)), [said(value) for value in columns])
        axes.set_yticks(range(len(rows)), [said(value) for value in rows])
        axes.set(xlabel=across, ylabel=down)
        axes.grid(False)

    return _drawn(sweep, ran, 1.2 + 0.35 * len(rows), paint)


def _list(sweep: Sweep, ran: Sequence[SweepRun]) -> Drawing:
    def paint(axes: Axes) -> None:
        reached = np.array([run.reached(sweep.metric) for run in ran], np.float64)
        axes.plot(reached, range(len(ran)), "o", color=COLOURS[0], markersize=4)
        axes.set_yticks(range(len(ran)), [values_said(run) for run in ran])
        axes.invert_yaxis()
        axes.set_xlabel(_axis(sweep))

    return _drawn(sweep, ran, 1.0 + 0.24 * len(ran), paint)


def _drawn(sweep: Sweep, ran: Sequence[SweepRun], height: float, paint: Callable[[Axes], None]) -> Drawing:
    title = f"{_axis(sweep)} of the epoch that each run keeps."
    numbers = "; ".join(f"{values_said(run)}: {run.reached(sweep.metric):.3g}" for run in ran)
    note = f"{sweep.recipe} on {sweep.data}; microcalc {sweep.microcalc}"
    return draw("sweep", title, f"{title} {numbers}.", note, (_WIDTH, height), paint)


def _axis(sweep: Sweep) -> str:
    return f"Validation {'AUC' if sweep.metric == 'auc' else sweep.metric}"
