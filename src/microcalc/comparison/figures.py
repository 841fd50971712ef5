"""The figures of an evaluation. Level and rule stand on each of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from microcalc.comparison import wording
from microcalc.comparison.drawing import COLOURS, INK, LINES, Drawing, draw
from microcalc.comparison.records import CaseResult, Estimate, Evaluation, FrocResult, SystemResult

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Array = NDArray[np.float64]

#: Inches: half a page.
_WIDTH = 4.4
#: A system's own operating point.
_RING: dict[str, Any] = {"marker": "o", "markersize": 7, "markerfacecolor": "none", "zorder": 3, "clip_on": False}
#: By what a detection is: colour and line.
_KINDS = {
    "hit": (COLOURS[0], "-"),
    "duplicate": (COLOURS[2], "--"),
    "false positive": (COLOURS[1], "-"),
    "elsewhere": (COLOURS[3], "-."),
    "ignored": (INK, ":"),
}


def figures(evaluation: Evaluation) -> dict[str, tuple[Drawing, ...]]:
    """Every figure that the evaluation has numbers for, by section of the page.

    Sections: ``froc`` (logarithmic and linear axis), ``cases`` and ``malignancy`` (ROC), ``scores`` (a histogram for
    each system), ``reliability``, ``differences``, ``strata``. One without numbers has no figure.
    """
    systems = evaluation.systems
    drawn = {
        "froc": [_froc(evaluation, logarithmic) for logarithmic in (True, False) if any(s.froc for s in systems)],
        "cases": _roc(evaluation, "roc-cases", "cases", [s.cases for s in systems]),
        "malignancy": _roc(evaluation, "roc-malignancy", "malignant against benign", [s.malignancy for s in systems]),
        "scores": [_scores(evaluation, number) for number in range(len(systems))],
        "reliability": [_reliability(evaluation)] if any(s.reliability for s in systems) else [],
        "differences": [_differences(evaluation)] if evaluation.differences else [],
        "strata": [_strata(evaluation)] if any(s.strata for s in systems) else [],
    }
    return {section: tuple(parts) for section, parts in drawn.items()}


def is_own_figure(path: Path) -> bool:
    """Whether a file is a figure that an evaluation has written: ``figures/froc-log.svg``, ``figures/scores-2.svg``."""
    names = r"froc-log|froc-linear|roc-cases|roc-malignancy|scores-\d+|reliability|differences|strata"
    return path.parent.name == "figures" and re.fullmatch(rf"({names})\.svg", path.name) is not None


def _colour(number: int) -> str:
    return COLOURS[number % len(COLOURS)]


def _line(number: int) -> Any:
    """Another than before where the colours come round again."""
    return LINES[(number + number // len(COLOURS)) % len(LINES)]


def _froc(evaluation: Evaluation, logarithmic: bool) -> Drawing:
    curves = [(number, s, s.froc) for number, s in enumerate(evaluation.systems) if s.froc is not None]
    limit, per = curves[0][2].limit, evaluation.settings.per

    def paint(axes: Axes) -> None:
        if logarithmic:
            axes.set_xscale("log")
            axes.set_xlim(limit / 500, limit)
            ticks = limit * np.array([0.002, 0.01, 0.02, 0.1, 0.2, 1.0])
            axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
            axes.set_xticks([], minor=True)
        else:
            axes.set_xlim(0, limit)
        axes.set(
            ylim=(0, 1.02),
            xlabel=wording.FALSE_POSITIVES[per],
            ylabel=f"Sensitivity, {wording.ASKED[evaluation.settings.level]}",
        )
        for number, system, curve in curves:
            label = _key(system.name, wording.said(curve.area))
            # The legacy definition joins its points by straight lines, and has none at (0, 0).
            _froc_curve(axes, number, label, curve, _threshold(system), steps=per != "legacy")

    alt = "; ".join(
        f"{system.name}: {wording.AREA[per]} {wording.said(curve.area)}, sensitivity "
        + ", ".join(f"{wording.said(at.sensitivity)} at {at.false_positives:g}" for at in curve.at)
        for _, system, curve in curves
    )
    axis = "logarithmic" if logarithmic else "linear"
    return draw(
        f"froc-{'log' if logarithmic else 'linear'}",
        f"FROC, {axis} axis. In the key: {wording.AREA[per]}. Bands: 95 % intervals. Square: end of the curve, at the "
        "lowest score listed; dotted beyond. Ring: the system’s own operating point; arrow: it lies "
        "beyond the axis.",
        f"FROC, {axis} axis. {alt}.",
        _note(evaluation),
        (_WIDTH, 3.6 + 0.17 * len(curves)),
        paint,
    )


def _froc_curve(
    axes: Axes, number: int, label: str, curve: FrocResult, threshold: float | None, *, steps: bool
) -> None:
    x, y = np.append(0.0, curve.false_positives), np.append(0.0, curve.sensitivity)
    colour, line = _colour(number), _line(number)
    axes.fill_between(curve.band_at, curve.band_low, curve.band_high, color=colour, alpha=0.16, linewidth=0)
    if steps:
        axes.plot(x, y, color=colour, linestyle=line, drawstyle="steps-post", label=label)
        axes.plot([x[-1], max(curve.limit, x[-1])], [y[-1], y[-1]], color=colour, linestyle=":", linewidth=0.9)
    else:
        axes.plot(x[1:], y[1:], color=colour, linestyle=line, label=label)
    axes.plot(x[-1:], y[-1:], color=colour, marker="s", markersize=4)
    if threshold is not None:
        last = np.count_nonzero(np.array(curve.thresholds) >= threshold)
        if x[last] > curve.limit:
            axes.plot(curve.limit, y[last], color=colour, **_RING | {"marker": ">"})
        else:
            axes.plot(x[last], y[last], color=colour, **_RING)


def _roc(evaluation: Evaluation, name: str, what: str, results: list[CaseResult | None]) -> list[Drawing]:
    curves = [(number, result) for number, result in enumerate(results) if result is not None]
    if not curves:
        return []
    names = [system.name for system in evaluation.systems]

    def paint(axes: Axes) -> None:
        axes.plot([0, 1], [0, 1], color=INK, alpha=0.4, linewidth=0.6)
        axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01))
        axes.set(xlabel="False positive rate (1 \N{MINUS SIGN} specificity)", ylabel="True positive rate (sensitivity)")
        for number, result in curves:
            colour = _colour(number)
            x, y = (np.append(0.0, rate) for rate in (result.false_positive_rate, result.true_positive_rate))
            label = _key(names[number], wording.said(result.auc))
            axes.plot(x, y, color=colour, linestyle=_line(number), label=label)
            shown = [operation for operation in result.operations if not operation.chosen_here]
            specificity, sensitivity = (
                np.array([_float(operation.metrics[metric].value) for operation in shown])
                for metric in ("specificity", "sensitivity")
            )
            axes.plot(1 - specificity, sensitivity, color=colour, linestyle="none", **_RING)

    first = curves[0][1]
    alt = "; ".join(f"{names[number]}: AUC {wording.said(result.auc)}" for number, result in curves)
    return [
        draw(
            name,
            f"ROC, {what}: {first.positives} positive, {first.negatives} negative, by {first.level}. In the key: area "
            "under the curve. Ring: the system’s own threshold.",
            f"ROC, {what}. {alt}.",
            _note(evaluation),
            (_WIDTH, 4.2 + 0.17 * len(curves)),
            paint,
        )
    ]


def _scores(evaluation: Evaluation, number: int) -> Drawing:
    system = evaluation.systems[number]
    counts = {kind: np.array(of_kind) for kind, of_kind in system.histogram.counts.items() if sum(of_kind)}

    def paint(axes: Axes) -> None:
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_minor_formatter("")
        axes.set(xlim=(0, 1), xlabel="Score", ylabel="Detections")
        for kind, of_kind in counts.items():
            colour, line = _KINDS.get(kind, (INK, "-"))
            label = f"{kind} ({of_kind.sum()})"
            axes.stairs(of_kind, system.histogram.edges, baseline=0.5, color=colour, linestyle=line, label=label)
        axes.set_ylim(0.7, 2 * max([6, *(of_kind.max() for of_kind in counts.values())]))
        threshold = _threshold(system)
        if threshold is not None:
            axes.axvline(threshold, color=INK, alpha=0.5, linewidth=0.8)

    alt = ", ".join(f"{of_kind.sum()} {kind}" for kind, of_kind in counts.items()) or "no detection"
    threshold_words = "" if _threshold(system) is None else " Upright line: the system’s own threshold."
    return draw(
        f"scores-{number + 1}",
        f"Scores of {system.name}, by what the detection is; logarithmic counts.{threshold_words}",
        f"Scores of {system.name}: {alt}.",
        _note(evaluation),
        (_WIDTH, 2.6 + 0.17 * len(counts)),
        paint,
    )


def _reliability(evaluation: Evaluation) -> Drawing:
    found = [(number, s.name, s.reliability) for number, s in enumerate(evaluation.systems) if s.reliability]

    def paint(axes: Axes) -> None:
        axes.plot([0, 1], [0, 1], color=INK, alpha=0.4, linewidth=0.6)
        axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01))
        axes.set(xlabel="Mean score", ylabel="Share of detections on a lesion")
        for number, name, result in found:
            label = _key(name, f"ECE {wording.said(result.expected_calibration_error)}")
            _dots(axes, np.array(result.scores), result.shares, number, label, upright=True)

    alt = "; ".join(f"{name}: ECE {wording.said(result.expected_calibration_error)}" for _, name, result in found)
    return draw(
        "reliability",
        "Reliability: scores that are probabilities lie on the diagonal. Bars: 95 % Wilson intervals. In the key: "
        "expected calibration error.",
        f"Reliability. {alt}.",
        _note(evaluation),
        (_WIDTH, 4.2 + 0.17 * len(found)),
        paint,
    )


def _differences(evaluation: Evaluation) -> Drawing:
    rows = evaluation.differences
    pairs = [
        (f"{_short(first, 20)} \N{MINUS SIGN} {_short(second, 20)}", [row.measure for row in group])
        for (first, second), group in groupby(rows, key=lambda row: (row.first, row.second))
    ]

    def paint(axes: Axes) -> None:
        places = _label_rows(axes, pairs)
        axes.axvline(0.0, color=INK, alpha=0.5, linewidth=0.8)
        axes.set_xlabel("Difference, first \N{MINUS SIGN} second")
        right = axes.secondary_yaxis("right")
        right.set_yticks(places, [wording.p_value(row.p_value) for row in rows])
        right.tick_params(length=0)
        right.spines["right"].set_visible(False)
        _dots(axes, places, [row.difference for row in rows], 0, None, upright=False)

    alt = "; ".join(
        f"{row.measure}, {row.first} minus {row.second}: {wording.said(row.difference)}, {wording.p_value(row.p_value)}"
        for row in rows
    )
    return draw(
        "differences",
        "Paired differences on the same resamples, with 95 % intervals and two-sided p-values, which are not adjusted "
        "for several comparisons.",
        f"Paired differences. {alt}.",
        _note(evaluation),
        (_WIDTH, 0.9 + 0.19 * (len(pairs) + len(rows))),
        paint,
    )


def _strata(evaluation: Evaluation) -> Drawing:
    systems, area = evaluation.systems, wording.AREA[evaluation.settings.per]
    # Every system has the same strata.
    divisions = [
        (wording.division(by), [f"{part.name} (n = {part.lesions})" for part in parts])
        for by, parts in groupby(systems[0].strata, key=lambda part: part.by)
    ]
    spread = 0.22 * np.linspace(1, -1, len(systems)) if len(systems) > 1 else np.zeros(1)

    def paint(axes: Axes) -> None:
        places = _label_rows(axes, divisions)
        axes.set(xlim=(-0.02, 1.02), xlabel=area)
        for number, (system, offset) in enumerate(zip(systems, spread, strict=True)):
            _dots(
                axes, places + offset, [part.area for part in system.strata], number, _key(system.name), upright=False
            )

    alt = "; ".join(
        f"{system.name}, {part.by} {part.name}: {wording.said(part.area)}"
        for system in systems
        for part in system.strata
    )
    rows = len(divisions) + len(systems[0].strata)
    return draw(
        "strata",
        f"{area} by stratum, with 95 % intervals. n: lesions. Lesions of a stratum of images meet its own normal "
        "images, those of a stratum of lesions all of them.",
        f"{area} by stratum. {alt}.",
        _note(evaluation),
        (_WIDTH, 0.9 + 0.17 * len(systems) + (0.12 + 0.06 * len(systems)) * rows),
        paint,
    )


def _label_rows(axes: Axes, groups: Sequence[tuple[str, Sequence[str]]]) -> Array:
    """Name a row for each part of each group, below a row for its heading, from the top down; (parts,) their y."""
    rows = [1 + len(parts) for _, parts in groups]
    headings = np.cumsum([0, *rows])[:-1]
    places: Array = -np.delete(np.arange(sum(rows), dtype=np.float64), headings)
    for (heading, _), row in zip(groups, headings, strict=True):
        # Inside the axes, where its row is empty, so that a long one takes no width from them.
        text = axes.text(0.01, -row, heading, transform=axes.get_yaxis_transform(), va="center", fontweight="bold")
        text.set_in_layout(False)
    axes.set_yticks(places, [_short(part) for _, parts in groups for part in parts])
    axes.set_ylim(0.6 - sum(rows), 0.6)
    axes.tick_params(axis="y", length=0)
    axes.grid(False, axis="y")
    return places


def _dots(
    axes: Axes, places: Array, estimates: Sequence[Estimate], number: int, label: str | None, *, upright: bool
) -> None:
    """Estimates with their intervals: ``upright`` at places along the x axis, else at places up the y axis."""
    colour = _colour(number)
    low, value, high = (
        np.array([_float(getattr(estimate, part)) for estimate in estimates]) for part in ("low", "value", "high")
    )
    (axes.vlines if upright else axes.hlines)(places, low, high, color=colour, linewidth=1.2)
    x, y = (places, value) if upright else (value, places)
    axes.plot(x, y, color=colour, marker="osD^v*"[number % 6], markersize=4.5, linestyle="none", label=label)


def _float(value: float | None) -> float:
    return np.nan if value is None else value


def _key(name: str, number: str = "") -> str:
    """A line of the key, begun with a space: Matplotlib hides those that begin with an underscore."""
    return f" {_short(name)}: {number}" if number else f" {_short(name)}"


def _short(name: str, longest: int = 36) -> str:
    """The name without its middle where it would take too much of a figure; tables and ``alt`` have it whole."""
    half = (longest - 1) // 2
    return name if len(name) <= longest else f"{name[:half]}…{name[-half:]}"


def _threshold(system: SystemResult) -> float | None:
    return None if system.detector is None else system.detector.threshold


def _note(evaluation: Evaluation) -> str:
    settings = evaluation.settings
    return f"{evaluation.truth.source}: level {settings.level}, rule {settings.rule}, microcalc {evaluation.microcalc}"
