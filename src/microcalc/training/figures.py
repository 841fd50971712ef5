"""The figures of a training run, after those of Cortina Uribe et al.: 10, 11, 12 (Table 2) and 14."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from microcalc.comparison.drawing import COLOURS, LINES, Drawing, draw
from microcalc.evaluation.froc import LIMIT, Froc, froc
from microcalc.features.haar_prototypes import pictures, prototypes
from microcalc.training.classifiers import TableRow
from microcalc.training.haar_selection import Plateau, Ranking
from microcalc.training.measure import Measured

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Inches: half a page.
_SIZE = (4.4, 3.2)
#: Prototypes in a row of their picture, and rows.
_ACROSS, _DOWN = 8, 4


def drawings(ranking: Ranking, table: Sequence[TableRow], validation: Measured) -> Iterator[Drawing]:
    """Every figure that there are numbers for: ``haar-plateau``, ``haar-prototypes``, ``classifiers``, ``froc``."""
    if ranking.plateau:
        yield _plateau(ranking.plateau)
    if ranking.order:
        yield _prototypes(ranking.order[: _ACROSS * _DOWN])
    yield _classifiers([row for row in table if row.auroc is not None])
    yield _froc({name: froc(validation.images(name)) for name in validation.scores}, validation.data)


def _plateau(plateau: Sequence[Plateau]) -> Drawing:
    """Figure 10."""
    sizes = [row.features for row in plateau]

    def paint(axes: Axes) -> None:
        for number, (measure, label) in enumerate((("auroc", "AUROC"), ("auprc", "AUPRC"))):
            means, spreads = (np.array([getattr(row, f"{measure}{end}") for row in plateau]) for end in ("", "_sd"))
            axes.plot(sizes, means, LINES[number], marker="o", markersize=3, color=COLOURS[number], label=label)
            axes.fill_between(sizes, means - spreads, means + spreads, color=COLOURS[number], alpha=0.15, linewidth=0)
        axes.set_xscale("log")
        axes.set_xticks(sizes, [str(size) for size in sizes])
        axes.tick_params(axis="x", labelsize=7)
        axes.minorticks_off()
        axes.set_xlabel("Haar-like features, the most important ones")
        axes.set_ylim(0, 1)

    numbers = "; ".join(f"{row.features}: AUROC {row.auroc:.3f}, AUPRC {row.auprc:.3f}" for row in plateau)
    note = "Random forests, on validation candidates; mean and standard deviation over folds."
    return draw("haar-plateau", "How many Haar-like features are needed", numbers, note, _SIZE, paint)


def _prototypes(order: Sequence[int]) -> Drawing:
    """Figure 11: the most important prototypes, row by row; added pixels bright, taken away dark."""
    every = prototypes()
    chosen = [every[index] for index in order]
    tiles = np.full((_ACROSS * _DOWN, 16, 16), np.nan)
    tiles[: len(chosen), 1:15, 1:15] = pictures(chosen)
    mosaic: NDArray[np.float64] = tiles.reshape(_DOWN, _ACROSS, 16, 16).swapaxes(1, 2).reshape(_DOWN * 16, _ACROSS * 16)

    def paint(axes: Axes) -> None:
        axes.imshow(mosaic, cmap="gray", vmin=-1, vmax=1, interpolation="nearest")
        axes.set_axis_off()

    names = ", ".join(prototype.name for prototype in chosen)
    note = "The most important first, on 14 x 14 pixels: bright ones are added, dark ones taken away."
    return draw("haar-prototypes", "The Haar-like features chosen first", names, note, (4.4, 2.5), paint)


def _classifiers(table: Sequence[TableRow]) -> Drawing:
    """Table 2."""
    sets = list(dict.fromkeys(row.features for row in table))
    names = list(dict.fromkeys(row.classifier for row in table))

    def paint(axes: Axes) -> None:
        for number, name in enumerate(names):
            rows = [row for row in table if row.classifier == name]
            place = np.array([sets.index(row.features) for row in rows]) + 0.2 * (number - (len(names) - 1) / 2)
            for measure, mark in (("auroc", "o"), ("auprc", "s")):
                means, spreads = ([getattr(row, f"{measure}{end}") for row in rows] for end in ("", "_sd"))
                label = f"{name}, {measure.upper()}"
                axes.errorbar(place, means, spreads, fmt=mark, color=COLOURS[number], markersize=4, label=label)
        axes.set_xticks(range(len(sets)), sets)
        axes.set_ylim(0, 1)

    numbers = "; ".join(f"{r.classifier} on {r.features}: AUROC {r.auroc:.3f}, AUPRC {r.auprc:.3f}" for r in table)
    note = "Training candidates, cross-validated by patient; mean and standard deviation."
    return draw("classifiers", "Classifiers on each family of features", numbers, note, _SIZE, paint)


def _froc(curves: dict[str, Froc], data: str) -> Drawing:
    """Figure 14."""

    def paint(axes: Axes) -> None:
        for number, (name, curve) in enumerate(curves.items()):
            false, found = (np.append(of, of[-1:]) for of in (curve.false_positives, curve.sensitivity))
            false[-1] = max(false[-1], LIMIT["image"])
            label = f"{name}, AUC50 {curve.auc50:.3f}"
            axes.step(false, found, where="post", color=COLOURS[number], linestyle=LINES[number], label=label)
        axes.set_xlim(0, LIMIT["image"])
        axes.set_ylim(0, 1)
        axes.set_xlabel("False positives per normal image")
        axes.set_ylabel("Sensitivity")

    numbers = "; ".join(f"{name}: AUC50 {curve.auc50:.3f}" for name, curve in curves.items())
    lesions = next(iter(curves.values())).lesions
    note = f"Validation part of {data}, {lesions} calcifications, rule disc14."
    return draw("froc", "What the second stage adds", numbers, note, _SIZE, paint)
