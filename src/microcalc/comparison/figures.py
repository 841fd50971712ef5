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
from microcalc.comparison.records import CaseResult, Estimate, Evaluation, FrocResult, Stratum, SystemResult

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Array = NDArray[np.float64]

#: Inches: half a page.
_WIDTH = 4.4
#: A system's own operating point.
_RING: dict[str, Any] = {"marker": "o", "markersize": 7, "markerfacecolor": "none", "zorder": 3, "clip_on": False}
#: Of false positives: no system has it.
_FALSE = "#d43d51"
#: By what a detection is: colour and line.
_KINDS = {
    "hit": (INK, "-"),
    "duplicate": (INK, "--"),
    "false positive": (_FALSE, "-"),
    "elsewhere": (_FALSE, "-."),
    "ignored": (INK, ":"),
}
#: So many systems at most are compared in every measure; more are in the area alone, and the tables have the rest.
_FEW_SYSTEMS = 3


def figures(evaluation: Evaluation) -> dict[str, tuple[Drawing, ...]]:
    """Every figure that the evaluation has numbers for, by section of the page.

    Sections: ``froc`` (logarithmic and linear axis), ``cases`` and ``malignancy`` (ROC), ``scores`` (a histogram for
    each system), ``reliability``, ``differences``, ``strata``. One without numbers has no figure.
    """
    systems = evaluation.systems
    drawn = {
        "froc": [_froc(evaluation, logarithmic) for logarithmic in (True, False)],
        "cases": [_roc(evaluation, "cases", f"cases by {systems[0].cases.level}", [s.cases for s in systems])],
        "malignancy": [_malignancy(evaluation)] if any(s.malignancy for s in systems) else [],
        "scores": [_scores(evaluation, index) for index in range(len(systems))],
        "reliability": [_reliability(evaluation)] if any(s.reliability for s in systems) else [],
        "differences": [_differences(evaluation)] if evaluation.differences else [],
        "strata": [_strata(evaluation)] if any(s.strata for s in systems) else [],
    }
    return {section: tuple(parts) for section, parts in drawn.items()}


def is_own_figure(path: Path) -> bool:
    """Whether a file is a figure that an evaluation has written: ``figures/froc-log.svg``, ``figures/scores-2.svg``."""
    names = r"froc-log|froc-linear|roc-cases|roc-malignancy|scores-\d+|reliability|differences|strata"
    return path.parent.name == "figures" and re.fullmatch(rf"({names})\.svg", path.name) is not None


def _colour(index: int) -> str:
    return COLOURS[index % len(COLOURS)]


def _line(index: int) -> Any:
    """Another than before where the colours come round again."""
    return LINES[(index + index // len(COLOURS)) % len(LINES)]


def _froc(evaluation: Evaluation, logarithmic: bool) -> Drawing:
    systems, per = evaluation.systems, evaluation.settings.per
    limit = systems[0].froc.limit

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
        for index, system in enumerate(systems):
            label = _key(system.name, wording.said(system.froc.area))
            # The legacy definition joins its points by straight lines, and has none at (0, 0).
            _froc_curve(axes, index, label, system.froc, _threshold(system), steps=per != "legacy")

    alt = "; ".join(
        f"{system.name}: {wording.AREA[per]} {wording.said(system.froc.area)}, sensitivity "
        + ", ".join(f"{wording.said(at.sensitivity)} at {at.false_positives:g}" for at in system.froc.at)
        for system in systems
    )
    axis = "logarithmic" if logarithmic else "linear"
    legacy = per == "legacy"
    of_what = ", each up to its curve’s end" if legacy else ""
    beyond = "" if legacy else "; dotted beyond"
    ring = " Ring: the system’s own operating point; arrow: it lies beyond the axis."
    return draw(
        f"froc-{'log' if logarithmic else 'linear'}",
        f"FROC, {axis} axis. In the key: {wording.AREA[per]}{of_what}. Bands: 95 % intervals"
        f"{' of the step function' if legacy else ''}. Square: end of the curve, at the lowest score listed{beyond}."
        + (ring if any(_threshold(system) is not None for system in systems) else ""),
        f"FROC, {axis} axis. {alt}.",
        _note(evaluation),
        (_WIDTH, 3.6 + 0.17 * len(systems)),
        paint,
    )


def _froc_curve(axes: Axes, index: int, label: str, curve: FrocResult, threshold: float | None, *, steps: bool) -> None:
    x, y = np.append(0.0, curve.false_positives), np.append(0.0, curve.sensitivity)
    colour, line = _colour(index), _line(index)
    axes.fill_between(curve.band_at, curve.band_low, curve.band_high, color=colour, alpha=0.16, linewidth=0)
    if steps:
        axes.plot(x, y, color=colour, linestyle=line, drawstyle="steps-post", label=label)
        axes.plot([x[-1], max(curve.limit, x[-1])], [y[-1], y[-1]], color=colour, linestyle=":", linewidth=0.9)
    else:
        axes.plot(x[1:], y[1:], color=colour, linestyle=line, label=label)
    axes.plot(x[-1:], y[-1:], color=colour, marker="s", markersize=4)
    if threshold is not None:
        last = np.count_nonzero(np.array(curve.thresholds) >= threshold)
        least, most = axes.get_xlim()
        arrow = "<" if x[last] < least else ">" if x[last] > most else None
        axes.plot(np.clip(x[last], least, most), y[last], color=colour, **_RING | ({"marker": arrow} if arrow else {}))


def _malignancy(evaluation: Evaluation) -> Drawing:
    what = "malignant against benign lesions, for each system those that it hits"
    return _roc(evaluation, "malignancy", what, [system.malignancy for system in evaluation.systems])


def _roc(evaluation: Evaluation, name: str, what: str, results: Sequence[CaseResult | None]) -> Drawing:
    names = [system.name for system in evaluation.systems]
    curves = [(index, result) for index, result in enumerate(results) if result is not None]
    own = {index: [it for it in result.operations if not it.chosen_here] for index, result in curves}

    def paint(axes: Axes) -> None:
        axes.plot([0, 1], [0, 1], color=INK, alpha=0.4, linewidth=0.6)
        axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01))
        axes.set(xlabel="False positive rate (1 \N{MINUS SIGN} specificity)", ylabel="True positive rate (sensitivity)")
        for index, result in curves:
            colour = _colour(index)
            x, y = (np.append(0.0, rate) for rate in (result.false_positive_rate, result.true_positive_rate))
            label = _key(names[index], f"{wording.said(result.auc)}, {result.positives} / {result.negatives}")
            axes.plot(x, y, color=colour, linestyle=_line(index), label=label)
            for operation in own[index]:
                specificity, sensitivity = (operation.metrics[name].value for name in ("specificity", "sensitivity"))
                if specificity is not None and sensitivity is not None:
                    axes.plot(1 - specificity, sensitivity, color=colour, **_RING)

    alt = "; ".join(
        f"{names[index]}: AUC {wording.said(result.auc)}, {result.positives} positive, {result.negatives} negative"
        for index, result in curves
    )
    return draw(
        f"roc-{name}",
        f"ROC, {what}. In the key: area under the curve, positive / negative."
        + (" Ring: the system’s own threshold." if any(own.values()) else ""),
        f"ROC, {what}. {alt}.",
        _note(evaluation),
        (_WIDTH, 4.2 + 0.17 * len(curves)),
        paint,
    )


def _scores(evaluation: Evaluation, index: int) -> Drawing:
    system = evaluation.systems[index]
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
        if not counts:
            axes.text(0.5, 0.5, "no detection", transform=axes.transAxes, ha="center", alpha=0.75)
        threshold = _threshold(system)
        if threshold is not None:
            axes.axvline(threshold, color=INK, alpha=0.5, linewidth=0.8)

    alt = ", ".join(f"{of_kind.sum()} {kind}" for kind, of_kind in counts.items()) or "no detection"
    threshold_words = "" if _threshold(system) is None else " Upright line: the system’s own threshold."
    return draw(
        f"scores-{index + 1}",
        f"Scores of {system.name}, by what the detection is; logarithmic counts.{threshold_words}",
        f"Scores of {system.name}: {alt}.",
        _note(evaluation),
        (_WIDTH, 2.6 + 0.17 * len(counts)),
        paint,
    )


def _reliability(evaluation: Evaluation) -> Drawing:
    found = [(index, s.name, s.reliability) for index, s in enumerate(evaluation.systems) if s.reliability]

    def paint(axes: Axes) -> None:
        axes.plot([0, 1], [0, 1], color=INK, alpha=0.4, linewidth=0.6)
        axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01))
        axes.set(xlabel="Mean score", ylabel="Share of detections on a lesion")
        for index, name, result in found:
            label = _key(name, f"ECE {wording.said(result.expected_calibration_error)}")
            dots(axes, np.array(result.scores), result.shares, index, label, upright=True)

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
    few = len(evaluation.systems) <= _FEW_SYSTEMS
    area = wording.AREA[evaluation.settings.per]
    rows = [row for row in evaluation.differences if few or row.measure == area]
    pairs = [
        (f"{_short(first, 20)} \N{MINUS SIGN} {_short(second, 20)}", [row.measure for row in group])
        for (first, second), group in groupby(rows, key=lambda row: (row.first, row.second))
    ]

    def paint(axes: Axes) -> None:
        places = _label_rows(axes, pairs)
        axes.axvline(0.0, color=INK, alpha=0.5, linewidth=0.8)
        axes.set_xlabel("Difference, first \N{MINUS SIGN} second")
        right = axes.secondary_yaxis("right")
        right.set_yticks(places, [wording.p_value(row) for row in rows])
        right.tick_params(length=0)
        right.spines["right"].set_visible(False)
        dots(axes, places, [row.difference for row in rows], 0, None, upright=False)

    alt = "; ".join(
        f"{row.measure}, {row.first} minus {row.second}: {wording.said(row.difference)}, {wording.p_value(row)}"
        for row in rows
    )
    return draw(
        "differences",
        "Paired differences on the same resamples (AFROC: by the jackknife), with 95 % intervals and two-sided "
        "p-values, which are not adjusted for several comparisons."
        + ("" if few else " The areas only; the table has the rest."),
        f"Paired differences. {alt}.",
        _note(evaluation),
        (_WIDTH, 0.9 + 0.19 * (len(pairs) + len(rows))),
        paint,
    )


def _strata(evaluation: Evaluation) -> Drawing:
    systems, area = evaluation.systems, wording.AREA[evaluation.settings.per]
    # Every system has the same strata.
    divisions = [
        (wording.division(by), [_part(part) for part in parts])
        for by, parts in groupby(systems[0].strata, key=lambda part: part.by)
    ]
    spread = 0.22 * np.linspace(1, -1, len(systems)) if len(systems) > 1 else np.zeros(1)

    def paint(axes: Axes) -> None:
        places = _label_rows(axes, divisions)
        axes.set(xlim=(-0.02, 1.02), xlabel=area)
        for place, part in zip(places, systems[0].strata, strict=True):
            if part.area.value is None:
                axes.text(0.01, place, part.area.remark or wording.NOTHING, fontsize=7, alpha=0.75, va="center")
        for index, (system, offset) in enumerate(zip(systems, spread, strict=True)):
            dots(axes, places + offset, [part.area for part in system.strata], index, _key(system.name), upright=False)

    alt = "; ".join(
        f"{system.name}, {part.by} {part.name}: {wording.said(part.area)}"
        for system in systems
        for part in system.strata
    )
    rows = len(divisions) + len(systems[0].strata)
    return draw(
        "strata",
        f"{area} by stratum, with 95 % intervals. In brackets: lesions / patients. Lesions of a stratum of images "
        "meet its own normal images, those of a stratum of lesions all of them.",
        f"{area} by stratum. {alt}.",
        _note(evaluation),
        (_WIDTH, 0.9 + 0.17 * len(systems) + (0.12 + 0.06 * len(systems)) * rows),
        paint,
    )


def _part(part: Stratum) -> str:
    """A stratum with its lesions and whose they are."""
    patients = "" if part.patients is None else f" / {part.patients}"
    return f"{_short(part.name, 30)} ({part.lesions}{patients})"


def _label_rows(axes: Axes, groups: Sequence[tuple[str, Sequence[str]]]) -> Array:
    """Name a row for each part of each group, below a row for its heading, from the top down; (parts,) their y."""
    rows = [1 + len(parts) for _, parts in groups]
    headings = np.cumsum([0, *rows])[:-1]
    places: Array = -np.delete(np.arange(sum(rows), dtype=np.float64), headings)
    for (heading, _), row in zip(groups, headings, strict=True):
        # Inside the axes, where its row is empty, so that a long one takes no width from them.
        text = axes.text(0.01, -row, heading, transform=axes.get_yaxis_transform(), va="center", fontweight="bold")
        text.set_in_layout(False)
    axes.set_yticks(places, [part for _, parts in groups for part in parts])
    axes.set_ylim(0.6 - sum(rows), 0.6)
    axes.tick_params(axis="y", length=0)
    axes.grid(False, axis="y")
    return places


def dots(
    axes: Axes, places: Array, estimates: Sequence[Estimate], index: int, label: str | None, *, upright: bool
) -> None:
    """Estimates with their intervals: ``upright`` at places along the x axis, else at places up the y axis."""
    colour = _colour(index)
    low, value, high = (
        np.array([_float(getattr(estimate, part)) for estimate in estimates]) for part in ("low", "value", "high")
    )
    (axes.vlines if upright else axes.hlines)(places, low, high, color=colour, linewidth=1.2)
    x, y = (places, value) if upright else (value, places)
    axes.plot(x, y, color=colour, marker="osD^v*"[index % 6], markersize=4.5, linestyle="none", label=label)


def _float(value: float | None) -> float:
    return np.nan if value is None else value


def _key(name: str, value: str = "") -> str:
    """A line of the key, begun with a space: Matplotlib hides those that begin with an underscore."""
    return f" {_short(name)}: {value}" if value else f" {_short(name)}"


def _short(name: str, longest: int = 36) -> str:
    """The name without its middle where it would take too much of a figure; tables and ``alt`` have it whole."""
    half = (longest - 1) // 2
    return name if len(name) <= longest else f"{name[:half]}…{name[-half:]}"


def _threshold(system: SystemResult) -> float | None:
    return None if system.detector is None else system.detector.threshold


def _note(evaluation: Evaluation) -> str:
    settings = evaluation.settings
    return (
        f"{evaluation.truth.source}, {wording.split(settings.split)}: level {settings.level}, rule {settings.rule};\n"
        f"{wording.FALSE_POSITIVES[settings.per].lower()}; microcalc {evaluation.microcalc}"
    )
