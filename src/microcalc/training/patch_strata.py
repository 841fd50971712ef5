"""Strata of patches: positives by how well their calcifications show, and patches by the patient's age."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from microcalc.evaluation.strata import SNR_BANDS, band_names
from microcalc.mammogram import TYPICAL_SPACING_MM
from microcalc.patches.calcium import asked_for
from microcalc.training.parts import Part
from microcalc.truth import ImageTruth

Array = NDArray[np.float64]
Indices = NDArray[np.intp]

#: Years, from the first up to but not including the second (Kahnouei et al., Table 1).
AGE_GROUPS = {"31–45": (31.0, 46.0), "46–60": (46.0, 61.0), "61–75": (61.0, 76.0)}


@dataclass(frozen=True, eq=False)
class PatchStratum:
    """Some of the patches of a part."""

    by: Literal["snr", "age"]
    name: str
    #: Where they stand in the part.
    positions: Indices


def snr_strata(part: Part, positive: NDArray[np.bool_]) -> Iterator[PatchStratum]:
    """Positives of each band of SNR against all negatives; bands that no positive is in are left out.

    Of several calcifications in a patch the best visible counts. Where the truth states no SNR, or where none has its
    centre in the patch, as when it only reaches in from outside, it is unknown.
    """
    snr = _snr(part)
    if np.isnan(snr[positive]).all():
        return
    bands = [*zip(band_names(SNR_BANDS), SNR_BANDS, strict=True)]
    within = {name: (snr >= low) & (snr < high) for name, (low, high) in bands} | {"unknown": np.isnan(snr)}
    for name, chosen in within.items():
        if (chosen & positive).any():
            yield PatchStratum("snr", name, np.flatnonzero(~positive | chosen))


def age_strata(part: Part) -> Iterator[PatchStratum]:
    """Patches of patients of each age group; groups without any are left out."""
    known = {path: truth.age for path, truth in part.truth_of.items() if truth.age is not None}
    age = np.array([known.get(patch.image, math.nan) for patch in part.patches])
    for name, (low, high) in AGE_GROUPS.items():
        chosen = np.flatnonzero((age >= low) & (age < high))
        if chosen.size:
            yield PatchStratum("age", name, chosen)


def _snr(part: Part) -> Array:
    """(m,) of each patch; NaN where it is unknown."""
    snr = np.full(len(part.indices), np.nan)
    boxes = np.array([patch.box for patch in part.patches]).reshape(-1, 4)
    images, owner = np.unique([patch.image for patch in part.patches], return_inverse=True)
    for number, image in enumerate(images.tolist()):
        if image in part.truth_of:
            of_image = np.flatnonzero(owner == number)
            snr[of_image] = _highest(part.truth_of[image], boxes[of_image])
    return snr


def _highest(truth: ImageTruth, boxes: Array) -> Array:
    """(n,) largest SNR of the calcifications asked for that have their centres in each of (n, 4) boxes."""
    asked = asked_for(truth, truth.spacing_mm or TYPICAL_SPACING_MM)
    known = [one for one, wanted in zip(truth.calcifications, asked, strict=True) if wanted and one.snr is not None]
    centres = np.array([(one.x, one.y) for one in known]).reshape(-1, 1, 2)
    inside = ((centres >= boxes[:, :2]) & (centres < boxes[:, 2:])).all(axis=2)
    snr = np.array([one.snr for one in known], np.float64)[:, None]
    highest: Array = np.where(inside, snr, -np.inf).max(axis=0, initial=-np.inf)
    highest[np.isneginf(highest)] = np.nan
    return highest
