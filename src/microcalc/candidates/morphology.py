"""Grey-scale morphology candidates: Cortina Uribe et al., section 2.1.4 and appendix 1, in millimetres.

What is smaller than the structuring disc and brighter than its surroundings remains in the residue of an opening by
reconstruction; two quantile thresholds on the residue leave the components that become candidates.

The paper fixes its parameters in pixels of 0.07 mm; here they are lengths. Where it is silent or at odds with itself:

- It prints "area: 14"; 14 px at 0.07 mm would drop every speck above 0.3 mm. Its public code has 14 * 14, the area that
  goes with a 1 mm speck, and so have we.
- The second quantile is taken over the pixels that pass the first.
- Border erosion is "as in Hough": 20 passes with a 5 px square, 2.8 mm. At an edge of the image nothing is eroded.
- Of two candidates too close to each other the better one stays.
- A component cut off by the edge of the image cannot be judged and is dropped.

The score is ours: see :func:`contrast_to_noise`.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from microcalc.candidates import Candidates
from microcalc.candidates.geometry import PAPER_SPACING_MM, erode, keep_apart, pixels
from microcalc.candidates.reconstruction import reconstruct
from microcalc.findings import OperatingPoint

#: Contrast-to-noise ratio that scores one half.
HALF_SCORE_CNR = 7.0


def _false_marks(real: str, synthetic: str) -> str:
    return (
        f"{real} false marks per image on 4 real development mammograms (specks marked by eye, not by a radiologist), "
        f"{synthetic} on synthetic normal ones; not measured on patients with known findings"
    )


#: Thresholds chosen by the marks on the one normal mammogram of exam 1; false marks by benchmarks/operating_points.py.
OPERATING_POINTS = (
    OperatingPoint("sensitive", 0.40, _false_marks("about 34", "236")),
    OperatingPoint("balanced", 0.55, _false_marks("about 6", "74")),
    OperatingPoint("specific", 0.65, _false_marks("less than 1", "24")),
)


@dataclass(frozen=True)
class MorphologyParameters:
    """Appendix 1 of the paper, lengths in mm and areas in mm2 (14 px are 0.98 mm at its 0.07 mm)."""

    opening_diameter_mm: float = 14 * PAPER_SPACING_MM
    border_mm: float = 40 * PAPER_SPACING_MM
    first_quantile: float = 0.95
    second_quantile: float = 0.80
    max_area_mm2: float = (14 * PAPER_SPACING_MM) ** 2
    max_radius_mm: float = 10 * PAPER_SPACING_MM
    min_distance_mm: float = 6 * PAPER_SPACING_MM
    #: Scale of a speck and of its surroundings when its contrast is measured (standard deviations of Gaussians).
    speck_sigma_mm: float = 1.2 * PAPER_SPACING_MM
    surround_sigma_mm: float = 3.5 * PAPER_SPACING_MM
    #: Side of the tiles in which the noise is measured: far wider than a cluster, which must not hide itself.
    noise_tile_mm: float = 36.0


def propose(
    image: NDArray[np.float32],
    breast: NDArray[np.bool_],
    spacing_mm: float,
    parameters: MorphologyParameters | None = None,
) -> Candidates:
    """Candidates of one image, best first.

    Args:
        image: (rows, columns) float32 in 0..1, bright = radio-opaque.
        breast: (rows, columns), where to look.
        spacing_mm: of the (square) pixels.
        parameters: the paper's by default.
    """
    p = parameters or MorphologyParameters()
    inside = erode(breast, pixels(p.border_mm, spacing_mm))
    residue = opening_residue(np.where(breast, image, 0), pixels(p.opening_diameter_mm, spacing_mm))
    residue[~inside] = 0
    blobs = _components(residue, _quantile_threshold(residue, p))
    if blobs.count == 0:
        return Candidates(np.empty((0, 2)), np.empty(0), np.empty(0))
    cnr = contrast_to_noise(image, residue, inside, blobs, spacing_mm, p)
    found = Candidates(
        blobs.centres(residue),
        2.0 * np.sqrt(blobs.half_peak_areas(residue) / np.pi) * spacing_mm,
        score(cnr),
    )
    fits = blobs.areas * spacing_mm**2 <= p.max_area_mm2
    fits &= blobs.enclosing_radii() * spacing_mm <= p.max_radius_mm
    found = found[fits & ~blobs.cut_off(image.shape)]
    found = found[np.argsort(-found.scores, kind="stable")]
    return found[keep_apart(found.centres, p.min_distance_mm / spacing_mm)]


def score(cnr: NDArray[np.float64]) -> NDArray[np.float64]:
    """Contrast-to-noise ratios (N,) to scores in 0..1: monotone, one half at ``HALF_SCORE_CNR``, never saturated."""
    positive: NDArray[np.float64] = np.maximum(cnr, 0.0) ** 2
    return positive / (positive + HALF_SCORE_CNR**2)


def opening_residue(image: NDArray[np.float32], diameter_px: int) -> NDArray[np.uint16]:
    """What an opening by reconstruction with a disc takes away (paper, equations 4-6 and Figure 4).

    Args:
        image: (rows, columns) float32 in 0..1; worked on in 16 bits, more than any mammogram holds.
        diameter_px: of the disc.

    Returns:
        (rows, columns) uint16, in units of 1/65535.
    """
    grey = np.rint(image * 65535.0).astype(np.uint16)
    residue: NDArray[np.uint16] = grey - reconstruct(opening(grey, diameter_px), grey)
    return residue


def opening(grey: NDArray[np.uint16], diameter_px: int) -> NDArray[np.uint16]:
    """Opening with a disc; (rows, columns) uint16, nowhere above ``grey``.

    OpenCV's own opening dilates with the element it eroded with, which shifts the result where that is even or
    lopsided; here the dilation takes the reflected element, as the definition asks.
    """
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (diameter_px, diameter_px))
    anchor = diameter_px // 2
    reflected = diameter_px - 1 - anchor
    eroded = cv2.erode(grey, disc, anchor=(anchor, anchor))
    return np.asarray(cv2.dilate(eroded, cv2.flip(disc, -1), anchor=(reflected, reflected)), dtype=np.uint16)


@dataclass(frozen=True)
class _Blobs:
    """N connected components as their M pixels: rows and columns (M,), and to which component each belongs (M,)."""

    rows: NDArray[np.intp]
    columns: NDArray[np.intp]
    of: NDArray[np.intp]
    count: int

    @property
    def areas(self) -> NDArray[np.intp]:
        """(N,) pixels."""
        return np.bincount(self.of, minlength=self.count)

    def peaks(self, values: NDArray[np.float32] | NDArray[np.uint16]) -> NDArray[np.float64]:
        """(N,) largest value in each component."""
        peaks = np.full(self.count, -np.inf)
        np.maximum.at(peaks, self.of, values[self.rows, self.columns])
        return peaks

    def centres(self, weights: NDArray[np.uint16]) -> NDArray[np.float64]:
        """(N, 2) x, y of the weighted centre of each component."""
        w = weights[self.rows, self.columns].astype(np.float64)
        sums = [np.bincount(self.of, w * axis, self.count) for axis in (self.columns, self.rows)]
        return np.stack(sums, axis=1) / np.bincount(self.of, w, self.count)[:, None]

    def half_peak_areas(self, residue: NDArray[np.uint16]) -> NDArray[np.float64]:
        """(N,) number of pixels of each component at or above half its peak."""
        high = residue[self.rows, self.columns] >= 0.5 * self.peaks(residue)[self.of]
        return np.bincount(self.of[high], minlength=self.count).astype(np.float64)

    def cut_off(self, shape: tuple[int, ...]) -> NDArray[np.bool_]:
        """(N,) whether a component touches the edge of the image."""
        at_edge = (self.rows == 0) | (self.rows == shape[0] - 1) | (self.columns == 0) | (self.columns == shape[1] - 1)
        return np.bincount(self.of[at_edge], minlength=self.count) > 0

    def enclosing_radii(self) -> NDArray[np.float64]:
        """(N,) radius of the smallest circle around the pixel centres of each component."""
        points = np.stack([self.columns, self.rows], axis=1).astype(np.float32)[np.argsort(self.of, kind="stable")]
        parts = np.split(points, np.cumsum(self.areas)[:-1])
        return np.array([cv2.minEnclosingCircle(part)[1] for part in parts])


def contrast_to_noise(
    image: NDArray[np.float32],
    residue: NDArray[np.uint16],
    inside: NDArray[np.bool_],
    blobs: _Blobs,
    spacing_mm: float,
    parameters: MorphologyParameters,
) -> NDArray[np.float64]:
    """(N,) contrast of each component over the noise around it.

    Contrast: the peak of the residue seen at the scale of a speck minus that of its surroundings (a difference of
    Gaussians), so that single noisy pixels and long ridges count for little. Noise: the standard deviation of the image
    in the same band, tissue texture included, as 1.4826 times the median absolute deviation in wide tiles, interpolated
    between their centres.
    """
    contrast = blobs.peaks(_speck_band(residue.astype(np.float32), spacing_mm, parameters)) / 65535.0
    noise = _noise_grid(_speck_band(image, spacing_mm, parameters), inside, parameters.noise_tile_mm / spacing_mm)
    at = (blobs.centres(residue) / (parameters.noise_tile_mm / spacing_mm) - 0.5)[:, ::-1].T
    sigma = ndimage.map_coordinates(noise, at, order=1, mode="nearest")
    ratio: NDArray[np.float64] = contrast / np.maximum(sigma, 1.0 / 65535.0)
    return ratio


def _speck_band(values: NDArray[np.float32], spacing_mm: float, p: MorphologyParameters) -> NDArray[np.float32]:
    fine = cv2.GaussianBlur(values, (0, 0), p.speck_sigma_mm / spacing_mm)
    return fine - cv2.GaussianBlur(values, (0, 0), p.surround_sigma_mm / spacing_mm)


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


def _quantile_threshold(residue: NDArray[np.uint16], p: MorphologyParameters) -> float:
    """The paper's two consecutive quantiles over the positive residue; infinite where there is none."""
    positive = residue[residue > 0]
    if positive.size == 0:
        return np.inf
    strong = positive[positive > np.quantile(positive, p.first_quantile)]
    return float(np.quantile(strong, p.second_quantile)) if strong.size else np.inf


def _components(residue: NDArray[np.uint16], threshold: float) -> _Blobs:
    above = (residue >= threshold).astype(np.uint8)
    count, labels = cv2.connectedComponents(above, connectivity=8)
    rows, columns = np.nonzero(above)
    return _Blobs(rows, columns, labels[rows, columns].astype(np.intp) - 1, count - 1)
