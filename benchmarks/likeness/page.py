"""The page: phantoms beside real mammograms, as one HTML file that needs nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from likeness import lesions, measures, tables
from likeness.charts import COLOURS, Line, chart, picture, sheet
from likeness.folds import Auc
from likeness.lesions import Group
from likeness.specimen import MAX_GREY
from likeness.summary import Summary

#: How many phantoms the page shows, and the grey that is white in every picture (the same for all).
_SHOWN, _WHITE = 4, 2800
_THIRDS = ("fatty third", "middle third", "dense third")

_STYLE = """
body{font:15px/1.45 system-ui,sans-serif;max-width:1500px;margin:2em auto;padding:0 1em;color:#222}
table{border-collapse:collapse;margin:1em 0}td,th{padding:.15em .7em;border-bottom:1px solid #ddd;text-align:right}
td:first-child,th:first-child{text-align:left}figure{display:inline-block;margin:.3em}figcaption{font-size:13px;color:#555}
svg{font:11px system-ui,sans-serif;margin:.3em}svg .grid{stroke:#e4e4e4}svg .title{font-weight:600;font-size:13px}
img{background:#000;max-width:none}.far{background:#fde3cf}
"""


@dataclass(frozen=True)
class Test:
    """One two-sample test: what was told from what, by what, and how well."""

    question: str
    by: str
    auc: Auc
    note: str = ""


def write(
    real: Sequence[Summary],
    drawn: Sequence[Summary],
    crude: Sequence[Summary],
    tests: Sequence[Test],
    specks: tuple[Sequence[Group], Sequence[Group]],
) -> str:
    """The whole page."""
    shown = drawn[:_SHOWN]
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8><title>Phantoms beside real mammograms</title>",
        f"<style>{_STYLE}</style><h1>Phantoms beside real mammograms</h1>",
        f"<p>{len(real)} real pictures ({', '.join(s.name for s in real)}), {len(drawn)} phantoms. In charts "
        f"{_coloured('real', 'real pictures')}, {_coloured('phantom', 'phantoms')}, "
        f"{_coloured('crude', 'crude control')}; "
        "the same window for all.</p>",
        "<h2>Can they be told apart?</h2>",
        _tests(tests),
        "<h2>At full resolution</h2>",
        _crops([*real, *shown]),
        "<h2>Whole</h2>",
        "".join(picture(s.overview, s.name, white=_WHITE) for s in (*real, *shown, *crude[:1])),
        "<h2>What differs most</h2><p>Statistics of 256 px tiles: mean (standard deviation); the gap is in "
        "pooled standard deviations.</p>",
        _rows("statistic", tables.tile_rows(real, drawn), "gap"),
        "<h2>Curves</h2>",
        _curves([*real, *drawn, *crude]),
        _exponents([*real, *drawn, *crude]),
        "<h2>Numbers</h2><p>Peaks per 100 cm2. Ratio: phantoms over real ones, of the means.</p>",
        _rows("number", tables.number_rows(real, drawn), "ratio"),
        "<h2>Specks</h2>",
        _specks(*specks),
    ]
    return "\n".join(parts)


def _coloured(kind: str, text: str) -> str:
    return f'<b style="color:{COLOURS[kind]}">{text}</b>'


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = ["<tr>" + "".join(f"<th>{cell}</th>" for cell in head) + "</tr>"]
    lines += ["<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows]
    return "<table>" + "".join(lines) + "</table>"


def _tests(tests: Sequence[Test]) -> str:
    rows = [(t.question, t.by, str(t.auc), " ".join(f"{f:.2f}" for f in t.auc.folds), t.note) for t in tests]
    text = "<p>AUC (95 % interval over blocks of the test pictures; too narrow, for it does not know other women).</p>"
    return text + _table(("told apart", "by", "AUC", "folds", ""), rows)


def _rows(name: str, rows: Sequence[tables.Row], gap: str) -> str:
    def shown(row: tables.Row) -> str:
        if np.isnan(row.gap):
            return "none"
        return f"{row.gap:+.2f}" if gap == "gap" else f"{np.exp(row.gap):.2f}"

    cells = ((r.name, r.real, r.drawn, f'<span class="far">{shown(r)}</span>' if r.far else shown(r)) for r in rows)
    return _table((name, "real", "phantoms", gap), cells)


def _crops(summaries: Sequence[Summary]) -> str:
    parts = []
    for i, place in enumerate(("fatty", "middling", "dense")):
        parts.append(f"<h3>{place} tissue</h3>")
        parts += [picture(s.crops[i], s.name, white=_WHITE) for s in summaries]
    return "".join(parts)


def _curves(summaries: Sequence[Summary]) -> str:
    skin = (measures.SKIN_EDGES_MM[1:] + measures.SKIN_EDGES_MM[:-1]) / 2
    contrast = (measures.CONTRAST_EDGES[1:] + measures.CONTRAST_EDGES[:-1]) / 2
    charts = [
        chart(f"power spectrum, {_THIRDS[i]}",
              [Line(s.kind, measures.FREQUENCIES, spectrum_by_third(s)[i]) for s in summaries],
              x="frequency, /mm", y="grey² mm²", log_x=True, log_y=True)
        for i in range(3)
    ]  # fmt: skip
    charts.append(
        chart("grey by distance to the skin", [Line(s.kind, skin, s.skin) for s in summaries],
              x="mm", y="median grey", log_x=True)
    )  # fmt: skip
    charts.append(
        chart(
            "noise by grey", [Line(s.kind, measures.GREY_LEVELS, s.noise) for s in summaries], x="grey", y="noise sigma"
        )
    )
    histograms = [np.histogram(s.contrast, measures.CONTRAST_EDGES, density=True)[0] for s in summaries]
    charts.append(
        chart("local contrast, 2.2 mm",
              [Line(s.kind, contrast, h) for s, h in zip(summaries, histograms, strict=True)],
              x="standard deviation / mean", y="density")
    )  # fmt: skip
    return "".join(charts)


def spectrum_by_third(summary: Summary) -> list[np.ndarray]:
    """Mean spectrum of the darkest, middle and brightest third of the tiles."""
    order = np.argsort(summary.tiles[:, 0])
    return [summary.spectra[part].mean(0) for part in np.array_split(order, 3)]


def _exponents(summaries: Sequence[Summary]) -> str:
    rows = []
    for s in summaries:
        thirds = [measures.exponents(spectrum) for spectrum in spectrum_by_third(s)]
        rows.append((s.name, *(" / ".join(f"{third[band]:.2f}" for third in thirds) for band in measures.BANDS)))
    head = ("exponents, fatty / middle / dense", *(f"{band} /mm" for band in measures.BANDS))
    return _table(head, rows)


def _specks(real: Sequence[Group], drawn: Sequence[Group]) -> str:
    parts = [
        "<p>Groups marked by eye beside groups of fine pleomorphic specks, the visible ones.</p>",
        _table(("median (10 to 90 %)", "real", "drawn"), lesions.table(real, drawn)),
    ]
    for name, part in (("real", real), ("drawn", drawn)):
        if not part:
            continue
        parts += [picture(_codes(g.crop), f"{name}: {g.name}", white=_WHITE, zoom=2) for g in part[:5]]
        windows = np.concatenate([g.windows for g in part])[:40]
        parts.append(
            "<br>" + picture(sheet(windows, 10), f"{name}, on equal backgrounds", white=_WHITE, zoom=2) + "<br>"
        )
    return "".join(parts)


def _codes(grey: np.ndarray) -> np.ndarray:
    return np.rint(np.clip(grey, 0, MAX_GREY)).astype(np.uint16)
