"""Plain contrast: what anybody could score a patch by without learning anything, to set a network against.

(maximum of the centre - median of the patch) / median absolute deviation of the patch. Where a protocol centres patches
on what it takes for calcium, the centre is a disc of 14 px at 0.07 mm (0.98 mm) about the middle, whatever the size of
the patch; elsewhere it is the whole patch, since a calcification may lie anywhere.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from microcalc.mammogram import TYPICAL_SPACING_MM
from microcalc.patches.cortina import CORTINA16, CORTINA32, CORTINA64
from microcalc.patches.own import MICROCALC16, MICROCALC32, MICROCALC112
from microcalc.patches.pesapane import PESAPANE112
from microcalc.training.parts import Part

Array = NDArray[np.float64]

#: Of the centre: 14 px at 0.07 mm.
CENTRE_MM = 14 * TYPICAL_SPACING_MM[0]
#: Protocols whose patches have in the middle what they are about: a calcification, or what resembles one.
_CENTRED = {
    protocol.name for protocol in (CORTINA16, CORTINA32, CORTINA64, PESAPANE112, MICROCALC16, MICROCALC32, MICROCALC112)
}
#: Pixels worked on at a time: 64 MB as float32, and a few copies.
_PIXELS = 2**24


def centre_words(protocol: str) -> str:
    """What the maximum is taken of, for a reader."""
    if protocol in _CENTRED:
        return f"a disc of {CENTRE_MM:.2f} mm in the middle of the patch"
    return "the whole patch, which is not centred on anything"


def contrasts(part: Part) -> Array:
    """(m,) contrast of the patches of a part, 0 or more, in its order.

    Where more than half of the pixels are alike, and the median absolute deviation is 0, one grey level stands for it.
    """
    size = part.store.manifest.size_px
    scores = np.empty(len(part.indices))
    at_once = max(1, _PIXELS // size**2)
    for diameter_px in np.unique(_diameters(part)):
        of_size = np.flatnonzero(_diameters(part) == diameter_px)
        centre = _disc(size, diameter_px)
        for start in range(0, of_size.size, at_once):
            rows = of_size[start : start + at_once]
            scores[rows] = _contrast(part.store.pixels(part.indices[rows]), centre)
    return scores


def _diameters(part: Part) -> Array:
    """(m,) of the centre, px of the stored patch; infinite where it is the whole patch."""
    if part.store.manifest.protocol not in _CENTRED:
        return np.full(len(part.indices), np.inf)
    diameters: Array = CENTRE_MM / part.pitches_mm
    return diameters


def _disc(size: int, diameter_px: float) -> NDArray[np.bool_]:
    """(size, size) pixels within half a diameter of the middle one, which a protocol places its point on."""
    offset = np.arange(size) - size // 2
    inside: NDArray[np.bool_] = np.hypot(offset[:, None], offset) <= diameter_px / 2
    return inside


def _contrast(pixels: NDArray[np.uint16], centre: NDArray[np.bool_]) -> Array:
    """(n,) of (n, size, size) grey levels."""
    flat = pixels.reshape(len(pixels), -1).astype(np.float32)
    median = np.median(flat, axis=1, keepdims=True)
    deviation = np.median(np.abs(flat - median), axis=1)
    highest = flat[:, centre.ravel()].max(axis=1)
    score: Array = (highest - median[:, 0]).astype(np.float64) / np.maximum(deviation, 1.0)
    return score
