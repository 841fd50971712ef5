"""Figures of one part of the data, for every kind of detector that is trained: FROC, and whether scores are shares."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from microcalc.comparison.drawing import COLOURS, INK, LINES, Drawing, draw
from microcalc.comparison.estimates import share
from microcalc.comparison.figures import dots
from microcalc.evaluation.calibration import reliability
from microcalc.evaluation.froc import LIMIT, Froc
from microcalc.output.words import count
from microcalc.training.measure import Measured
from microcalc.training.samples import RULE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Inches: half a page.
SIZE = (4.4, 3.2)
#: False positives per image that a FROC is read at.
_RATES = (0.05, 0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 50.0)


def froc_drawing(name: str, title: str, curves: Mapping[str, Froc], measured: Measured) -> Drawing:
    """FROC curves, label -> curve; Figure 14 of Cortina Uribe et al. is of this kind."""

    def paint(axes: Axes) -> None:
        for number, (label, curve) in enumerate(curves.items()):
            false, found = (np.append(of, of[-1:]) for of in (curve.false_positives, curve.sensitivity))
            false[-1] = max(false[-1], LIMIT["image"])
            label = f"{label}, AUC50 {curve.auc50:.3f}"
            axes.step(false, found, where="post", color=COLOURS[number], linestyle=LINES[number], label=label)
        axes.set_xscale("log")
        axes.set_xticks(_RATES, [f"{rate:g}" for rate in _RATES])
        axes.minorticks_off()
        axes.set(xlim=(_RATES[0], LIMIT["image"]), ylim=(0, 1))
        axes.set(xlabel="False positives per normal image", ylabel="Sensitivity")

    numbers = "; ".join(f"{label}: AUC50 {curve.auc50:.3f}" for label, curve in curves.items())
    whole = next(iter(measured.curves.values()))
    of = f"{count(whole.lesions, 'calcification')}, {count(whole.normal_images, 'normal image')}"
    note = f"{_part(measured)}, {of}, rule {RULE.name}."
    return draw(name, title, numbers, note, SIZE, paint)


def reliability_drawing(labels: NDArray[np.bool_], scores: NDArray[np.float64], measured: Measured) -> Drawing:
    """Whether scores (n,) are shares of hits, which ``labels`` (n,) says of each."""
    found = reliability(labels, scores)
    shares = [share(hits, of) for hits, of in zip(found.positives.tolist(), found.counts.tolist(), strict=True)]

    def paint(axes: Axes) -> None:
        axes.plot([0, 1], [0, 1], color=INK, alpha=0.4, linewidth=0.6)
        dots(axes, found.scores, shares, 0, None, upright=True)
        axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), xlabel="Mean score", ylabel="Share of hits")

    bins = zip(found.scores, found.positives, found.counts, strict=True)
    numbers = "; ".join(f"{score:.2f}: {hits} of {of}" for score, hits, of in bins)
    note = f"{_part(measured)}, by tenths of the score.\nBars: 95 % Wilson intervals, each taken as independent."
    return draw(f"reliability-{measured.split}", "Scores and shares of hits", numbers, note, SIZE, paint)


def _part(measured: Measured) -> str:
    return f"{measured.split.capitalize()} part of {measured.data}"
