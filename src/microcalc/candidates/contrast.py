"""How far a speck stands out of its surroundings, in units of the noise around it: what scores every candidate."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from microcalc.candidates.geometry import PAPER_SPACING_MM, pixels

#: Scale of a speck and of its surroundings when its contrast is measured (standard deviations of Gaussians).
SPECK_SIGMA_MM = 1.2 * PAPER_SPACING_MM
SURROUND_SIGMA_MM = 3.5 * PAPER_SPACING_MM
#: Side of the tiles in which the noise is measured: far wider than a cluster, which must not hide itself.
NOISE_TILE_MM = 36.0
#: Contrast-to-noise ratio that scores one half.
HALF_SCORE_CNR = 7.0


def score(cnr: NDArray[np.float64]) -> NDArray[np.float64]:
    """Contrast-to-noise ratios (N,) to scores in 0..1: monotone, one half at ``HALF_SCORE_CNR``, never saturated."""
    positive: NDArray[np.float64] = np.maximum(cnr, 0.0) ** 2
    return positive / (positive + HALF_SCORE_CNR**2)


def false_marks(real: str, synthetic: str) -> str:
    """What a threshold on such scores lets through, in words, as ``benchmarks/operating_points.py`` measures it."""
    return (
        f"{real} false marks per image on 4 real development mammograms (specks marked by eye, not by a radiologist), "
        f"{synthetic} on synthetic normal ones; not measured on patients with known findings"
    )


def contrast_to_noise(
    image: NDArray[np.float32],
    inside: NDArray[np.bool_],
    centres: NDArray[np.float64],
    spacing_mm: float,
    reach_mm: float,
) -> NDArray[np.float64]:
    """(N,) contrast of the specks at the centres over the noise around each.

    Args:
        image: (rows, columns) float32 in 0..1, bright = radio-opaque.
        inside: (rows, columns), where the noise is measured.
        centres: (N, 2) x, y in pixels of the image.
        spacing_mm: of the (square) pixels.
        reach_mm: half side of the square around a centre in which the peak of its speck may lie.
    """
    band = speck_band(image, spacing_mm)
    side = 2 * pixels(reach_mm, spacing_mm) + 1
    peaks = cv2.dilate(band, np.ones((side, side), dtype=np.uint8))
    x, y = np.rint(centres).astype(np.intp).T
    return over_noise(peaks[y, x].astype(np.float64), band, inside, centres, spacing_mm)


def speck_band(values: NDArray[np.float32], spacing_mm: float) -> NDArray[np.float32]:
    """(rows, columns) what is left at the scale of a speck: a difference of Gaussians."""
    fine = cv2.GaussianBlur(values, (0, 0), SPECK_SIGMA_MM / spacing_mm)
    return fine - cv2.GaussianBlur(values, (0, 0), SURROUND_SIGMA_MM / spacing_mm)


def over_noise(
    contrast: NDArray[np.float64],
    band: NDArray[np.float32],
    inside: NDArray[np.bool_],
    centres: NDArray[np.float64],
    spacing_mm: float,
) -> NDArray[np.float64]:
    """Contrasts (N,) at the centres (N, 2) over the standard deviation of the image in the band there.

    Tissue texture counts as noise. Its deviation is 1.4826 times the median absolute deviation in wide tiles,
    interpolated between their centres.
    """
    if len(centres) == 0:
        return np.empty(0)
    tile_px = NOISE_TILE_MM / spacing_mm
    at = (centres / tile_px - 0.5)[:, ::-1].T
    sigma = ndimage.map_coordinates(_noise_grid(band, inside, tile_px), at, order=1, mode="nearest")
    ratio: NDArray[np.float64] = contrast / np.maximum(sigma, 1.0 / 65535.0)
    return ratio


def _noise_grid(band: NDArray[np.float32], inside: NDArray[np.bool_], tile_px: float) -> NDArray[np.float64]:
    """Robust standard deviation in tiles; a tile with too little breast takes that of the nearest one with enough."""
    edges = [np.rint(np.arange(-(-n // tile_px) + 1) * tile_px).astype(int) for n in band.shape]
    grid = np.full((len(edges[0]) - 1, len(edges[1]) - 1), np.nan)
    for i, j in np.ndindex(grid.shape):
        tile = (slice(edges[0][i], edges[0][i + 1]), slice(edges[1][j], edges[1][j + 1]))
        values = band[tile][inside[tile]]
        if values.size >= 0.1 * tile_px**2:
            grid[i, j] = 1.4826 * np.median(np.abs(values - np.median(values)))
    if np.isnan(grid).all():
        values = band[inside]
        grid[:] = 1.4826 * np.median(np.abs(values - np.median(values)))
    nearest = ndimage.distance_transform_edt(np.isnan(grid), return_distances=False, return_indices=True)
    filled: NDArray[np.float64] = grid[tuple(nearest)]
    return filled
