"""Calcium into a finished mammogram, in its own grey scale, with its own noise.

The image's grey is read as ln attenuation (:mod:`microcalc.synthesis.insertion_tone`); there the blurred shadow is
added, and the noise that fewer photons would have brought; then it is grey again. Nothing is pasted: what the image
showed at a place stays in the sum, noise included.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from microcalc.errors import UsageError
from microcalc.synthesis.calcification import Shadow
from microcalc.synthesis.device import Device
from microcalc.synthesis.insertion_tone import GreyScale
from microcalc.synthesis.insertion_unit import recognise
from microcalc.synthesis.visibility import WINDOW_MM, matched_filter_snr

Array = NDArray[np.float32]

#: Quantum noise, ln units in a pixel of 0.07 mm, least and most: drawn, as the truth is not known (about the likeliest
#: of ``device``).
QUANTUM_NOISE = (0.028, 0.040)
#: No unit's blur reaches farther beyond a shadow, mm: half of ``WINDOW_MM`` at most.
_REACH_MM = 1.5


@dataclass(frozen=True, eq=False)
class Insertion:
    """A finished image and what can be put into it: how well each shadow would be seen is known before it is there."""

    #: (rows, columns) float32 in 0..1, without calcium.
    pixels: Array
    scale: GreyScale
    #: As the image's detector sees them.
    shadows: tuple[Shadow, ...]
    #: Matched-filter SNR of each, against the image without any.
    snr: tuple[float, ...]

    @classmethod
    def prepare(
        cls,
        pixels: Array,
        breast: NDArray[np.bool_],
        shadows: Sequence[Shadow],
        spacing_mm: float,
        rng: np.random.Generator,
        detector: str = "",
    ) -> Insertion:
        """Measure an image and see what shadows would be in it.

        Args:
            pixels: (rows, columns) in 0..1, bright = radio-opaque.
            breast: (rows, columns), where the breast is.
            shadows: in the frame of ``pixels``, added ln attenuation (not negative) before blur.
            spacing_mm: of the (square) pixels.
            rng: draws the unit whose blur is used, and the strength of the quantum noise.
            detector: DICOM Detector Type, "" where unknown: what made the image (:func:`recognise`).

        Raises:
            UsageError: a shadow reaches beyond the image, or the breast is too small to measure its noise.
        """
        scale = GreyScale.measure(pixels, breast, spacing_mm, rng.uniform(*QUANTUM_NOISE))
        unit = recognise(scale.colour, spacing_mm, pixels.shape, rng, detector)
        blurred = tuple(_blurred(shadow, unit) for shadow in shadows)
        return cls(pixels, scale, blurred, tuple(_snr(shadow, pixels, scale, spacing_mm) for shadow in blurred))

    def finish(self, chosen: Iterable[int], rng: np.random.Generator) -> Array:
        """The pixels with the chosen shadows in them, by index; ``rng`` draws the noise that comes with them."""
        contrast = np.zeros_like(self.pixels)
        for index in chosen:
            contrast[self.shadows[index].region] += self.shadows[index].contrast
        changed = np.nonzero(contrast)
        added = contrast[changed]
        white = rng.standard_normal(contrast.shape, dtype=np.float32)
        noise = cv2.filter2D(white, -1, self.scale.colour, dst=white)[changed]
        # Behind a speck photons are fewer by exp(-contrast), and the variance of ln exposure is larger by the inverse.
        added += np.sqrt(np.expm1(added)) * self.scale.noise_at(*changed) * noise
        finished = self.pixels.copy()
        finished[changed] = self.scale.grey(self.scale.attenuation(self.pixels[changed]) + added)
        return finished


def reach_px(spacing_mm: float) -> int:
    """How far beyond a shadow its blur may reach, pixels."""
    return int(np.ceil(_REACH_MM / spacing_mm))


def _blurred(shadow: Shadow, unit: Device) -> Shadow:
    """The shadow as the detector sees it, with room for the blur around it."""
    assert shadow.contrast.min() >= 0  # the noise of fewer photons has no meaning for more of them
    margin, shape = reach_px(unit.spacing_mm), unit.shape
    contrast = unit.blur(np.pad(shadow.contrast, margin))
    blurred = replace(shadow, row=shadow.row - margin, column=shadow.column - margin, contrast=contrast)
    down, across = blurred.region
    if min(down.start, across.start) < 0 or down.stop > shape[0] or across.stop > shape[1]:
        raise UsageError(
            expected="shadows inside the image",
            found=f"one at rows {down.start} to {down.stop}, columns {across.start} to {across.stop} "
            f"of {shape[0]} x {shape[1]} pixels",
            do="place it elsewhere",
        )
    return blurred


def _snr(shadow: Shadow, pixels: Array, scale: GreyScale, spacing_mm: float) -> float:
    """Matched-filter SNR of one blurred shadow against what the image shows around it."""
    around = round(WINDOW_MM / 2 / spacing_mm) - reach_px(spacing_mm)
    window = tuple(slice(max(part.start - around, 0), part.stop + around) for part in shadow.region)
    background = scale.attenuation(pixels[window])
    signal = np.zeros_like(background)
    down, across = (
        slice(part.start - whole.start, part.stop - whole.start)
        for part, whole in zip(shadow.region, window, strict=True)
    )
    signal[down, across] = shadow.contrast
    return matched_filter_snr(signal, background, spacing_mm)
