"""Hessian of difference of Gaussians: Cortina Uribe et al., section 2.1.3 and appendix 1, in millimetres.

A speck is a maximum of the difference-of-Gaussian space, in the plane and across scales. Of maxima that overlap, or lie
too close, the larger stays; then a Hessian condition (:mod:`microcalc.candidates.hessian`) sorts out what is not round.

The paper fixes its parameters in pixels of 0.07 mm; here they are lengths. Where it is silent or at odds with itself:

- 20 scales in steps of 1.05 from 1 px reach 2.65 px, not 3. As in its public code, the range and the number of scales
  stand, and the step follows (1.0565).
- Levels are plain differences of neighbouring Gaussians, as it says. Its public code, like scikit-image, divides them
  by the step less 1: at the same threshold that lets noise through nearly everywhere (benchmarks/candidates.py). The
  threshold is for an image that spans 0..1, to which the paper scales every one.
- At the first and the last scale, a maximum has no neighbour on one side; the others suffice, or specks below 0.2 mm
  would be lost.
- Overlap is the part of the smaller disc that lies in the larger. From the largest down, a kept maximum drops those in
  conflict with it: scikit-image's rule, made independent of the order of pairs. Of equal ones the stronger stays.
- max(P) of Equation 3 is taken scale by scale, since P falls steeply with scale; in the breast, so that no label on the
  film decides; and over pits as well as spots. At the last scale, the product is with the scale before.
- Unlike the other proposers, this one is not kept off the border of the breast.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from microcalc.candidates import Candidates
from microcalc.candidates.contrast import contrast_to_noise, score
from microcalc.candidates.geometry import PAPER_SPACING_MM, first_come
from microcalc.candidates.hessian import (
    REACH,
    hessian_eigenvalues,
    meets_eigenvalue_product,
    meets_roundness,
    meets_trace_determinant,
    neighbours,
)
from microcalc.candidates.ranges import check_ranges
from microcalc.errors import UsageError

Level = NDArray[np.float32]
Condition = Literal["eigenvalue-product", "trace-determinant", "roundness"]

#: A pixel and its eight neighbours, and their offsets (row, column).
SQUARE = np.ones((3, 3), np.uint8)
SQUARE_OFFSETS = np.argwhere(SQUARE) - 1
#: An image with a smaller range counts as having this one: what differs in it may be rounding alone.
LEAST_RANGE = 1e-3
#: Least standard deviation of a Gaussian that takes one smoothing to the next, pixels: a narrower one, sampled at whole
#: pixels, is no Gaussian any more.
LEAST_STEP_PX = 1.0


@dataclass(frozen=True)
class HdogParameters:
    """Appendix 1 of the paper, lengths in mm.

    Raises:
        UsageError: fewer than two scales, or no range of sigmas.
    """

    min_sigma_mm: float = 1 * PAPER_SPACING_MM
    max_sigma_mm: float = 3 * PAPER_SPACING_MM
    scales: int = 20
    #: Least difference of Gaussians, of an image whose values span 0..1. More scales make smaller differences.
    threshold: float = 0.006
    #: Largest part of the smaller of two discs that the larger may cover.
    max_overlap: float = 0.2
    min_distance_mm: float = 6 * PAPER_SPACING_MM
    condition: Condition = "eigenvalue-product"
    #: Of Equation 1 and of the roundness.
    hessian_threshold: float = 1.4
    #: Of Equation 3.
    divider: float = 300.0

    def __post_init__(self) -> None:
        check_ranges(self)
        if self.scales < 2 or not 0 < self.min_sigma_mm < self.max_sigma_mm:
            raise UsageError(
                expected="two or more scales and 0 < min_sigma_mm < max_sigma_mm",
                found=f"{self.scales} scales from {self.min_sigma_mm:g} to {self.max_sigma_mm:g} mm",
                do="widen the range, or add scales",
            )


def propose(
    image: NDArray[np.float32],
    breast: NDArray[np.bool_],
    spacing_mm: float,
    parameters: HdogParameters | None = None,
) -> Candidates:
    """Candidates of one image, best first.

    Args:
        image: (rows, columns) float32 in 0..1, bright = radio-opaque.
        breast: (rows, columns), where to look.
        spacing_mm: of the (square) pixels.
        parameters: the paper's by default.
    """
    p = parameters or HdogParameters()
    sigmas = np.geomspace(p.min_sigma_mm, p.max_sigma_mm, p.scales + 1) / spacing_mm
    maxima = scale_space_maxima(image, breast, sigmas, p.threshold * max(float(np.ptp(image)), LEAST_RANGE))
    maxima = maxima[keep_larger(maxima, p.max_overlap, p.min_distance_mm / spacing_mm)]
    maxima = maxima[_meets(maxima, p)]
    cnr = contrast_to_noise(image, breast, maxima.centres, spacing_mm, p.min_sigma_mm)
    found = Candidates(maxima.centres, 2.0 * maxima.radii_px * spacing_mm, score(cnr))
    return found[np.argsort(-found.scores, kind="stable")]


@dataclass(frozen=True, eq=False)
class Maxima:
    """N maxima of a difference-of-Gaussian space."""

    #: (N, 2) x, y in pixels.
    centres: NDArray[np.float64]
    #: (N,) of the disc that answers most strongly at the scale of the maximum: sqrt(2) times its sigma.
    radii_px: NDArray[np.float64]
    #: (N,) differences of Gaussians there, in units of the image.
    responses: NDArray[np.float64]
    #: (N, 2) of the Hessian matrix, the larger first.
    eigenvalues: NDArray[np.float64]
    #: (N, 2) P of Equation 3: each eigenvalue times that of the next scale, or at the last scale of the one before.
    products: NDArray[np.float64]
    #: (N, 2) max(P) at the scale of the maximum.
    largest_products: NDArray[np.float64]

    def __getitem__(self, chosen: NDArray[np.bool_] | NDArray[np.intp]) -> Maxima:
        return Maxima(*(getattr(self, field.name)[chosen] for field in fields(self)))


def scale_space_maxima(
    image: NDArray[np.float32], inside: NDArray[np.bool_], sigmas: NDArray[np.float64], threshold: float
) -> Maxima:
    """Pixels above the threshold that none of their 26 neighbours in the difference-of-Gaussian space exceeds.

    Args:
        image: (rows, columns) float32.
        inside: (rows, columns), where to look; pixels too close to the edge of the image for a Hessian are left out.
        sigmas: (L + 1,) of the Gaussians, pixels, each larger than the last by the same factor; L is at least 2.
        threshold: least response, in units of the image.
    """
    wanted = np.zeros_like(inside)
    wanted[REACH:-REACH, REACH:-REACH] = inside[REACH:-REACH, REACH:-REACH]
    scales = np.sqrt(sigmas[:-1] * sigmas[1:])
    parts = [
        _maxima_of_level(below, level, above, wanted, scale, threshold)
        for scale, (below, level, above) in zip(scales, _triples(_levels(image, sigmas)), strict=True)
    ]
    return Maxima(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Maxima)))


def _maxima_of_level(
    below: Level | None, level: Level, above: Level | None, wanted: NDArray[np.bool_], scale: float, threshold: float
) -> Maxima:
    """The maxima of one level, with its neighbours in scale."""
    in_plane = (level == cv2.dilate(level, SQUARE)) & (level > threshold) & wanted
    at = np.flatnonzero(in_plane)
    in_scale = [beside for beside in (below, above) if beside is not None]
    for beside in in_scale:
        at = at[level.ravel()[at] >= neighbours(beside, at, SQUARE_OFFSETS).max(axis=1)]
    following = in_scale[-1]
    eigenvalues = hessian_eigenvalues(level, at)
    rows, columns = np.divmod(at, level.shape[1])
    return Maxima(
        centres=np.stack([columns, rows], axis=1).astype(np.float64),
        radii_px=np.full(len(at), np.sqrt(2.0) * scale),
        responses=level.ravel()[at].astype(np.float64),
        eigenvalues=eigenvalues,
        products=eigenvalues * hessian_eigenvalues(following, at),
        largest_products=np.broadcast_to(_largest_products(level, following, wanted), (len(at), 2)),
    )


def _largest_products(level: Level, following: Level, wanted: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(2,) max(P), over the pixels that answer at least a fifth as strongly as any, up or down.

    What bends most is among them or nearly so: see docs/why/candidates.md.
    """
    lowest, highest, *_ = cv2.minMaxLoc(level, wanted.view(np.uint8))
    strong = max(-lowest, highest) / 5.0
    at = np.flatnonzero(((level >= strong) | (level <= -strong)) & wanted)
    products = hessian_eigenvalues(level, at) * hessian_eigenvalues(following, at)
    largest: NDArray[np.float64] = products.max(axis=0, initial=-np.inf)
    return largest


def _levels(image: NDArray[np.float32], sigmas: NDArray[np.float64]) -> Iterator[Level]:
    """The difference-of-Gaussian space, from the finest scale to the coarsest."""
    for fine, coarse in itertools.pairwise(_gaussians(image, sigmas)):
        yield fine - coarse


def _gaussians(image: NDArray[np.float32], sigmas: NDArray[np.float64]) -> Iterator[NDArray[np.float32]]:
    """The image smoothed by each sigma, out of the last smoothing that is at least ``LEAST_STEP_PX`` away."""
    bases = [(0.0, image)]
    for sigma in sigmas:
        while len(bases) > 1 and sigma**2 - bases[1][0] ** 2 >= LEAST_STEP_PX**2:
            bases.pop(0)
        base_sigma, base = bases[0]
        smooth = np.asarray(cv2.GaussianBlur(base, (0, 0), np.sqrt(sigma**2 - base_sigma**2)), np.float32)
        bases.append((float(sigma), smooth))
        yield smooth


def _triples(levels: Iterator[Level]) -> Iterator[tuple[Level | None, Level, Level | None]]:
    """Each level between the one below and the one above; only three are held at a time."""
    below, level = None, next(levels)
    for above in levels:
        yield below, level, above
        below, level = level, above
    yield below, level, None


def keep_larger(maxima: Maxima, max_overlap: float, min_distance_px: float) -> NDArray[np.intp]:
    """Indices of the maxima that remain when, from the largest disc down, a kept one drops those in conflict with it.

    Two conflict when more than ``max_overlap`` of the smaller disc lies in the larger, or when their centres are closer
    than ``min_distance_px``. Of equal discs the one with the stronger response goes first.
    """
    order = np.lexsort((-maxima.responses, -maxima.radii_px))
    centres, radii = maxima.centres[order], maxima.radii_px[order]
    reach = max(2.0 * radii.max(initial=0.0), min_distance_px)
    better, worse = cKDTree(centres).query_pairs(reach, output_type="ndarray").T
    apart = np.hypot(*(centres[better] - centres[worse]).T)
    conflict = (apart < min_distance_px) | (disc_overlap(apart, radii[better], radii[worse]) > max_overlap)
    return order[first_come(better[conflict], worse[conflict], len(order))]


def disc_overlap(
    apart: NDArray[np.float64], larger: NDArray[np.float64], smaller: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(N,) which part of the smaller of two discs lies in the larger: two circular segments.

    Args:
        apart: (N,) distances between the centres.
        larger: (N,) radii.
        smaller: (N,) radii, in the same unit.
    """
    d = np.maximum(apart, 1e-9)
    to_chord = np.clip((d**2 + larger**2 - smaller**2) / (2.0 * d), -larger, larger)
    rest = np.clip(d - to_chord, -smaller, smaller)
    return (_segment(larger, to_chord) + _segment(smaller, rest)) / (np.pi * smaller**2)


def _segment(radius: NDArray[np.float64], to_chord: NDArray[np.float64]) -> NDArray[np.float64]:
    """Area of a disc beyond a chord; a negative distance is one past the centre."""
    return radius**2 * np.arccos(to_chord / radius) - to_chord * np.sqrt(radius**2 - to_chord**2)


def _meets(maxima: Maxima, p: HdogParameters) -> NDArray[np.bool_]:
    if p.condition == "eigenvalue-product":
        return meets_eigenvalue_product(maxima.products, maxima.largest_products, p.divider)
    if p.condition == "trace-determinant":
        return meets_trace_determinant(maxima.eigenvalues, p.hessian_threshold)
    return meets_roundness(maxima.eigenvalues, p.hessian_threshold)
