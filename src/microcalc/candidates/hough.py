"""Hough candidates: Cortina Uribe et al., section 2.1.2, Figure 2 and appendix 1, in millimetres.

Dehazing and a rolling ball leave what is small and bright; Sobel, Gaussian and Sobel again draw its outline; the
strongest outlines are searched for circles, and the surroundings of each circle are searched once more with a threshold
of their own. What the second search finds are the candidates; the first alone is a variant (``second_pass=False``).

The paper fixes its parameters in pixels of 0.07 mm; here they are lengths. Where it is silent or at odds with itself:

- Images are "normalized to the range [0,1]": divided by the brightest pixel of the breast.
- The guided filter smooths the dehazed image, as in the paper's public code.
- The ball has radius 50 in pixels and, along the grey values, 50 times the image's range, as in the public code.
- Border erosion is 20 passes with a 5 px square: 2.8 mm. A circle centred in the border is dropped.
- The 0.97 quantile is taken over the breast without its border, so that the margin around the breast counts for nothing
  (the public code: over the whole image).
- The second search sees only outlines that passed the first threshold, its quantile is taken over those, and it raises
  to the mean of the surroundings the pixels within the first circle: so does the public code. Read to the letter (all
  outlines, and all pixels raised), the search that is to reduce false positives finds five to nine times as many
  candidates as the first; so read, it finds two thirds as many.
- The second search keeps circles 10 px apart, as in the appendix (the public code: 20 px).
- Of two candidates within 6 px of each other the better one stays (the public code: the one farther left).

A diameter is that of the circle, which runs around the outline: about twice that of the speck, about four times after
the first search alone. The score is ours: the contrast of the speck over the noise around it
(:mod:`microcalc.candidates.contrast`).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from microcalc.candidates import Candidates
from microcalc.candidates.background import rolling_ball
from microcalc.candidates.contrast import contrast_to_noise, score
from microcalc.candidates.dehazing import dehaze
from microcalc.candidates.geometry import PAPER_SPACING_MM, erode, keep_apart, pixels
from microcalc.candidates.ranges import check_ranges


@dataclass(frozen=True)
class HoughParameters:
    """Appendix 1 of the paper, lengths in mm (10 px are 0.7 mm at its 0.07 mm)."""

    omega: float = 0.9
    dark_window_mm: float = 11 * PAPER_SPACING_MM
    guide_radius_mm: float = 40 * PAPER_SPACING_MM
    guide_epsilon: float = 1e-5
    ball_radius_mm: float = 50 * PAPER_SPACING_MM
    #: Half axis of the ball along the grey values, in units of the image's range.
    ball_height: float = 50.0
    outline_sigma_mm: float = 2 * PAPER_SPACING_MM
    border_mm: float = 40 * PAPER_SPACING_MM
    first_quantile: float = 0.97
    second_quantile: float = 0.95
    second_pass: bool = True
    surroundings_mm: float = 200 * PAPER_SPACING_MM
    #: Of circles found in one search; then of candidates.
    circle_distance_mm: float = 10 * PAPER_SPACING_MM
    min_distance_mm: float = 6 * PAPER_SPACING_MM
    min_radius_mm: float = 2 * PAPER_SPACING_MM
    max_radius_mm: float = 10 * PAPER_SPACING_MM
    canny_threshold: float = 300.0
    #: Outline pixels that must point at a circle's centre.
    first_votes: int = 5
    second_votes: int = 3
    #: How far from a circle's centre the peak of its speck may lie when it is scored.
    score_reach_mm: float = 2 * PAPER_SPACING_MM

    def __post_init__(self) -> None:
        # Dehazing with an omega of 1 divides by nothing on a white pixel.
        check_ranges(self, omega=(0.0, 1.0), guide_epsilon=(1e-12, 1.0), ball_height=(1e-6, 1e6))


def propose(
    image: NDArray[np.float32],
    breast: NDArray[np.bool_],
    spacing_mm: float,
    parameters: HoughParameters | None = None,
) -> Candidates:
    """Candidates of one image, best first.

    Args:
        image: (rows, columns) float32 in 0..1, bright = radio-opaque.
        breast: (rows, columns), where to look.
        spacing_mm: of the (square) pixels.
        parameters: the paper's by default.
    """
    p = parameters or HoughParameters()
    inside = erode(breast, pixels(p.border_mm, spacing_mm))
    strong = strongest(outlines(np.where(breast, image, 0), spacing_mm, p), inside, p.first_quantile)
    circles = find_circles(strong > 0, p.first_votes, spacing_mm, p)
    if p.second_pass:
        circles = search_again(strong, circles, spacing_mm, p)
    circles = circles[inside[circles[:, 1].astype(np.intp), circles[:, 0].astype(np.intp)]]
    centres = circles[:, :2]
    cnr = contrast_to_noise(image, inside, centres, spacing_mm, p.score_reach_mm)
    found = Candidates(centres, 2.0 * circles[:, 2] * spacing_mm, score(cnr))
    found = found[np.argsort(-found.scores, kind="stable")]
    return found[keep_apart(found.centres, p.min_distance_mm / spacing_mm)]


def outlines(image: NDArray[np.float32], spacing_mm: float, parameters: HoughParameters) -> NDArray[np.float32]:
    """How strongly each pixel belongs to the outline of something small and bright (paper, Figure 2).

    Args:
        image: (rows, columns) float32, 0 outside the breast.
        spacing_mm: of the pixels.
        parameters: of dehazing, ball and Gaussian.

    Returns:
        (rows, columns) float32, not negative.
    """
    p = parameters
    clear = dehaze(
        image / max(image.max(), np.finfo(np.float32).tiny),
        p.omega,
        pixels(p.dark_window_mm, spacing_mm) | 1,  # a square with a centre
        pixels(p.guide_radius_mm, spacing_mm),
        p.guide_epsilon,
    )
    small = clear - rolling_ball(clear, p.ball_radius_mm / spacing_mm, p.ball_height)
    blurred = cv2.GaussianBlur(_gradient(small), (0, 0), p.outline_sigma_mm / spacing_mm)
    return _gradient(np.asarray(blurred, dtype=np.float32))


def strongest(values: NDArray[np.float32], inside: NDArray[np.bool_], quantile: float) -> NDArray[np.float32]:
    """The values inside that exceed their quantile, 0 elsewhere."""
    if not inside.any():
        return np.zeros_like(values)
    return np.where(inside & (values > np.quantile(values[inside], quantile)), values, 0)


def find_circles(
    binary: NDArray[np.bool_], votes: int, spacing_mm: float, parameters: HoughParameters
) -> NDArray[np.float64]:
    """(N, 3) x, y and radius in pixels of the circles in a binary image, those with most votes first.

    OpenCV takes eight-bit images; it returns the middle of the cells of its accumulator, half a pixel beyond the pixel
    they stand for.
    """
    found = cv2.HoughCircles(
        binary.astype(np.uint8) * np.uint8(255),
        cv2.HOUGH_GRADIENT,
        dp=1,
        minDist=parameters.circle_distance_mm / spacing_mm,
        param1=parameters.canny_threshold,
        param2=votes,
        minRadius=pixels(parameters.min_radius_mm, spacing_mm),
        maxRadius=pixels(parameters.max_radius_mm, spacing_mm),
    )
    if found is None:
        return np.empty((0, 3))
    circles: NDArray[np.float64] = found[0].astype(np.float64) - (0.5, 0.5, 0.0)
    return circles


def search_again(
    strong: NDArray[np.float32], circles: NDArray[np.float64], spacing_mm: float, parameters: HoughParameters
) -> NDArray[np.float64]:
    """The second search: what stands out of the surroundings of each circle of the first.

    Surroundings that would leave the image are shifted inside. Each has a threshold of its own, hence its own search.

    Args:
        strong: (rows, columns) float32, what the first search saw, not negative.
        circles: (N, 3) x, y and radius in pixels of the circles it found.
        spacing_mm: of the pixels.
        parameters: of the surroundings and the search.

    Returns:
        (M, 3) x, y and radius in pixels of the circles around all, each once.
    """
    side = pixels(parameters.surroundings_mm, spacing_mm)
    found = [np.empty((0, 3))]
    for x, y, radius in circles.astype(int):
        top = max(min(y - side // 2, strong.shape[0] - side), 0)
        left = max(min(x - side // 2, strong.shape[1] - side), 0)
        around = strong[top : top + side, left : left + side]
        disc = np.zeros_like(around)
        cv2.circle(disc, (x - left, y - top), radius, cv2.mean(around)[0], cv2.FILLED)
        saturated = np.maximum(around, disc)
        above = saturated > np.quantile(saturated[saturated > 0], parameters.second_quantile)
        found.append(find_circles(above, parameters.second_votes, spacing_mm, parameters) + np.array([left, top, 0]))
    return np.unique(np.concatenate(found), axis=0)


def _gradient(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Magnitude of the Sobel gradient."""
    magnitude = cv2.magnitude(cv2.Sobel(values, cv2.CV_32F, 1, 0), cv2.Sobel(values, cv2.CV_32F, 0, 1))
    return np.asarray(magnitude, dtype=np.float32)
