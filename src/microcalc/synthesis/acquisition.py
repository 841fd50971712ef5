"""One exposure: a phantom with its calcium through the imaging chain, and what of the calcium can be seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from microcalc.errors import UsageError
from microcalc.synthesis.calcification import Shadow, Speck, cast_shadow
from microcalc.synthesis.imaging import blur, burn_marker, expose, present, unit_noise
from microcalc.synthesis.phantom import Phantom
from microcalc.synthesis.visibility import WINDOW_MM, matched_filter_snr

Array = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Acquisition:
    """A finished picture and its exact truth, both in the stored orientation (right breasts mirrored)."""

    #: (rows, columns) uint16, 0..4095, bright = radio-opaque, 0 outside the breast but for the marker.
    pixels: NDArray[np.uint16]
    #: (rows, columns) bool: inside the skin line, pectoral muscle included.
    breast: NDArray[np.bool_]
    #: Per speck: outline (n, 2) x, y in pixels, and matched-filter SNR.
    outlines: tuple[NDArray[np.float64], ...]
    snr: tuple[float, ...]


def acquire(phantom: Phantom, specks: Sequence[Speck] = ()) -> Acquisition:
    """Expose a phantom holding the given calcifications: attenuations add up, then one blur, noise, vendor look.

    Raises:
        UsageError: a calcification's shadow reaches beyond the field.
    """
    spacing = phantom.spacing_mm
    tissue = phantom.render()
    noise = unit_noise(phantom.shape, phantom.rng("noise", phantom.side, phantom.view))
    level = tissue.thickness > 0.95 * phantom.outline.thickness
    reference = float(np.median(tissue.attenuation[level]))
    shadows = [_shadow(speck, phantom) for speck in specks]
    snr = [_snr(shadow, tissue.attenuation, noise, reference, spacing) for shadow in shadows]
    attenuation = tissue.attenuation.copy()
    for shadow in shadows:
        attenuation[shadow.region] += shadow.contrast
    pixels = present(expose(blur(attenuation, spacing), noise, reference, spacing), tissue)
    breast = tissue.skin_distance > 0
    outlines = [shadow.polygon for shadow in shadows]
    if phantom.side == "R":
        pixels, breast = np.ascontiguousarray(pixels[:, ::-1]), np.ascontiguousarray(breast[:, ::-1])
        outlines = [np.array((phantom.shape[1] - 1, 0)) + polygon * (-1, 1) for polygon in outlines]
    burn_marker(pixels, phantom.side, phantom.view)
    return Acquisition(pixels, breast, tuple(outlines), tuple(snr))


def _shadow(speck: Speck, phantom: Phantom) -> Shadow:
    x_mm, y_mm = phantom.outline.locate(*speck.place)
    shadow = cast_shadow(
        speck, phantom.view, x_mm / phantom.spacing_mm - 0.5, y_mm / phantom.spacing_mm - 0.5, phantom.spacing_mm
    )
    rows, columns = phantom.shape
    down, across = shadow.region
    if min(down.start, across.start) < 0 or down.stop > rows or across.stop > columns:
        raise UsageError(
            expected="a field that holds every calcification",
            found=f"one that reaches beyond {rows} x {columns} pixels of {phantom.spacing_mm:g} mm",
            do="ask for more pixels",
        )
    return shadow


def _snr(shadow: Shadow, attenuation: Array, noise: Array, reference: float, spacing_mm: float) -> float:
    """Matched-filter SNR of one shadow against its exposed surroundings without any calcium."""
    around = round(WINDOW_MM / 2 / spacing_mm)
    window = tuple(slice(max(part.start - around, 0), part.stop + around) for part in shadow.region)
    background = expose(blur(attenuation[window], spacing_mm), noise[window], reference, spacing_mm)
    signal = np.zeros_like(background)
    place = tuple(
        slice(part.start - whole.start, part.stop - whole.start)
        for part, whole in zip(shadow.region, window, strict=True)
    )
    signal[place] = shadow.contrast
    return matched_filter_snr(blur(signal, spacing_mm), background, spacing_mm)
