"""Tables: phantoms against real pictures, what differs most at the top."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from likeness import measures
from likeness.summary import FEATURES, Summary

#: Gaps, in standard deviations, and ratios that are worth a look.
FAR_GAP, FAR_RATIO = 0.5, 1.33


@dataclass(frozen=True)
class Row:
    """One measure of both sets; ``gap`` sorts the table."""

    name: str
    real: str
    drawn: str
    gap: float
    #: Whether that is worth a look.
    far: bool


def tile_rows(real: Sequence[Summary], drawn: Sequence[Summary]) -> list[Row]:
    """Mean and spread over tiles of each statistic; the gap is in standard deviations (pooled), phantom less real."""
    a, b = (np.concatenate([s.tiles for s in part]) for part in (real, drawn))
    spread = np.sqrt((a.var(0) + b.var(0)) / 2)
    gaps = (b.mean(0) - a.mean(0)) / spread
    rows = [
        Row(
            name,
            f"{a[:, i].mean():.3g} ({a[:, i].std():.2g})",
            f"{b[:, i].mean():.3g} ({b[:, i].std():.2g})",
            gaps[i],
            abs(gaps[i]) > FAR_GAP,
        )
        for i, name in enumerate(FEATURES)
    ]
    return sorted(rows, key=lambda row: -abs(row.gap))


def number_rows(real: Sequence[Summary], drawn: Sequence[Summary]) -> list[Row]:
    """Numbers of whole pictures, and curves bin by bin; the gap is the logarithm of the ratio of the means."""
    sets = [[_numbers(s) for s in part] for part in (real, drawn)]
    rows = []
    for name in sets[0][0]:
        values = [np.array([numbers[name] for numbers in part]) for part in sets]
        if not all(np.isfinite(part).any() for part in values):
            continue  # a grey level that one of them lacks
        means = [float(np.nanmean(part)) for part in values]
        texts = [" ".join(f"{numbers[name]:.3g}" for numbers in part[:4]) for part in sets]
        gap = float(np.log(means[1] / means[0])) if min(means) > 0 else np.nan
        rows.append(Row(name, texts[0], texts[1], gap, abs(gap) > np.log(FAR_RATIO)))
    return rows


def _numbers(summary: Summary) -> dict[str, float]:
    skin = zip(measures.SKIN_EDGES_MM, measures.SKIN_EDGES_MM[1:], summary.skin, strict=False)
    grey = zip(measures.GREY_EDGES, measures.GREY_EDGES[1:], summary.noise, strict=False)
    return {
        **summary.numbers,
        **{f"grey {a:g}-{b:g} mm from the skin": float(value) for a, b, value in skin},
        **{f"noise at grey {a:.0f}-{b:.0f}": float(value) for a, b, value in grey},
    }


def tiles_table(real: Sequence[Summary], drawn: Sequence[Summary]) -> str:
    """For the terminal."""
    lines = [f"{'tiles: mean (sd)':28}{'real':>18}{'drawn':>18}{'gap (sd)':>10}"]
    lines += [f"{r.name:28}{r.real:>18}{r.drawn:>18}{r.gap:+10.2f}" for r in tile_rows(real, drawn)]
    return "\n".join(lines)


def numbers_table(real: Sequence[Summary], drawn: Sequence[Summary]) -> str:
    """For the terminal."""
    lines = [f"{'pictures':34}{'ratio':>7}   {'real':20} drawn (first four)"]
    lines += [
        f"{r.name:34}{np.exp(r.gap):7.2f}{' *' if r.far else '  '} {r.real:20} {r.drawn}"
        for r in number_rows(real, drawn)
    ]
    return "\n".join(lines)
