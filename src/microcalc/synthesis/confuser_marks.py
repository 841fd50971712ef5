"""Marks that people leave on a mammogram: lettering, metal on the skin and metal in the breast."""

from __future__ import annotations

import string
from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from microcalc.synthesis.device import Device
from microcalc.synthesis.phantom import Phantom, Tissue
from microcalc.synthesis.stamp import Array, Stage, Stamp

#: x, y in mm.
Place = tuple[float, float]

#: ln attenuation of lead and steel, and of titanium a wire thick: next to nothing gets through.
_LEAD, _TITANIUM = 4.0, 2.5
#: Shapes are drawn this much finer than pixels and averaged.
_ZOOM = 4


def trace(
    kind: str, points_mm: NDArray[np.float64], width_mm: float, spacing_mm: float, value: float, stage: Stage
) -> Stamp:
    """A line through (n, 2) x, y of the view in mm, as wide as given and of one value, with smooth edges."""
    points = points_mm / spacing_mm
    # A line thinner than the fine grid is drawn fainter instead.
    pen = max(1, round(width_mm / spacing_mm * _ZOOM))
    strength = min(1.0, width_mm / spacing_mm * _ZOOM / pen)
    margin = pen // _ZOOM + 2
    column, row = (int(low) for low in np.floor(points.min(0)) - margin)
    columns, rows = (int(high) for high in np.ceil(points.max(0)) + margin)
    canvas = np.zeros(((rows - row) * _ZOOM, (columns - column) * _ZOOM), np.uint8)
    path = np.rint((points - (column, row)) * _ZOOM).astype(np.int32)
    cv2.polylines(canvas, [path], False, 255, pen, cv2.LINE_8)
    return Stamp(kind, row, column, _shrink(canvas) * np.float32(strength * value), stage)


def wander(start_mm: Place, length_mm: float, bend: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """A smooth random path, (n, 2) x, y in mm, that turns by about ``bend`` radians in all."""
    steps = 40
    curvature = np.interp(np.arange(steps), np.linspace(0, steps - 1, 5), rng.standard_normal(5))
    heading = rng.uniform(0, 2 * np.pi) + np.cumsum(curvature) * bend / steps
    walk = np.cumsum(np.stack((np.cos(heading), np.sin(heading)), axis=1), axis=0) * length_mm / steps
    path: NDArray[np.float64] = np.asarray(start_mm) + walk
    return path


def place_inside(
    tissue: Tissue, spacing_mm: float, depth_mm: tuple[float, float], rng: np.random.Generator
) -> Place | None:
    """A random place x, y in mm at such a depth below the skin line; None where 1000 throws find none."""
    rows, columns = tissue.skin_distance.shape
    row, column = rng.integers(0, rows, 1000), rng.integers(0, columns, 1000)
    depth = tissue.skin_distance[row, column]
    hits = np.flatnonzero((depth > depth_mm[0]) & (depth < depth_mm[1]))
    if not len(hits):
        return None
    return (float(column[hits[0]]) + 0.5) * spacing_mm, (float(row[hits[0]]) + 0.5) * spacing_mm


def lettering(phantom: Phantom, tissue: Tissue, device: Device, rng: np.random.Generator) -> Stamp:
    """Side and view beside the breast, often in a frame of brackets; readable once right breasts are mirrored."""
    height = rng.uniform(3.0, 5.0) if device.film else rng.uniform(2.4, 4.0)
    pen = height * rng.uniform(0.09, 0.16)
    gap = rng.choice(["", " ", "-"])
    canvas = _text(f"{phantom.side}{gap}{phantom.view}", height, pen, device.spacing_mm)
    if rng.random() < 0.4:
        initials = [
            _text(letter, 0.45 * height, 0.6 * pen, device.spacing_mm)
            for letter in rng.choice(list(string.ascii_uppercase), 2)
        ]
        canvas = _joined(_joined(*initials, axis=0), canvas, axis=1)
    if rng.random() < 0.5:
        canvas = _bracketed(canvas, round(pen * _ZOOM / device.spacing_mm))
    if phantom.side == "R":
        canvas = canvas[:, ::-1]
    letters = _shrink(canvas)
    row, column = _beside_breast(letters.shape, tissue, device.spacing_mm, rng)
    stage = stage_of_metal(device)
    return Stamp("marker", row, column, letters * np.float32(1 if stage == "grey" else _LEAD), stage)


def stage_of_metal(device: Device) -> Stage:
    """How metal in the air beside the breast shows: where processing blackens air, as clean white patches."""
    return "grey" if device.intent == "presentation" and not device.film else "attenuation"


def nipple_bead(phantom: Phantom, device: Device, rng: np.random.Generator) -> Stamp:
    """A metal ball taped to the nipple."""
    height, _ = phantom.outline.nipple
    x = phantom.outline.depth * (1 + height) + rng.uniform(-2, 1)
    return _ball("bead", (x, phantom.outline.nipple_y + rng.normal(0, 3)), device, rng, stage_of_metal(device))


def skin_marker(at_mm: Place, device: Device, rng: np.random.Generator) -> Iterator[Stamp]:
    """A metal ball taped to where something is felt."""
    yield _ball("skin marker", at_mm, device, rng, "attenuation")


def clips(at_mm: Place, device: Device, rng: np.random.Generator) -> Iterator[Stamp]:
    """Surgical clips around a cavity: one to five folded titanium wires of 4 to 9 mm."""
    for offset in rng.normal(0, 8, (int(rng.integers(1, 6)), 2)):
        length, opening = rng.uniform(4, 9), rng.uniform(0.2, 1.0)
        shape = np.array([(0, 0), (0.9, 0.1), (1, 0.5), (0.9, 0.9), (0, 1)]) * (length, opening)
        path = _turned(shape, rng) + at_mm + offset
        yield trace("clip", path, rng.uniform(0.3, 0.6), device.spacing_mm, _TITANIUM, "attenuation")


def biopsy_marker(at_mm: Place, device: Device, rng: np.random.Generator) -> Iterator[Stamp]:
    """What is left where a biopsy was taken: a ring, a ribbon or a coil of 2 to 3 mm."""
    turn = np.linspace(-1, 1, 60)
    shapes = (
        (np.cos(np.pi * turn), np.sin(np.pi * turn)),
        (np.sin(np.pi * turn), 0.7 * np.sin(2 * np.pi * turn)),
        (turn, 0.4 * np.sin(4 * np.pi * turn)),
    )
    shape = np.stack(shapes[rng.integers(len(shapes))], axis=1) * rng.uniform(1.0, 1.5)
    path = _turned(shape, rng) + at_mm
    yield trace("biopsy marker", path, rng.uniform(0.25, 0.5), device.spacing_mm, _TITANIUM, "attenuation")


def scar_wire(at_mm: Place, device: Device, rng: np.random.Generator) -> Iterator[Stamp]:
    """A wire taped along a scar, 15 to 50 mm."""
    path = wander(at_mm, rng.uniform(15, 50), 1.0, rng)
    yield trace("wire", path, rng.uniform(0.3, 0.7), device.spacing_mm, _LEAD, "attenuation")


def _ball(kind: str, at_mm: Place, device: Device, rng: np.random.Generator, stage: Stage) -> Stamp:
    """A metal ball of 1.5 to 2 mm: opaque up to its rim."""
    value = 1.0 if stage == "grey" else _LEAD
    return trace(kind, np.array([at_mm, at_mm]), rng.uniform(1.5, 2.0), device.spacing_mm, value, stage)


def print_text(text: str, height_mm: float, pen_mm: float, spacing_mm: float) -> Array:
    """Capital letters of a height, (rows, columns) 0..1 on the pixel grid."""
    return _shrink(_text(text, height_mm, pen_mm, spacing_mm))


def _turned(points: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    angle = rng.uniform(0, 2 * np.pi)
    turned: NDArray[np.float64] = points @ np.array([(np.cos(angle), np.sin(angle)), (-np.sin(angle), np.cos(angle))])
    return turned


def _shrink(canvas: NDArray[np.uint8]) -> Array:
    """A fine canvas (0..255) on the pixel grid, 0..1."""
    rows, columns = (-(-length // _ZOOM) for length in canvas.shape)
    whole = np.zeros((rows * _ZOOM, columns * _ZOOM), np.float32)
    whole[: canvas.shape[0], : canvas.shape[1]] = canvas
    small: Array = whole.reshape(rows, _ZOOM, columns, _ZOOM).mean(axis=(1, 3)) / np.float32(255)
    return small


def _text(text: str, height_mm: float, pen_mm: float, spacing_mm: float) -> NDArray[np.uint8]:
    """Capital letters of a height on a fine canvas, with a blank rim as wide as the pen."""
    font, height = cv2.FONT_HERSHEY_SIMPLEX, max(8, round(height_mm * _ZOOM / spacing_mm))
    pen = max(1, round(pen_mm * _ZOOM / spacing_mm))
    scale = height / cv2.getTextSize("M", font, 1.0, 1)[0][1]
    (width, above), below = cv2.getTextSize(text, font, scale, pen)
    canvas = np.zeros((above + below + 4 * pen, width + 4 * pen), np.uint8)
    cv2.putText(canvas, text, (2 * pen, above + 2 * pen), font, scale, 255, pen, cv2.LINE_AA)
    # What a font calls its height is not that of its capitals.
    left, top, wide, high = cv2.boundingRect(canvas)
    size = (max(1, round(wide * height / high)), height)
    ink = cv2.resize(canvas[top : top + high, left : left + wide], size, interpolation=cv2.INTER_AREA)
    return np.pad(ink, pen).astype(np.uint8, copy=False)


def _joined(first: NDArray[np.uint8], second: NDArray[np.uint8], *, axis: int) -> NDArray[np.uint8]:
    """Two canvases below (0) or beside (1) each other, padded to one length along the other axis."""
    across = 1 - axis
    length = max(first.shape[across], second.shape[across])
    padded = []
    for canvas in (first, second):
        missing = [(0, 0), (0, 0)]
        missing[across] = (0, length - canvas.shape[across])
        padded.append(np.pad(canvas, missing))
    return np.concatenate(padded, axis=axis)


def _bracketed(canvas: NDArray[np.uint8], pen: int) -> NDArray[np.uint8]:
    """Corners of a frame around a canvas."""
    framed = np.pad(canvas, 3 * pen)
    rows, columns = framed.shape
    arm = rows // 3
    border = np.zeros_like(framed)
    cv2.rectangle(border, (0, 0), (columns - 1, rows - 1), 255, 2 * pen)
    border[arm:-arm] = 0
    border[:, arm:-arm] = 0
    return np.maximum(framed, border)


def _beside_breast(
    shape: tuple[int, int], tissue: Tissue, spacing_mm: float, rng: np.random.Generator
) -> tuple[int, int]:
    """First row and column of a box in the air: in the upper part of the field, else in its far upper corner."""
    rows, columns = tissue.skin_distance.shape
    lowest, rightmost = max(1, round(0.3 * rows) - shape[0]), max(1, columns - shape[1])
    clear = round(2 / spacing_mm)
    for _ in range(20):
        row, column = int(rng.integers(lowest)), int(rng.integers(rightmost))
        box = tissue.skin_distance[max(row - clear, 0) : row + shape[0] + clear, max(column - clear, 0) :: 8]
        if box.size and box.max() < 0:
            return row, column
    return 0, rightmost - 1
