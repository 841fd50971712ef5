"""The figures of a benchmark: Figures 5 and 6 of Cortina Uribe et al., and what they leave open."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from microcalc.benchmark.records import Benchmark, CandidateComparison, Proposed
from microcalc.comparison import wording
from microcalc.comparison.drawing import COLOURS, INK, Drawing, draw
from microcalc.comparison.records import Estimate

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Array = NDArray[np.float64]

#: Inches: half a page.
_WIDTH = 4.4
#: One more than there are colours, so that a pair comes back late.
_MARKERS = "osD^v*P"
#: An axis that spans less than this factor has its 2 and 5 labelled too.
_SHORT_SPAN = 50
_LINE = {"color": INK, "linewidth": 0.9}
_BOX: dict[str, Any] = {
    "flierprops": {"marker": ".", "markersize": 4, "markeredgecolor": INK, "alpha": 0.5},
    "medianprops": {"color": INK, "linewidth": 1.6},
    "whiskerprops": _LINE,
    "capprops": _LINE,
}
#: As a report calls the kinds of lesions.
_KINDS = {"snr": "SNR of the calcification", "size": "Diameter of the calcification"}


def is_own_figure(path: Path) -> bool:
    """Whether a file is a figure that a benchmark has written, such as ``figures/recall-snr.svg``."""
    names = rf"detector-seconds|fp-per-tp|sensitivity|proposer-seconds|recall-({'|'.join(_KINDS)})"
    return path.parent.name == "figures" and re.fullmatch(rf"({names})\.svg", path.name) is not None


def detector_figures(benchmark: Benchmark) -> tuple[Drawing, ...]:
    """Seconds an image of every detector."""
    timed = [it for it in benchmark.detectors if it.seconds_by_image]
    drawing = _boxes(
        "detector-seconds",
        "Seconds an image, without reading the file.",
        "Seconds",
        {it.name: np.array(it.seconds_by_image) for it in timed},
        _where(benchmark),
        logarithmic=True,
    )
    return (drawing,)


def candidate_figures(benchmark: Benchmark, candidates: CandidateComparison, proposed: Proposed) -> tuple[Drawing, ...]:
    """Figure 5 (false positives per true positive, and sensitivity, by image), Figure 6 (seconds), recall by kind."""
    note = f"{_where(benchmark)}: rule {candidates.rule}; microcalc {benchmark.microcalc}"
    by_name = {name: [image.outcomes[name] for image in proposed.images] for name in proposed.proposers}
    per_hit = {name: _array(one.false_positives / one.hits for one in of if one.hits) for name, of in by_name.items()}
    sensitivity = {name: _array(one.hits / len(one.found) for one in of if one.found) for name, of in by_name.items()}
    seconds = {name: _array(one.seconds for one in of) for name, of in by_name.items()}
    kinds = {part.by for part in candidates.proposers[0].recall_by}  # every proposer has the same
    return (
        _boxes(
            "fp-per-tp",
            "False positives per true positive, image by image (images on which a lesion is found); logarithmic axis.",
            "False positives per true positive",
            per_hit,
            note,
            logarithmic=True,
        ),
        _boxes("sensitivity", "Sensitivity, image by image (images with a lesion).", "Sensitivity", sensitivity, note),
        _boxes("proposer-seconds", "Seconds an image, candidates alone.", "Seconds", seconds, note, logarithmic=True),
        *(_recall(candidates, by, note) for by in _KINDS if by in kinds),
    )


def _where(benchmark: Benchmark) -> str:
    return f"{benchmark.data}, {wording.split(benchmark.split)}"


def _boxes(
    name: str, title: str, axis: str, values: dict[str, Array], note: str, *, logarithmic: bool = False
) -> Drawing:
    """A box for each method: quartiles, median, whiskers to 5 and 95 %, and what lies beyond as dots."""
    labels, shown = list(values), [of[of > 0] if logarithmic else of for of in values.values()]

    def paint(axes: Axes) -> None:
        if logarithmic:
            _make_logarithmic(axes, np.concatenate(shown))
        else:  # of shares
            axes.set_xlim(-0.02, 1.02)
        boxes = axes.boxplot(shown, orientation="horizontal", whis=(5, 95), widths=0.6, patch_artist=True, **_BOX)
        for index, box in enumerate(boxes["boxes"]):
            box.set(facecolor=COLOURS[index % len(COLOURS)], alpha=0.55, edgecolor=INK, linewidth=0.9)
        axes.set_yticks(np.arange(len(labels)) + 1, [label.replace(":", ":\n") for label in labels])
        axes.invert_yaxis()
        axes.xaxis.set_major_formatter("{x:g}")
        axes.set_xlabel(axis)

    medians = (
        f"{label}: median {np.median(of):.3g}" if of.size else f"{label}: none"
        for label, of in zip(labels, values.values(), strict=True)
    )
    noughts = sum(of.size for of in values.values()) - sum(of.size for of in shown)
    caption = f"{title} Box: quartiles and median; whiskers: 5 and 95 %."
    if noughts:
        caption += f" Beyond the axis, at 0: {noughts}."
    return draw(name, caption, f"{title} {'; '.join(medians)}.", note, (_WIDTH, 1.1 + 0.32 * len(labels)), paint)


def _make_logarithmic(axes: Axes, values: Array) -> None:
    from matplotlib.ticker import LogLocator

    axes.set_xscale("log")
    short = values.size > 0 and values.max() < _SHORT_SPAN * values.min()
    axes.xaxis.set_minor_locator(LogLocator(subs=(2, 5)))
    axes.xaxis.set_minor_formatter("{x:g}" if short else "")


def _recall(candidates: CandidateComparison, by: str, note: str) -> Drawing:
    """Recall of each kind of lesion, of all proposers."""
    parts = {it.name: [part for part in it.recall_by if part.by == by] for it in candidates.proposers}
    of_first = next(iter(parts.values()))  # every proposer has the same
    spread = np.linspace(-0.3, 0.3, len(parts)) if len(parts) > 1 else np.zeros(1)

    def paint(axes: Axes) -> None:
        for index, (name, of) in enumerate(parts.items()):
            colour = COLOURS[index % len(COLOURS)]
            places = np.arange(len(of)) + spread[index]
            low, value, high = (_column([part.recall for part in of], end) for end in ("low", "value", "high"))
            axes.vlines(places, low, high, color=colour, linewidth=1.2)
            marker = _MARKERS[index % len(_MARKERS)]
            axes.plot(
                places,
                value,
                color=colour,
                marker=marker,
                markersize=4.5,
                linestyle="none",
                clip_on=False,
                label=f" {name}",
            )
        axes.set_xticks(range(len(of_first)), [f"{part.name}\n({part.recall.n})" for part in of_first])
        axes.set_ylim(-0.02, 1.02)
        axes.set(xlabel=_KINDS[by], ylabel="Recall")
        axes.grid(False, axis="x")

    numbers = "; ".join(
        f"{name}, {part.name}: {wording.said(part.recall)}" for name, of in parts.items() for part in of
    )
    title = f"Recall by {'SNR' if by == 'snr' else 'diameter'}, with 95 % intervals. In brackets: lesions."
    return draw(f"recall-{by}", title, f"{title} {numbers}.", note, (_WIDTH, 2.6 + 0.17 * len(parts)), paint)


def _column(estimates: Sequence[Estimate], end: str) -> Array:
    """(estimates,) value, low or high; NaN where there is none."""
    return np.array([getattr(estimate, end) for estimate in estimates], np.float64)


def _array(values: Iterable[float]) -> Array:
    return np.fromiter(values, np.float64)
