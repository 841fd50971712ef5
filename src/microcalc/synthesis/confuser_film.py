"""What a digitised film shows beside the breast: borders, labels, scratches, dust, and an uneven background."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np

from microcalc.synthesis.confuser_marks import print_text, trace, wander
from microcalc.synthesis.device import Device
from microcalc.synthesis.phantom import Phantom
from microcalc.synthesis.stamp import Stamp

#: Size of the coarse unevenness of the background, pixels.
_MOTTLE_PX = 24


def draw_film(phantom: Phantom, device: Device, rng: np.random.Generator) -> Iterator[Stamp]:
    """Everything of one film; borders come last, as they cover the rest."""
    shape = phantom.shape
    yield _mottle(shape, rng)
    for _ in range(rng.poisson(6)):
        yield _scratch(shape, device, rng)
    for _ in range(rng.poisson(15)):
        yield _dust(shape, device, rng)
    if rng.random() < 0.7:
        yield _label(phantom, device, rng)
    yield from _borders(shape, device, rng)


def _mottle(shape: tuple[int, int], rng: np.random.Generator) -> Stamp:
    """Uneven development and the digitiser's own noise: darkness is lifted a little, here more, there less."""
    coarse_shape = tuple(-(-length // _MOTTLE_PX) for length in shape)
    coarse = cv2.resize(rng.standard_normal(coarse_shape, dtype=np.float32), shape[::-1], interpolation=cv2.INTER_CUBIC)
    values = rng.standard_normal(shape, dtype=np.float32)
    values *= np.float32(rng.uniform(0.001, 0.006))
    values += np.float32(rng.uniform(0.001, 0.006)) * coarse
    return Stamp("mottle", 0, 0, np.abs(values, out=values), "grey")


def _scratch(shape: tuple[int, int], device: Device, rng: np.random.Generator) -> Stamp:
    """A hair-thin line, nearly straight: emulsion torn off (bright) or pressed (dark)."""
    rows, columns = shape
    start = (rng.uniform(0, columns) * device.spacing_mm, rng.uniform(0, rows) * device.spacing_mm)
    path = wander(start, rng.uniform(3, 40), 0.2, rng)
    value = rng.choice([-1, 1]) * rng.uniform(0.1, 0.5)
    return trace("scratch", path, rng.uniform(0.03, 0.12), device.spacing_mm, value, "grey")


def _dust(shape: tuple[int, int], device: Device, rng: np.random.Generator) -> Stamp:
    """A grain of dust between screen and film: white, sharp, of any outline."""
    rows, columns = shape
    start = (rng.uniform(0, columns) * device.spacing_mm, rng.uniform(0, rows) * device.spacing_mm)
    path = wander(start, rng.uniform(0.05, 0.5), 2.0, rng)
    return trace("dust", path, rng.uniform(0.05, 0.2), device.spacing_mm, rng.uniform(0.3, 1.0), "grey")


def _label(phantom: Phantom, device: Device, rng: np.random.Generator) -> Stamp:
    """A white sticker with black print, in the upper or lower corner away from the chest wall."""
    height, rim = rng.uniform(1.5, 3.0), round(2 / device.spacing_mm)
    lines = ("SYNTHETIC", "NO PATIENT", f"{phantom.side} {phantom.view} {rng.integers(1000, 10000)}")
    printed = [print_text(line, height, 0.12 * height, device.spacing_mm) for line in lines]
    width = max(line.shape[1] for line in printed)
    ink = np.vstack([np.pad(line, ((0, 0), (0, width - line.shape[1]))) for line in printed])
    values = np.float32(rng.uniform(0.85, 1.0)) * (1 - np.pad(ink, rim))
    rows, columns = values.shape
    away = round(rng.uniform(6, 12) / device.spacing_mm)
    row = away if rng.random() < 0.5 else phantom.shape[0] - rows - away
    readable = values if phantom.side == "L" else values[:, ::-1]
    return Stamp("label", row, phantom.shape[1] - columns - away, readable, "grey")


def _borders(shape: tuple[int, int], device: Device, rng: np.random.Generator) -> Iterator[Stamp]:
    """Where the digitiser saw light past the film's edges: white bands along some sides."""
    rows, columns = shape
    for side in ("top", "bottom", "right"):
        if rng.random() >= 0.4:
            continue
        width = max(1, round(rng.uniform(0.5, 5) / device.spacing_mm))
        box = (rows, width) if side == "right" else (width, columns)
        corner = {"top": (0, 0), "bottom": (rows - width, 0), "right": (0, columns - width)}[side]
        yield Stamp("border", *corner, np.broadcast_to(np.float32(rng.uniform(0.9, 1.0)), box), "grey")
