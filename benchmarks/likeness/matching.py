"""Matching: phantoms are set beside real pictures as one unit would have made both.

Units are drawn with far more variety than the one that made the real pictures; how like these the phantoms are can only
be asked of a unit like theirs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from likeness.measures import GREY_LEVELS, RESIDUAL_SHARE, noise_by_grey
from likeness.specimen import LEVEL_DEPTH_MM, MAX_GREY, Specimen
from microcalc.synthesis.device import DEFAULT_DEVICE, Device, draw_device
from microcalc.synthesis.phantom import Tissue

#: Percentiles that are matched, and how many units are drawn to come near them.
PERCENTILES = (5, 25, 50, 75, 95)
_UNITS = 40


@dataclass(frozen=True)
class Target:
    """What the pictures of one unit have in common: grey at ``PERCENTILES``, and noise as a share of the grey."""

    levels: tuple[float, ...]
    noise: float

    @classmethod
    def of(cls, specimens: Sequence[Specimen]) -> Target:
        """Means over some pictures, deeper than ``LEVEL_DEPTH_MM``."""
        levels = [np.percentile(s.grey[s.depth > LEVEL_DEPTH_MM], PERCENTILES) for s in specimens]
        noise = [np.nanmedian(noise_by_grey(s) / GREY_LEVELS) for s in specimens]
        return cls(tuple(np.mean(levels, axis=0).tolist()), float(np.mean(noise)))


def nearest_device(tissue: Tissue, target: Target, rng: np.random.Generator) -> Device:
    """Of ``_UNITS`` units of the default kind, the one whose grey and noise on this tissue come nearest the target."""
    coarse = Tissue(*(image[::8, ::8].copy() for image in (tissue.attenuation, tissue.thickness, tissue.skin_distance)))
    deep = coarse.skin_distance > LEVEL_DEPTH_MM
    reference = float(np.median(coarse.attenuation[deep]))
    wanted = np.array((*target.levels, target.noise))

    def distance(device: Device) -> float:
        noise = device.unit_noise(deep.shape, rng)
        exposed = (device.expose(coarse.attenuation, part, reference) for part in (0 * noise, noise))
        clean, noisy = (device.present(part, coarse).astype(np.float32) * (MAX_GREY / device.full) for part in exposed)
        grain = noisy - clean
        grain -= cv2.GaussianBlur(grain, (0, 0), 1.0)  # as noise is measured in pictures
        share = np.median(np.abs(grain[deep]) / np.maximum(clean[deep], 1)) / 0.6745 / RESIDUAL_SHARE
        found = np.append(np.percentile(noisy[deep], PERCENTILES), share)
        return float(np.abs(np.log(np.maximum(found, 1e-3) / wanted)).sum())

    return min((draw_device(rng, name=DEFAULT_DEVICE) for _ in range(_UNITS)), key=distance)
