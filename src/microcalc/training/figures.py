"""The figures of a cascade, after those of Cortina Uribe et al.: 10, 11, 12, 14, and one of their Table 2."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from microcalc.comparison.drawing import COLOURS, LINES, Drawing, draw
from microcalc.evaluation.froc import froc
from microcalc.features.haar_prototypes import pictures, prototypes
from microcalc.training.classifiers import Curve, TableRow
from microcalc.training.haar_selection import Plateau, Ranking
from microcalc.training.measure import MeasuredPool
from microcalc.training.part_figures import SIZE, froc_drawing, reliability_drawing
from microcalc.training.systems import CASCADE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_ON_VALIDATION = "Trained on the training part, shown all candidates of the validation part."
#: Prototypes in a row of their picture, and rows.
_ACROSS, _DOWN = 8, 4


def drawings(
    ranking: Ranking, table: Sequence[TableRow], curves: Sequence[Curve], parts: Sequence[MeasuredPool]
) -> Iterator[Drawing]:
    """Every figure that there are numbers for.

    ``haar-plateau`` (10), ``haar-prototypes`` (11), ``classifiers`` (Table 2), ``classifiers-roc`` and
    ``classifiers-precision`` (12), and of each part of the data ``froc-PART`` (14), ``froc-PART-snr`` and
    ``reliability-PART``.
    """
    if ranking.plateau:
        yield _plateau(ranking.plateau)
    if ranking.order:
        yield _prototypes(ranking.order[: _ACROSS * _DOWN])
    yield _classifiers([row for row in table if row.auroc is not None])
    yield _roc(curves)
    yield _precision(curves)
    for part in parts:
        yield froc_drawing(f"froc-{part.split}", "What the second stage adds", part.curves, part)
        if part.bands:
            bands = {f"SNR {band}": froc(images[CASCADE]) for band, images in part.bands.items()}
            yield froc_drawing(f"froc-{part.split}-snr", "The cascade, by how well a calcification shows", bands, part)
        yield reliability_drawing(part.pool.labels, part.pool.of_rows(part.scores[CASCADE]), part)


def _roc(curves: Sequence[Curve]) -> Drawing:
    """Figure 12, above."""

    def paint(axes: Axes) -> None:
        for number, curve in enumerate(curves):
            x, y = curve.false_positive_rate, curve.true_positive_rate
            label = f"{curve.classifier} on {curve.features}, AUROC {curve.auroc:.3f}"
            axes.plot(x, y, color=COLOURS[number], linestyle=LINES[number], label=label)
        axes.set_xscale("log")
        ticks = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)
        axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        axes.set(xlim=(1e-4, 1), ylim=(0, 1), xlabel="False positive rate", ylabel="True positive rate")

    numbers = "; ".join(f"{curve.classifier} on {curve.features}: AUROC {curve.auroc:.3f}" for curve in curves)
    return draw("classifiers-roc", "ROC of the best classifiers", numbers, _ON_VALIDATION, SIZE, paint)


def _precision(curves: Sequence[Curve]) -> Drawing:
    """Figure 12, below."""

    def paint(axes: Axes) -> None:
        for number, curve in enumerate(curves):
            label = f"{curve.classifier} on {curve.features}, AUPRC {curve.auprc:.3f}"
            x, y = curve.true_positive_rate, curve.precision
            axes.plot(x, y, color=COLOURS[number], linestyle=LINES[number], label=label)
        axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="Sensitivity to candidates", ylabel="Precision")

    numbers = "; ".join(f"{curve.classifier} on {curve.features}: AUPRC {curve.auprc:.3f}" for curve in curves)
    return draw("classifiers-precision", "Precision of the best classifiers", numbers, _ON_VALIDATION, SIZE, paint)


def _plateau(plateau: Sequence[Plateau]) -> Drawing:
    """Figure 10."""
    sizes = [row.features for row in plateau]

    def paint(axes: Axes) -> None:
        for number, (measure, label) in enumerate((("auroc", "AUROC"), ("auprc", "AUPRC"))):
            means, spreads = (np.array([getattr(row, f"{measure}{end}") for row in plateau]) for end in ("", "_sd"))
            axes.plot(sizes, means, LINES[number], marker="o", markersize=3, color=COLOURS[number], label=label)
            axes.fill_between(sizes, means - spreads, means + spreads, color=COLOURS[number], alpha=0.15, linewidth=0)
        axes.set_xscale("log")
        crowded = [size < 1.5 * before for before, size in zip([0, *sizes], sizes, strict=False)]
        axes.set_xticks(sizes, ["" if hidden else str(size) for hidden, size in zip(crowded, sizes, strict=True)])
        axes.tick_params(axis="x", labelsize=7)
        axes.minorticks_off()
        axes.set_xlabel("Haar-like features, the most important ones")
        axes.set_ylim(0, 1)

    numbers = "; ".join(f"{row.features}: AUROC {row.auroc:.3f}, AUPRC {row.auprc:.3f}" for row in plateau)
    note = "Random forests, on validation candidates; mean and standard deviation over folds."
    return draw("haar-plateau", "How many Haar-like features are needed", numbers, note, SIZE, paint)


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
    note = (
        "Training candidates, cross-validated by patient; mean and standard deviation over folds.\n"
        "Haar-like features were chosen on some of these patients: sets with them look a little too good."
    )
    return draw("classifiers", "Classifiers on each family of features", numbers, note, SIZE, paint)
