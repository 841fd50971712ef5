"""Which unit may have made a finished image: by the detector that its header states, its pixel pitch, its noise.

Quanta are blurred by what blurs the image, so that the colour of the noise tells kinds of detectors apart.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from microcalc.synthesis.device import DEVICES, Device

Spectrum = NDArray[np.float64]

#: Units drawn of each kind; the one whose noise is most like the image's is taken.
_DRAWS = 8
#: Pitches that differ by no more than this factor may be one kind's.
_SAME_PITCH = 1.25
#: Below this frequency noise cannot be told from anatomy and processing; per mm, and at most per pixel.
_LEAST_PER_MM, _LEAST_PER_PX = 3.0, 0.4
_SPECTRUM_PX = 32


def recognise(
    colour: NDArray[np.float32], spacing_mm: float, shape: tuple[int, int], rng: np.random.Generator, detector: str = ""
) -> Device:
    """A unit like the one that made an image, with the image's pitch and size.

    Of the kinds with the image's detector and about its pitch (where there are none: with its detector; where there are
    none: of all) units are drawn, and the one with the most similar noise above 3 per mm is taken.

    Args:
        colour: (n, n), makes white noise the image's own.
        spacing_mm: of the image.
        shape: (rows, columns) of the image.
        rng: draws the units.
        detector: DICOM Detector Type; "" where unknown.
    """
    units = [DEVICES[name](rng) for name in DEVICES for _ in range(_DRAWS)]
    units = [unit for unit in units if unit.intent == "presentation"]
    units = [unit for unit in units if unit.detector == detector] or units
    low, high = spacing_mm / _SAME_PITCH, spacing_mm * _SAME_PITCH
    units = [unit for unit in units if low < unit.spacing_mm < high] or units
    units = [replace(unit, spacing_mm=spacing_mm, shape=shape) for unit in units]
    frequency = np.stack(np.meshgrid(*[fft.fftfreq(_SPECTRUM_PX)] * 2))
    told = np.hypot(*frequency) > min(_LEAST_PER_MM * spacing_mm, _LEAST_PER_PX)
    measured = np.abs(fft.fft2(colour, (_SPECTRUM_PX, _SPECTRUM_PX)))[told]
    differences = [_unit_mean(measured) - _unit_mean(_noise_transfer(unit, frequency)[told]) for unit in units]
    return units[int(np.argmin([np.square(difference).sum() for difference in differences]))]


def _noise_transfer(unit: Device, frequency: Spectrum) -> Spectrum:
    """What ``Device.unit_noise`` makes of white noise: a white share, and one through a discrete Gaussian."""
    lag = (1 - np.cos(2 * np.pi * frequency)).sum(axis=0)
    blurred: Spectrum = np.exp(-((unit.noise_blur_mm / unit.spacing_mm) ** 2) * lag)
    return 1 - unit.correlated + unit.correlated * blurred


def _unit_mean(values: Spectrum) -> Spectrum:
    unit: Spectrum = values / values.mean()
    return unit
