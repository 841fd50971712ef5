"""FOR PROCESSING images, which no reader is meant to see, turned into something like FOR PRESENTATION ones."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.uid import (
    DigitalMammographyXRayImageStorageForPresentation,
    DigitalMammographyXRayImageStorageForProcessing,
    DigitalXRayImageStorageForPresentation,
    DigitalXRayImageStorageForProcessing,
)

from microcalc.imageio.remarks import Remarks
from microcalc.imageio.tags import code, integer, uid

_INTENTS: dict[str, str] = {
    DigitalMammographyXRayImageStorageForPresentation: "FOR PRESENTATION",
    DigitalXRayImageStorageForPresentation: "FOR PRESENTATION",
    DigitalMammographyXRayImageStorageForProcessing: "FOR PROCESSING",
    DigitalXRayImageStorageForProcessing: "FOR PROCESSING",
}
#: White is put at this quantile of the breast, so that clips, markers and hot pixels do not darken it.
_WHITE_QUANTILE = 0.998
#: What lets through less than this part of the beam is no breast but metal, or the unexposed edge of the detector.
_MOST_ATTENUATION = 500.0
#: Nor is the densest part of the image one, if it is smaller than this.
_LEAST_BREAST = 0.03


def is_for_processing(header: Dataset, remarks: Remarks) -> bool:
    """Whether Presentation Intent Type or, without a valid one, the SOP class says FOR PROCESSING."""
    by_class = _INTENTS.get(uid(header, "SOPClassUID") or "")
    intent = code(header, "PresentationIntentType")
    if intent not in _INTENTS.values():
        return by_class == "FOR PROCESSING"
    if by_class not in (None, intent):
        remarks.warn(f"Presentation Intent Type {intent} disagrees with the SOP class; believed")
    return intent == "FOR PROCESSING"


def presentation_look(
    header: Dataset, values: NDArray[np.float64], counts: NDArray[np.int64], remarks: Remarks
) -> NDArray[np.float64]:
    """Display values 0..1 for modality values, by the physics of the image and its content.

    Attenuation is the negative logarithm of intensity, taken where Pixel Intensity Relationship is LIN or missing.
    Which way the values run is said by Pixel Intensity Relationship Sign, else by Photometric Interpretation. The
    window runs from the edge of the air around the breast to just below the brightest of the breast. Any VOI is
    ignored: it belongs to the unprocessed values.

    Args:
        header: The data set.
        values: (n,) modality value of each stored word.
        counts: (n,) pixels that hold it, padding left out.
        remarks: Takes a note of what was done.
    """
    sign = integer(header, "PixelIntensityRelationshipSign")
    inverted = sign == 1 if sign in (1, -1) else code(header, "PhotometricInterpretation") == "MONOCHROME1"
    logarithm = code(header, "PixelIntensityRelationship") in ("LIN", "")
    if logarithm:
        intensity = values if inverted else values.max() - values
        brightest = float(intensity[counts > 0].max(initial=np.finfo(np.float64).tiny))
        unexposed = brightest / _MOST_ATTENUATION
        attenuation = -np.log(np.maximum(intensity, unexposed))
        counts = np.where(intensity > unexposed, counts, 0)
    else:
        attenuation = -values if inverted else values
    low, high = _window(attenuation, counts)
    steps = ["log"] * logarithm + ["inverted"] * inverted + ["window from the image content"]
    remarks.note(f"FOR PROCESSING image converted: {', '.join(steps)}")
    return np.clip((attenuation - low) / (high - low), 0.0, 1.0)


def _window(attenuation: NDArray[np.float64], counts: NDArray[np.int64]) -> tuple[float, float]:
    """Black, halfway from the air to the threshold between air and breast, and white, a high quantile of the breast."""
    present = counts > 0
    levels, level_of = np.unique(attenuation[present], return_inverse=True)
    weights = np.bincount(level_of, counts[present]).astype(np.float64)  # several words may mean one level
    least = _LEAST_BREAST * weights.sum()
    split = _split(levels, weights)
    while split > 0 and weights[split:].sum() < least:
        levels, weights = levels[:split], weights[:split]
        split = _split(levels, weights)
    if split == 0:
        return 0.0, 1.0
    air = _quantile(levels[:split], weights[:split], 0.5)
    white = _quantile(levels[split:], weights[split:], _WHITE_QUANTILE)
    return (air + float(levels[split])) / 2, white


def _split(levels: NDArray[np.float64], weights: NDArray[np.float64]) -> int:
    """Otsu's threshold of weighted, rising levels: the first index of the upper class; 0 if there is but one."""
    if len(levels) < 2:
        return 0
    below, mass = np.cumsum(weights)[:-1], np.cumsum(weights * levels)[:-1]
    above, rest = weights.sum() - below, float((weights * levels).sum()) - mass
    return int(np.argmax((mass / below - rest / above) ** 2 * below * above)) + 1


def _quantile(levels: NDArray[np.float64], weights: NDArray[np.float64], quantile: float) -> float:
    cumulative = np.cumsum(weights)
    return float(levels[np.searchsorted(cumulative, quantile * cumulative[-1])])
