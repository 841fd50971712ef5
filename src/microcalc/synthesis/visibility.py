"""How well a speck can be seen: the signal-to-noise ratio of a matched filter against the local background."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

#: Below this SNR nobody is asked to find a calcification.
VISIBLE = 3.0
#: Side of the square window around a speck that counts as its background, mm.
WINDOW_MM = 6.0
#: Sigma of the Gaussian local mean that the filter subtracts, mm: structure wider than calcium is no noise.
LOCAL_MEAN_MM = 0.35
#: Of a normal distribution, in deviations: distance between the quartiles; deviation of what is clipped at two.
_QUARTILES, _CLIPPED = 1.349, 0.959


def matched_filter_snr(signal: Array, background: Array, spacing_mm: float) -> float:
    """SNR of a known signal at a known place: ``sum(s h) / sd(b * h)``.

    ``s`` is the blurred signal alone and ``b`` the exposed background, two images of the same window in ln units;
    ``h`` is ``s`` less its Gaussian local mean, ``b * h`` the correlation of ``b`` with ``h`` at every place of the
    window. The background holds tissue and noise but no calcium, neither this nor any other: neighbours would count as
    noise. The deviation is robust (:func:`robust_spread`), so that a skin line, a marker or a vessel at the window's
    edge hardly hides a speck that stands clear.
    """
    local_mean = cv2.GaussianBlur(signal, (0, 0), sigmaX=LOCAL_MEAN_MM / spacing_mm, borderType=cv2.BORDER_CONSTANT)
    matched = signal - local_mean
    response = np.asarray(cv2.filter2D(background.astype(np.float64), cv2.CV_64F, matched), np.float64)
    return float((signal * matched).sum(dtype=np.float64) / robust_spread(response.ravel()))


def robust_spread(response: NDArray[np.floating]) -> NDArray[np.float64]:
    """Deviation along the last axis of the normal distribution which spreads as much when clipped at two deviations.

    These are told by the quartiles: a few strong responses hardly count.
    """
    lower, middle, upper = np.percentile(response, (25, 50, 75), axis=-1, keepdims=True)
    most = 2 * (upper - lower) / _QUARTILES
    # The spread of what is clipped moves with every sample a little, a quartile with one: the last bits average out.
    spread: NDArray[np.float64] = np.clip(response, middle - most, middle + most).std(axis=-1) / _CLIPPED
    return spread
