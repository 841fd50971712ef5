"""Charts and pictures for the page, as text that stands in HTML by itself: SVG, and PNG in base64."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Values = Sequence[float] | NDArray[np.float64]

_WIDTH, _HEIGHT = 460, 300
#: Left, right, top, bottom.
_MARGIN = (58, 12, 26, 40)
#: Real pictures blue, phantoms orange, crude ones grey.
COLOURS = {"real": "#1f6fb4", "phantom": "#e07b1f", "crude": "#888888"}


@dataclass(frozen=True)
class Line:
    """One curve: its kind sets the colour, its dash the rest."""

    kind: str
    x: Values
    y: Values
    dash: str = ""


@dataclass(frozen=True)
class _Axis:
    low: float
    high: float
    start: float
    end: float
    log: bool

    def __call__(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        low, high = np.log((self.low, self.high)) if self.log else (self.low, self.high)
        shown = np.log(values) if self.log else values
        return self.start + (shown - low) / (high - low) * (self.end - self.start)

    def ticks(self) -> list[float]:
        if self.log:
            decades = range(int(np.floor(np.log10(self.low))), int(np.ceil(np.log10(self.high))) + 1)
            marks = [m * 10.0**d for d in decades for m in (1, 2, 5)]
            inside = [m for m in marks if self.low <= m <= self.high]
            return inside if len(inside) < 9 else [m for m in inside if f"{m:e}"[0] == "1"]
        step = 10 ** np.floor(np.log10((self.high - self.low) / 2))
        step *= next(m for m in (1, 2, 5, 10) if (self.high - self.low) / (step * m) <= 6)
        return [float(t) for t in np.arange(np.ceil(self.low / step), np.floor(self.high / step) + 1) * step]


def chart(title: str, lines: Sequence[Line], *, x: str, y: str, log_x: bool = False, log_y: bool = False) -> str:
    """An SVG chart of curves; ``x`` and ``y`` name the axes. Values that are not finite are left out."""
    kept = [_finite(line, log_x, log_y) for line in lines]
    left, right, top, bottom = _MARGIN
    across = _axis([line.x for line in kept], left, _WIDTH - right, log_x)
    up = _axis([line.y for line in kept], _HEIGHT - bottom, top, log_y)
    parts = [f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" role="img" aria-label="{title}">']
    parts.append(f'<text x="{left}" y="16" class="title">{title}</text>')
    for tick in across.ticks():
        at = float(across(np.array(tick)))
        parts.append(f'<line x1="{at:.1f}" x2="{at:.1f}" y1="{top}" y2="{_HEIGHT - bottom}" class="grid"/>')
        parts.append(f'<text x="{at:.1f}" y="{_HEIGHT - bottom + 14}" text-anchor="middle">{tick:g}</text>')
    for tick in up.ticks():
        at = float(up(np.array(tick)))
        parts.append(f'<line x1="{left}" x2="{_WIDTH - right}" y1="{at:.1f}" y2="{at:.1f}" class="grid"/>')
        parts.append(f'<text x="{left - 4}" y="{at + 4:.1f}" text-anchor="end">{tick:g}</text>')
    parts.append(f'<text x="{(left + _WIDTH - right) / 2}" y="{_HEIGHT - 6}" text-anchor="middle">{x}</text>')
    middle = (top + _HEIGHT - bottom) / 2
    parts.append(f'<text transform="translate(12 {middle}) rotate(-90)" text-anchor="middle">{y}</text>')
    for line in kept:
        points = " ".join(
            f"{a:.1f},{b:.1f}" for a, b in zip(across(np.asarray(line.x)), up(np.asarray(line.y)), strict=True)
        )
        style = f'stroke="{COLOURS[line.kind]}" stroke-dasharray="{line.dash}"'
        parts.append(f'<polyline points="{points}" fill="none" stroke-width="1.5" {style}/>')
    return "".join(parts) + "</svg>"


def _finite(line: Line, log_x: bool, log_y: bool) -> Line:
    x, y = np.asarray(line.x, float), np.asarray(line.y, float)
    kept = np.isfinite(x) & np.isfinite(y) & ((x > 0) | (not log_x)) & ((y > 0) | (not log_y))
    return Line(line.kind, x[kept], y[kept], line.dash)


def _axis(values: Sequence[Values], start: float, end: float, log: bool) -> _Axis:
    every = np.concatenate([np.asarray(v) for v in values])
    low, high = float(every.min()), float(every.max())
    room = 1.0 if high > low else 1.1
    return _Axis(low if log or low < 0 else min(low, 0.0), high * room, start, end, log)


def picture(image: NDArray[np.uint16], caption: str, *, white: int, zoom: int = 1) -> str:
    """A figure of 12-bit grey shown from 0 to ``white``, enlarged by whole pixels."""
    shown = np.clip(image.astype(np.float32) * (255 / white), 0, 255).astype(np.uint8)
    if zoom > 1:
        shown = cv2.resize(shown, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_NEAREST)
    encoded = base64.b64encode(cv2.imencode(".png", shown)[1].tobytes()).decode()
    height, width = shown.shape
    size = f'width="{width}" height="{height}"'
    shown_as = f'<img {size} alt="{caption}" src="data:image/png;base64,{encoded}">'
    return f"<figure>{shown_as}<figcaption>{caption}</figcaption></figure>"


def sheet(windows: NDArray[np.float32], columns: int) -> NDArray[np.uint16]:
    """A contact sheet of (n, side, side) windows, each lifted to the same background."""
    level = np.median(windows, axis=(1, 2), keepdims=True)
    even = np.clip(windows - level + 1000, 0, 4095)
    framed = np.pad(even, ((0, -len(even) % columns), (1, 1), (1, 1)))
    side = framed.shape[1]
    rows = framed.reshape(-1, columns, side, side).transpose(0, 2, 1, 3)
    return np.rint(rows.reshape(-1, columns * side)).astype(np.uint16)
