"""The first crude phantom, kept as a control: a two-sample test that cannot tell it from a mammogram has no power.

Gaussian power-law texture of exponent 3 inside an outline, white noise, and a plain tone curve. Nothing here follows
the package's own tissue or look, so that the control stays what it was.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from microcalc.mammogram import Side
from microcalc.synthesis.outline import Outline
from microcalc.synthesis.phantom import FAT, GLAND, Density

Array = NDArray[np.float32]

_SHAPE, _SPACING_MM, _MAX_GREY = (3328, 2560), 0.07, 4095
#: Glandular share of the thickness: its mean by density, its standard deviation.
_SHARE, _SPREAD = {"A": 0.08, "B": 0.14, "C": 0.22, "D": 0.30}, 0.07
#: Quantum noise, ln units; a plain tone curve, its middle set for the grey of real tissue.
_NOISE, _STEEPNESS, _MIDDLE = 0.036, 4.5, 0.48


def crude_picture(seed: int, side: Side, density: Density) -> Array:
    """A CC view, (3328, 2560) float32 in 0..1 by 4096 steps, right breasts mirrored."""
    rng = np.random.default_rng([seed, ord(side)])
    rows, columns = _SHAPE
    outline = Outline.draw("CC", (rows * _SPACING_MM, columns * _SPACING_MM), rng)
    y = (np.arange(rows, dtype=np.float32)[:, None] + 0.5) * np.float32(_SPACING_MM)
    x = (np.arange(columns, dtype=np.float32)[None, :] + 0.5) * np.float32(_SPACING_MM)
    skin_distance = outline.skin_distance(*np.broadcast_arrays(x, y))
    thickness = outline.tissue_thickness(skin_distance)
    share = np.maximum(_SHARE[density] + _SPREAD * _power_law(rng), 0)
    above_fat = share * (GLAND - FAT) * thickness + _NOISE * rng.standard_normal(_SHAPE, dtype=np.float32)
    grey = _MAX_GREY / (1 + np.exp(_STEEPNESS * (_MIDDLE - above_fat)))
    grey *= skin_distance > 0
    picture = np.rint(grey).astype(np.float32) / np.float32(_MAX_GREY)
    return picture if side == "L" else np.ascontiguousarray(picture[:, ::-1])


def _power_law(rng: np.random.Generator) -> Array:
    """Gaussian field of unit variance whose power falls as frequency cubed."""
    rows, columns = _SHAPE
    down = np.fft.fftfreq(rows, _SPACING_MM)[:, None]
    across = np.fft.rfftfreq(columns, _SPACING_MM)[None, :]
    amplitude = np.maximum(np.hypot(down, across), 1 / 50).astype(np.float32) ** -1.5
    white = np.fft.rfft2(rng.standard_normal(_SHAPE, dtype=np.float32))
    field = np.fft.irfft2(white * amplitude, s=_SHAPE).astype(np.float32)
    return (field - field.mean()) / field.std()
