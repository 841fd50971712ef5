"""One exposure: a phantom, its calcium and what else lies on the picture, through a device's imaging chain."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from microcalc.synthesis.calcification import Shadow
from microcalc.synthesis.device import Device
from microcalc.synthesis.phantom import Phantom, Tissue
from microcalc.synthesis.stamp import Stamp, apply_stamps
from microcalc.synthesis.visibility import WINDOW_MM, matched_filter_snr

Array = NDArray[np.float32]

#: Thickness above this share of the whole breast's counts as level, between the paddles.
_LEVEL = 0.95


def reference_attenuation(phantom: Phantom, tissue: Tissue) -> float:
    """What the automatic exposure is set for: the median ln attenuation where the breast is level."""
    # Every fourth row and column tell the same median.
    level = tissue.thickness[::4, ::4] > _LEVEL * phantom.outline.thickness
    return float(np.median(tissue.attenuation[::4, ::4][level]))


def measure_snr(shadow: Shadow, tissue_attenuation: Array, noise: Array, device: Device, reference: float) -> float:
    """Matched-filter SNR of one shadow against its exposed surroundings without any calcium.

    ``tissue_attenuation`` and ``noise`` (unit variance) are the whole view's.
    """
    around = round(WINDOW_MM / 2 / device.spacing_mm)
    window = tuple(slice(max(part.start - around, 0), part.stop + around) for part in shadow.region)
    background = device.expose(device.blur(tissue_attenuation[window]), noise[window], reference)
    signal = np.zeros_like(background)
    place = tuple(
        slice(part.start - whole.start, part.stop - whole.start)
        for part, whole in zip(shadow.region, window, strict=True)
    )
    signal[place] = shadow.contrast
    return matched_filter_snr(device.blur(signal), background, device.spacing_mm)


def acquire(
    phantom: Phantom,
    tissue: Tissue,
    device: Device,
    noise: Array,
    shadows: Iterable[Shadow] = (),
    stamps: Iterable[Stamp] = (),
) -> NDArray[np.uint16]:
    """The finished picture: attenuations add up, then blur, noise, look, and what is burnt in.

    Args:
        phantom: whose view this is; its field must be ``tissue``'s.
        tissue: as rendered, left as it is.
        device: the unit.
        noise: (rows, columns) float32 of unit variance.
        shadows: of calcium, each inside the field.
        stamps: of what is not calcium; they may reach beyond the field.

    Returns:
        (rows, columns) uint16, stored values (``Device.store``) in the stored orientation: right breasts mirrored.
    """
    stamps = tuple(stamps)
    attenuation = tissue.attenuation.copy()
    for shadow in shadows:
        attenuation[shadow.region] += shadow.contrast
    apply_stamps(attenuation, stamps, "attenuation")
    attenuation = device.blur(attenuation)
    attenuation = device.expose(attenuation, noise, reference_attenuation(phantom, tissue))
    grey = device.present(attenuation, tissue)
    apply_stamps(grey, stamps, "grey", white=device.full)
    stored = device.store(grey)
    return stored if phantom.side == "L" else np.ascontiguousarray(stored[:, ::-1])
