"""Confusers: what is bright or sharp on a mammogram and not calcium."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from microcalc.synthesis import confuser_marks as marks
from microcalc.synthesis.confuser_film import draw_film
from microcalc.synthesis.device import Device
from microcalc.synthesis.phantom import Phantom, Tissue
from microcalc.synthesis.repeatable import repeatable
from microcalc.synthesis.stamp import Stamp

#: How often a picture shows ...
_ODDS = {
    "marker": 0.95,
    "bead": 0.35,
    "skin marker": 0.08,
    "clip": 0.06,
    "biopsy marker": 0.06,
    "wire": 0.04,
    "fold": 0.25,
    "hair": 0.08,
    "grid line": 0.08,
    "hot pixel": 0.15,
    "dead line": 0.05,
}
#: Metal on or in the breast, by kind.
_IN_BREAST = {
    "skin marker": marks.skin_marker,
    "clip": marks.clips,
    "biopsy marker": marks.biopsy_marker,
    "wire": marks.scar_wire,
}
#: Depth below the skin line at which that lies; and folds and hair, mm.
_DEEP_MM, _SHALLOW_MM = (8, 60), (2, 12)


@repeatable
def draw_confusers(phantom: Phantom, tissue: Tissue, device: Device, rng: np.random.Generator) -> tuple[Stamp, ...]:
    """What lies on this picture besides the breast, each kind by its odds; stamps are in the left breast's frame."""
    stamps = [*_metal(phantom, tissue, device, rng), *_shadows(tissue, device, rng)]
    faults = draw_film(phantom, device, rng) if device.film else _faults(phantom.shape, rng)
    return (*stamps, *faults)


def _happens(kind: str, rng: np.random.Generator) -> bool:
    return bool(rng.random() < _ODDS[kind])


def _metal(phantom: Phantom, tissue: Tissue, device: Device, rng: np.random.Generator) -> Iterator[Stamp]:
    """Lettering and metal."""
    if _happens("marker", rng):
        yield marks.lettering(phantom, tissue, device, rng)
    if _happens("bead", rng):
        yield marks.nipple_bead(phantom, device, rng)
    for kind, draw in _IN_BREAST.items():
        at_mm = marks.place_inside(tissue, device.spacing_mm, _DEEP_MM, rng)
        if _happens(kind, rng) and at_mm is not None:
            yield from draw(at_mm, device, rng)


def _shadows(tissue: Tissue, device: Device, rng: np.random.Generator) -> Iterator[Stamp]:
    """Skin folds, hair, the lines of the anti-scatter grid."""
    at_mm = marks.place_inside(tissue, device.spacing_mm, _SHALLOW_MM, rng)
    if _happens("fold", rng) and at_mm is not None:
        yield _fold(at_mm, tissue, device, rng)
    if _happens("hair", rng) and at_mm is not None:
        for _ in range(int(rng.integers(1, 5))):
            path = marks.wander(at_mm, rng.uniform(10, 40), 3.0, rng)
            width, value = rng.uniform(0.05, 0.1), rng.uniform(0.03, 0.1)
            yield marks.trace("hair", path, width, device.spacing_mm, value, "attenuation")
    if _happens("grid line", rng):
        yield _grid_lines(tissue.thickness.shape, device.spacing_mm, rng)


def _fold(at_mm: tuple[float, float], tissue: Tissue, device: Device, rng: np.random.Generator) -> Stamp:
    """Skin doubled along an arc: sharp on one side, running out on the other and at both ends."""
    spacing = device.spacing_mm
    radius, length, width = rng.uniform((20, 20, 1.0), (80, 50, 4.0))
    angle = rng.uniform(0, 2 * np.pi)
    centre = np.asarray(at_mm) - radius * np.array((np.cos(angle), np.sin(angle)))
    rows, columns = tissue.skin_distance.shape
    left, top = (max(0, int((place - length) / spacing)) for place in at_mm)
    right, bottom = (
        min(end, int((place + length) / spacing)) for place, end in zip(at_mm, (columns, rows), strict=True)
    )
    y, x = np.mgrid[top:bottom, left:right] * spacing - centre[::-1, None, None]
    outwards = np.hypot(x, y) - radius
    along = radius * ((np.arctan2(y, x) - angle + np.pi) % (2 * np.pi) - np.pi)
    band = np.where(outwards > 0, np.exp(-outwards / width), np.exp(outwards / 0.2))
    band *= np.exp(-0.5 * (4 * along / length) ** 2) * rng.uniform(0.08, 0.3)
    band *= np.clip(tissue.skin_distance[top:bottom, left:right], 0, 1)
    return Stamp("fold", top, left, band.astype(np.float32), "attenuation")


def _grid_lines(shape: tuple[int, int], spacing_mm: float, rng: np.random.Generator) -> Stamp:
    """A grid that moved too little: faint stripes along the columns."""
    phase = 2 * np.pi * np.arange(shape[1]) * spacing_mm / rng.uniform(0.25, 0.6) + rng.uniform(0, 2 * np.pi)
    stripes = (rng.uniform(0.002, 0.008) * np.sin(phase)).astype(np.float32)
    return Stamp("grid line", 0, 0, np.broadcast_to(stripes, shape), "attenuation")


def _faults(shape: tuple[int, int], rng: np.random.Generator) -> Iterator[Stamp]:
    """Detector elements that were not corrected for: single pixels, and parts of a readout line."""
    if _happens("hot pixel", rng):
        for _ in range(int(rng.integers(1, 8))):
            row, column = (int(rng.integers(length)) for length in shape)
            value = np.full((1, 1), rng.choice([-1, 1]) * rng.uniform(0.3, 1.0), np.float32)
            yield Stamp("hot pixel", row, column, value, "grey")
    if _happens("dead line", rng):
        row, column = int(rng.integers(shape[0])), int(rng.integers(shape[1]))
        line = np.full((shape[0] - row, 1), rng.choice([-1, 1]) * rng.uniform(0.05, 0.4), np.float32)
        yield Stamp("dead line", row, column, line, "grey")
