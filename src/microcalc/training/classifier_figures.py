"""The figures of a patch classifier. The part of the data stands on each of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from microcalc.comparison import wording
from microcalc.comparison.drawing import COLOURS, INK, LINES, Drawing, draw
from microcalc.comparison.figures import dots
from microcalc.training.classifier_records import ClassifierReport, PartResult, TargetResult

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Array = NDArray[np.float64]

#: Inches: half a page.
_WIDTH = 4.4
#: Classes beyond which a name in the confusion matrix is cut.
_LONGEST_NAME = 18


def learning_curves(report: ClassifierReport) -> tuple[Drawing, ...]:
    """Loss, and accuracy with AUC, epoch by epoch; as PNG too."""
    losses = {"training": "train_loss", "validation": "validation_loss"}
    shares = {
        "training accuracy": "train_accuracy",
        "validation accuracy": "validation_accuracy",
        "validation AUC": "validation_auc",
    }
    return (
        _curve(report, "learning-loss", "Loss, epoch by epoch.", "Loss", losses),
        _curve(report, "learning-accuracy", "Accuracy and AUC, epoch by epoch.", "Share", shares),
    )


def _curve(report: ClassifierReport, name: str, title: str, axis: str, columns: dict[str, str]) -> Drawing:
    epochs = np.array([row.epoch for row in report.history])
    values = {
        label: np.array([getattr(row, column) for row in report.history], np.float64)
        for label, column in columns.items()
    }

    def paint(axes: Axes) -> None:
        from matplotlib.ticker import MaxNLocator

        for number, (label, of) in enumerate(values.items()):
            axes.plot(epochs, of, LINES[number], marker=".", markersize=4, color=COLOURS[number], label=label)
        axes.axvline(report.kept, color=INK, alpha=0.5, linewidth=0.8)
        axes.set(xlabel="Epoch", ylabel=axis)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))

    at_kept = ", ".join(f"{label} {of[report.kept - 1]:.4g}" for label, of in values.items())
    return draw(
        name,
        f"{title} Upright line: the epoch whose weights are kept.",
        f"{title} Epoch {report.kept} of {len(epochs)} is kept: {at_kept}.",
        f"{report.recipe} on {report.data}; {report.stopped}.\n"
        "Training: mean over the epoch’s augmented patches, while weights change.",
        (_WIDTH, 3.4),
        paint,
        raster=True,
    )


def part_figures(report: ClassifierReport, part: PartResult) -> tuple[Drawing, ...]:
    """ROC of all targets, confusion matrix, and of each target reliability and strata."""
    drawn = [_roc(report, part), _confusion(report, part)]
    for number, target in enumerate(part.targets, 1):
        drawn.append(_reliability(report, part, target, number))
        if target.strata:
            drawn.append(_strata(report, part, target, number))
    return tuple(drawn)


def _roc(report: ClassifierReport, part: PartResult) -> Drawing:
    def paint(axes: Axes) -> None:
        axes.plot([0, 1], [0, 1], color=INK, alpha=0.4, linewidth=0.6)
        axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01))
        axes.set(xlabel="False positive rate (1 \N{MINUS SIGN} specificity)", ylabel="True positive rate (sensitivity)")
        for number, target in enumerate(part.targets):
            colour, label = COLOURS[number % len(COLOURS)], f" {target.target}: {wording.said(target.auc)}"
            x, y = target.false_positive_rate, target.true_positive_rate
            axes.plot(x, y, color=colour, linestyle=LINES[number % len(LINES)], label=label)
            found = [point.metrics["sensitivity"].value for point in target.points]
            spared = [point.metrics["specificity"].value for point in target.points]
            rings = [(1 - b, a) for a, b in zip(found, spared, strict=True) if a is not None and b is not None]
            axes.plot(*np.array(rings).reshape(-1, 2).T, "o", color=colour, markersize=7, markerfacecolor="none")

    numbers = "; ".join(f"{target.target}: AUC {wording.said(target.auc)}" for target in part.targets)
    title = "ROC. In the key: area under the curve. Rings: operating points, chosen on validation."
    return draw(f"roc-{part.split}", title, f"ROC. {numbers}.", _note(report, part), (_WIDTH, 4.4), paint)


def _confusion(report: ClassifierReport, part: PartResult) -> Drawing:
    cells = np.array(part.confusion)
    names = [name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…" for name in part.patches]
    with np.errstate(invalid="ignore"):
        shares = cells / cells.sum(axis=1, keepdims=True)

    def paint(axes: Axes) -> None:
        axes.imshow(np.nan_to_num(shares), cmap="Blues", vmin=0, vmax=1)
        for row, column in np.ndindex(cells.shape):
            of_row = "" if np.isnan(shares[row, column]) else f"\n{shares[row, column]:.1%}"
            # White or black whatever the page: the cell has a ground of its own.
            dark = np.nan_to_num(shares[row, column]) > 0.5
            colour = "white" if dark else "black"
            axes.text(column, row, f"{cells[row, column]:,}{of_row}", ha="center", va="center", color=colour)
        axes.set_xticks(range(len(names)), names)
        axes.set_yticks(range(len(names)), names)
        axes.set(xlabel="Likeliest class", ylabel="True class")
        axes.grid(visible=False)

    numbers = "; ".join(
        f"{cells[row, column]} of {true} called {called}"
        for row, true in enumerate(part.patches)
        for column, called in enumerate(part.patches)
    )
    title = "Confusion matrix: patches, and their share of the true class."
    size = (_WIDTH, 1.6 + 0.9 * len(names))
    return draw(f"confusion-{part.split}", title, f"{title} {numbers}.", _note(report, part), size, paint)


def _reliability(report: ClassifierReport, part: PartResult, target: TargetResult, number: int) -> Drawing:
    found = target.reliability

    def paint(axes: Axes) -> None:
        axes.plot([0, 1], [0, 1], color=INK, alpha=0.4, linewidth=0.6)
        axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01))
        axes.set(xlabel="Mean score", ylabel=f"Share of {target.target}")
        dots(axes, np.array(found.scores), found.shares, 0, None, upright=True)

    of = "Scores" if target.uncalibrated is None else "Probabilities, not calibrated"
    bins = "; ".join(f"{score:.2f}: {wording.said(it)}" for score, it in zip(found.scores, found.shares, strict=True))
    title = f"Reliability of {target.target}. {of} that are right lie on the diagonal. Bars: 95 % Wilson intervals."
    error = wording.said(found.expected_calibration_error)
    return draw(
        f"reliability-{part.split}-{number}",
        f"{title} Expected calibration error {error}.",
        f"{title} {bins}.",
        _note(report, part),
        (_WIDTH, 4.2),
        paint,
    )


def _strata(report: ClassifierReport, part: PartResult, target: TargetResult, number: int) -> Drawing:
    """AUC of the network and of plain contrast in each stratum."""
    rows = target.strata
    against = [None if row.contrast is None else row.contrast.auc for row in rows]
    places = -np.arange(len(rows), dtype=np.float64)

    def paint(axes: Axes) -> None:
        dots(axes, places + 0.12, [row.auc for row in rows], 0, " network", upright=False)
        known = [index for index, it in enumerate(against) if it is not None]
        if known:
            plain = [it for it in against if it is not None]
            dots(axes, places[known] - 0.12, plain, 1, " plain contrast", upright=False)
        names = [f"{row.by.upper() if row.by == 'snr' else row.by} {row.name}\n({row.positives})" for row in rows]
        axes.set_yticks(places, names)
        axes.set(ylim=(places[-1] - 0.6, 0.6), xlabel="AUC")
        axes.set_xlim(right=1.01)
        axes.grid(visible=False, axis="y")

    numbers = "; ".join(f"{row.by} {row.name}: {wording.said(row.auc)}" for row in rows)
    title = f"AUC of {target.target} by stratum, with 95 % intervals. In brackets: positive patches."
    size = (_WIDTH, 1.5 + 0.38 * len(rows))
    return draw(f"strata-{part.split}-{number}", title, f"{title} {numbers}.", _note(report, part), size, paint)


def _note(report: ClassifierReport, part: PartResult) -> str:
    patients = "" if part.patients is None else f" of {part.patients} patients"
    return (
        f"{report.recipe}: {part.split} part of {report.data},\n"
        f"{sum(part.patches.values()):,} patches{patients}; microcalc {report.microcalc}"
    )
