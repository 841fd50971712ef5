"""The first crude phantom, kept as a control: a two-sample test that cannot tell it from a mammogram has no power.

Gaussian power-law texture of exponent 3 inside an outline, and white noise. Nothing here follows the package, so that
the control stays what it is; its grey levels and the size of its noise are the real pictures' own, so that neither
gives it away.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from likeness.matching import PERCENTILES, Target
from likeness.specimen import LEVEL_DEPTH_MM, MAX_GREY
from microcalc.mammogram import Side
from microcalc.synthesis.phantom import Density

Array = NDArray[np.float32]

_SHAPE, _SPACING_MM = (3328, 2560), 0.07
#: Ln attenuation of a mm of gland over one of fat.
_GLAND = 0.028
#: Glandular share of the thickness: its mean by density, its standard deviation.
_SHARE, _SPREAD = {"A": 0.08, "B": 0.14, "C": 0.22, "D": 0.30}, 0.07
#: Depth, half height over depth, and thickness of the breast, mm: first and last.
_OUTLINE = ((76, 98), (1.0, 1.4), (42, 65))


def crude_picture(seed: int, side: Side, density: Density, target: Target) -> Array:
    """A CC view, (3328, 2560) float32 in 0..1 by 4096 steps, right breasts mirrored."""
    rng = np.random.default_rng([seed, ord(side)])
    skin_distance, thickness = _breast(rng)
    share = np.maximum(_SHARE[density] + _SPREAD * _power_law(rng), 0)
    above_fat = share * np.float32(_GLAND) * thickness
    known = np.percentile(above_fat[skin_distance > LEVEL_DEPTH_MM], PERCENTILES)
    grey = np.interp(above_fat, [0, *known, 2 * known[-1]], [0, *target.levels, MAX_GREY])
    grey *= (1 + target.noise * rng.standard_normal(_SHAPE, dtype=np.float32)) * (skin_distance > 0)
    picture = np.rint(np.clip(grey, 0, MAX_GREY)).astype(np.float32) / np.float32(MAX_GREY)
    return picture if side == "L" else np.ascontiguousarray(picture[:, ::-1])


def _breast(rng: np.random.Generator) -> tuple[Array, Array]:
    """Half an ellipse: distance to its rim (about, negative outside) and thickness, mm."""
    depth, tall, thickness = rng.uniform(*np.transpose(_OUTLINE))
    rows, columns = (np.arange(n, dtype=np.float32) * np.float32(_SPACING_MM) for n in _SHAPE)
    y = (rows - rows.mean())[:, None] / np.float32(tall * depth)
    skin_distance = np.float32(depth) * (1 - np.hypot(columns[None, :] / np.float32(depth), y))
    inside = np.clip(skin_distance, 0, thickness / 2)
    return skin_distance, 2 * np.sqrt(inside * (np.float32(thickness) - inside))


def _power_law(rng: np.random.Generator) -> Array:
    """Gaussian field of unit variance whose power falls as frequency cubed."""
    rows, columns = _SHAPE
    down = np.fft.fftfreq(rows, _SPACING_MM)[:, None]
    across = np.fft.rfftfreq(columns, _SPACING_MM)[None, :]
    amplitude = np.maximum(np.hypot(down, across), 1 / 50).astype(np.float32) ** -1.5
    white = np.fft.rfft2(rng.standard_normal(_SHAPE, dtype=np.float32))
    field = np.fft.irfft2(white * amplitude, s=_SHAPE).astype(np.float32)
    return (field - field.mean()) / field.std()
