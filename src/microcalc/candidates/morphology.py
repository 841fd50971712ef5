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

A diameter is that of the disc with the area of the part above half the peak. The score is ours: the peak of the
residue, seen at the scale of a speck (so that single noisy pixels and long ridges count for little), over the noise
around it (:mod:`microcalc.candidates.contrast`).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from microcalc.candidates import Candidates
from microcalc.candidates.contrast import false_marks, over_noise, score, speck_band
from microcalc.candidates.geometry import PAPER_SPACING_MM, erode, keep_apart, pixels
from microcalc.candidates.ranges import check_ranges
from microcalc.candidates.reconstruction import reconstruct
from microcalc.findings import OperatingPoint

#: Thresholds chosen by the marks on the one normal mammogram of exam 1; false marks by benchmarks/operating_points.py.
OPERATING_POINTS = (
    OperatingPoint("sensitive", 0.40, false_marks("about 34", "236")),
    OperatingPoint("balanced", 0.55, false_marks("about 6", "74")),
    OperatingPoint("specific", 0.65, false_marks("less than 1", "24")),
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

    def __post_init__(self) -> None:
        check_ranges(self)


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
    centres = blobs.centres(residue)
    contrast = blobs.peaks(speck_band(residue.astype(np.float32), spacing_mm)) / 65535.0
    found = Candidates(
        centres,
        2.0 * np.sqrt(blobs.half_peak_areas(residue) / np.pi) * spacing_mm,
        score(over_noise(contrast, speck_band(image, spacing_mm), inside, centres, spacing_mm)),
    )
    fits = blobs.areas * spacing_mm**2 <= p.max_area_mm2
    fits &= blobs.enclosing_radii() * spacing_mm <= p.max_radius_mm
    found = found[fits & ~blobs.cut_off(image.shape)]
    found = found[np.argsort(-found.scores, kind="stable")]
    return found[keep_apart(found.centres, p.min_distance_mm / spacing_mm)]


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
