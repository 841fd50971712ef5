"""Look: how a mammography unit turns exposures into grey; every step is pointwise or of bounded reach."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from microcalc.synthesis.phantom import FAT, Tissue

Array = NDArray[np.float32]

#: The tone curve runs over this many e-foldings of a sigmoid below and above its middle.
_TOE, _SHOULDER = 8.0, 6.0
#: Unsharp masking adds no more than this, ln units: metal and the skin line would ring.
_MOST_DETAIL = 0.5
#: Rows taken at a time.
_BLOCK_ROWS = 256


@dataclass(frozen=True)
class Look:
    """For-presentation processing as drawn for one study.

    The thickness of fat is taken away (peripheral equalisation: ideal, the true thickness is known) and part of the
    roll-off put back; unsharp masking follows, then a tone curve, which maps steps of exposure to grey values.
    """

    #: Slope of the tone curve's sigmoid per ln unit, and the attenuation above fat's own at its middle.
    contrast: float
    middle: float
    #: Asymmetry of the sigmoid: below 1 a long toe and a short shoulder, above 1 the reverse.
    skew: float = 1.0
    #: Share of a straight line through the middle (a window with hard ends), the rest is sigmoid: 0..1.
    straight: float = 0.0
    #: Darkest and brightest grey as shares of full scale.
    black: float = 0.0
    white: float = 1.0
    #: Steps of exposure per ln unit: where they are fewer than the grey values, some of these never occur. 0: enough.
    steps: float = 0.0
    #: Roll-off left at the skin line, ln units, and how far in it reaches, mm.
    rolloff: float = 0.0
    rolloff_mm: float = 25.0
    #: Width over which the picture fades in from the skin line, mm; 0: it does not, and air is seen.
    fade_mm: float = 1.5
    #: Unsharp masking: amount, and half width of the local mean (a wide one is local contrast enhancement), mm.
    unsharp: float = 0.0
    unsharp_mm: float = 0.5

    def reach_px(self, spacing_mm: float) -> int:
        """How many pixels around it a grey value depends on."""
        return 2 * self._half_width(spacing_mm) if self.unsharp else 0

    def present(self, exposed: Array, tissue: Tissue, spacing_mm: float, full: int) -> NDArray[np.uint16]:
        """Grey 0..``full``, bright = radio-opaque, of exposed ln attenuation; ``tissue`` is that of the same window."""
        tone = exposed - np.float32(FAT) * tissue.thickness
        if self.rolloff:
            tone -= np.float32(self.rolloff) * (1 - np.sqrt(_rounded(tissue.skin_distance, self.rolloff_mm)))
        floor = self.middle - _TOE / self.contrast
        tone -= np.float32(floor)
        if self.fade_mm:
            tone *= _rounded(tissue.skin_distance, self.fade_mm)
        if self.unsharp:
            tone += np.float32(self.unsharp) * self._detail(tone, spacing_mm)
        # Two steps a grey value where the sigmoid is steepest leave none out.
        steps = self.steps or full * self.contrast / 2
        tone *= np.float32(steps)
        count = round((_TOE + _SHOULDER) / self.contrast * steps)
        if tone.size < count:  # a small window: its own steps are fewer than a table's
            return self._grey(np.clip(np.rint(tone), 0, count - 1), full, steps)
        return _look_up(self._grey(np.arange(count), full, steps), tone)

    def _grey(self, places: NDArray[Any], full: int, steps: float) -> NDArray[np.uint16]:
        """Grey of steps of exposure: 0 is ``_TOE`` below the middle, the last one ``_SHOULDER`` above it."""
        slope = self.contrast / steps * places.astype(np.float64) - _TOE
        sigmoid, least = self._sigmoid(slope), self._sigmoid(np.array([-_TOE]))
        sigmoid = (sigmoid - least) / (1 - least)
        share = (1 - self.straight) * sigmoid + self.straight * np.clip(0.5 + slope / 4, 0, 1)
        grey: NDArray[np.uint16] = np.rint(full * (self.black + (self.white - self.black) * share)).astype(np.uint16)
        return grey

    def _sigmoid(self, slope: NDArray[np.float64]) -> NDArray[np.float64]:
        """A logistic curve with the asymmetry of ``skew``."""
        curve: NDArray[np.float64] = (1 + (2**self.skew - 1) * np.exp(-self.skew * slope)) ** (-1 / self.skew)
        return curve

    def _half_width(self, spacing_mm: float) -> int:
        return max(1, round(self.unsharp_mm / spacing_mm))

    def _detail(self, tone: Array, spacing_mm: float) -> Array:
        """What differs from the local mean (two passes of a box)."""
        size = 2 * self._half_width(spacing_mm) + 1
        mean = cv2.blur(cv2.blur(tone, (size, size)), (size, size))
        detail: Array = np.clip(tone - mean, -_MOST_DETAIL, _MOST_DETAIL)
        return detail


def _look_up(table: NDArray[np.uint16], places: Array) -> NDArray[np.uint16]:
    """Entries at the nearest places, the first and last one beyond the ends."""
    found = np.empty(places.shape, np.uint16)
    # By blocks: NumPy widens indices to 64 bits.
    for top in range(0, len(places), _BLOCK_ROWS):
        block = slice(top, top + _BLOCK_ROWS)
        np.take(table, np.rint(places[block]).astype(np.intp), out=found[block], mode="clip")
    return found


def _rounded(distance: Array, width: float) -> Array:
    """0 at a distance of 0, 1 from ``width`` on, a parabola between: the square of a half-round rim's chord."""
    inwards = np.clip(distance * np.float32(1 / width), 0, 1)
    rounded: Array = inwards * (2 - inwards)
    return rounded
