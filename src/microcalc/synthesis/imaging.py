"""The imaging chain: detector blur, quantum noise, and a vendor's presentation look; then the burnt-in marker."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from microcalc.mammogram import Side
from microcalc.synthesis.outline import View
from microcalc.synthesis.phantom import FAT, Tissue

Array = NDArray[np.float32]

MAX_GREY = 4095

#: Detector and focal-spot blur: a Gaussian of this sigma (MTF 0.91, 0.62, 0.39 at 2, 5, 7 lp/mm), mm.
_BLUR_MM = 0.035
#: Quantum noise at the automatic exposure's reference attenuation, ln units in a pixel of 0.07 mm.
_NOISE = 0.036
#: Tone curve: steepness per ln unit, and the attenuation above fat's own that comes out as half of ``MAX_GREY``.
_CONTRAST, _MIDDLE = 4.5, 0.69
#: The picture fades in from black between these distances from the skin line, mm.
_FADE_MM = (0.25, 0.85)


def blur(attenuation: Array, spacing_mm: float) -> Array:
    """Blur ln attenuation as the detector does (for small contrasts the same as blurring exposure)."""
    return cv2.GaussianBlur(attenuation, (0, 0), sigmaX=_BLUR_MM / spacing_mm).astype(np.float32, copy=False)


def unit_noise(shape: tuple[int, int], rng: np.random.Generator) -> Array:
    """Gaussian noise of unit variance, correlated about 0.13 between neighbours as on direct-conversion detectors."""
    kernel = cv2.getGaussianKernel(3, 0.43, cv2.CV_32F)
    kernel = kernel / np.linalg.norm(kernel)
    white = rng.standard_normal(shape, dtype=np.float32)
    return cv2.sepFilter2D(white, -1, kernel, kernel).astype(np.float32, copy=False)


def expose(blurred: Array, noise: Array, reference: float, spacing_mm: float) -> Array:
    """Add quantum noise to blurred ln attenuation: fewer photons behind more tissue, more noise.

    ``noise`` has unit variance; ``reference`` is the ln attenuation that the automatic exposure is set for.
    """
    sigma = np.exp(0.5 * (blurred - np.float32(reference))) * np.float32(_NOISE * 0.07 / spacing_mm)
    exposed: Array = blurred + sigma * noise
    return exposed


def present(exposed: Array, tissue: Tissue) -> NDArray[np.uint16]:
    """Make the 12-bit picture: peripheral equalisation (ideal: the true thickness is known), then a sigmoid tone."""
    above_fat = exposed - np.float32(FAT) * tissue.thickness
    grey = MAX_GREY / (1 + np.exp(np.float32(_CONTRAST) * (np.float32(_MIDDLE) - above_fat)))
    start, full = _FADE_MM
    grey *= np.clip((tissue.skin_distance - np.float32(start)) / np.float32(full - start), 0, 1)
    picture: NDArray[np.uint16] = np.rint(grey).astype(np.uint16)
    return picture


def burn_marker(picture: NDArray[np.uint16], side: Side, view: View) -> None:
    """Write side and view ("R CC") in place into the dark corner away from the chest wall, at full brightness."""
    rows, columns = picture.shape
    text, font, scale = f"{side} {view}", cv2.FONT_HERSHEY_SIMPLEX, rows / 1400
    pen = max(1, round(2 * scale))
    (width, height), _ = cv2.getTextSize(text, font, scale, pen)
    left = round(0.93 * columns - width) if side == "L" else round(0.07 * columns)
    letters = np.zeros(picture.shape, np.uint8)
    cv2.putText(letters, text, (left, round(0.08 * rows) + height), font, scale, 255, pen, cv2.LINE_AA)
    np.maximum(picture, letters * np.uint16(MAX_GREY // 255), out=picture)
