"""Single calcifications into clusters, and how a cluster is described.

A core calcification has at least 4 others within 5.64 mm, the radius of a disc of 1 cm2: five per square centimetre,
the usual definition. Components of cores together with their neighbours are clusters (DBSCAN, Ester et al. 1996).
Single linkage would percolate: at 10 mm, fifty random marks on a breast already hang together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree
from scipy.spatial.distance import pdist

from microcalc.findings import Box, Calcification, Cluster, Distribution, ImageFindings

#: BI-RADS: "grouped" spans at most 2 cm.
GROUPED_EXTENT_MM = 20.0
#: Spread along the main axis over spread across it: a line, and the least for a segment.
LINEAR_ELONGATION = 4.0
SEGMENTAL_ELONGATION = 1.5
#: How far the main axis of a segment may point past the nipple.
SEGMENTAL_ANGLE_DEG = 30.0
#: Share of the breast that the hull of diffuse calcifications covers.
DIFFUSE_SHARE = 1 / 3
#: Diameter of a mark whose own is not known, in pixels.
POINT_DIAMETER_PX = 1.0


@dataclass(frozen=True)
class ClusterRule:
    """Who is a core: a mark with at least ``neighbours`` others within ``radius_mm``."""

    neighbours: int = 4
    radius_mm: float = 5.64


@dataclass(frozen=True)
class ClusterDescriptors:
    """What a reader wants to know of a cluster beyond the fields of :class:`Cluster`. Lengths in mm."""

    mean_diameter_mm: float | None
    sd_diameter_mm: float | None
    #: Median distance from a member to the member nearest to it, centre to centre.
    nearest_neighbour_mm: float
    #: Largest distance between two members, from outer rim to outer rim.
    extent_mm: float
    #: Standard deviation of the centres along their main axis over that across it; None for members on one line.
    elongation: float | None


def find_clusters(
    marks: Sequence[Calcification],
    spacing_mm: tuple[float, float],
    shape: tuple[int, int],
    *,
    threshold: float = 0.0,
    nipple: tuple[float, float] | None = None,
    breast_area_cm2: float | None = None,
    rule: ClusterRule | None = None,
) -> tuple[Cluster, ...]:
    """Group the marks at or above ``threshold``, best cluster first.

    The score of a cluster is the highest threshold at which it still holds a core: the largest, over its members, of
    the smaller of the member's own score and the ``neighbours``-th best score around it. So it rests on the few best
    marks that make it a cluster at all, one bright mark does not carry it, many faint ones do not add up, and at any
    higher threshold the cluster is shown exactly if its score reaches it.

    Args:
        marks: the calcifications of one image; ``members`` of the result are indices into this sequence.
        spacing_mm: (row, column) pixel spacing, mm.
        shape: (rows, columns) of the image, to which boxes are clipped.
        threshold: marks below it form no clusters.
        nipple: x, y in pixels, to tell a segmental distribution; None: none is called segmental.
        breast_area_cm2: to tell a diffuse distribution; None: none is called diffuse.
        rule: what makes a core; five per cm2 by default.
    """
    rule = rule or ClusterRule()
    chosen = np.array([i for i, mark in enumerate(marks) if mark.score >= threshold], dtype=np.intp)
    if len(chosen) <= rule.neighbours:
        return ()
    groups = _components(_centres_mm([marks[i] for i in chosen], spacing_mm), rule)
    clusters = [_cluster(marks, chosen[group], spacing_mm, shape, nipple, breast_area_cm2, rule) for group in groups]
    return tuple(sorted(clusters, key=lambda cluster: (-cluster.score, cluster.members)))


def describe(cluster: Cluster, image: ImageFindings) -> ClusterDescriptors:
    """Size and shape of a cluster, from its members' marks on ``image`` (whose spacing must be known)."""
    if image.spacing_mm is None:
        raise ValueError("a cluster can be described in mm only on an image with a known spacing")
    marks = [image.calcifications[m] for m in cluster.members]
    diameters = np.array([mark.diameter_mm for mark in marks if mark.diameter_mm is not None])
    centres = _centres_mm(marks, image.spacing_mm)
    nearest = cKDTree(centres).query(centres, k=2)[0][:, 1]
    return ClusterDescriptors(
        mean_diameter_mm=float(diameters.mean()) if len(diameters) else None,
        sd_diameter_mm=float(diameters.std()) if len(diameters) else None,
        nearest_neighbour_mm=float(np.median(nearest)),
        extent_mm=_extent_mm(marks, image.spacing_mm),
        elongation=_principal_axis(centres)[1],
    )


def hull_mm(
    marks: Sequence[Calcification], spacing_mm: tuple[float, float], margin_mm: float = 0.0
) -> NDArray[np.float32]:
    """Convex hull of the discs of the marks, each disc widened by ``margin_mm``.

    Returns:
        (N, 2) float32 x, y in mm from the centre of the first pixel; divide by (column, row) spacing for pixels.
    """
    angles = np.linspace(0.0, 2.0 * np.pi, 64, endpoint=False)
    rim = np.stack([np.cos(angles), np.sin(angles)], axis=-1)
    radii = _radii_mm(marks, spacing_mm) + margin_mm
    points = _centres_mm(marks, spacing_mm)[:, None, :] + radii[:, None, None] * rim
    hull: NDArray[np.float32] = cv2.convexHull(points.reshape(-1, 2).astype(np.float32))[:, 0, :]
    return hull


def _components(centres: NDArray[np.float64], rule: ClusterRule) -> list[NDArray[np.intp]]:
    """Components of cores with all their neighbours, as indices of centres.

    A mark between two components, near a core of each but itself none, belongs to both: so every core keeps the
    neighbours that make it one. scikit-learn's DBSCAN finds the same cores; importing it takes longer than detecting a
    whole mammogram.
    """
    pairs = cKDTree(centres).query_pairs(rule.radius_mm, output_type="ndarray")
    core = np.bincount(pairs.ravel(), minlength=len(centres)) >= rule.neighbours
    i, j = pairs[core[pairs].all(axis=1)].T
    graph = coo_array((np.ones(len(i)), (i, j)), shape=(len(centres), len(centres)))
    _, component = connected_components(graph, directed=False)
    both_ways = np.concatenate([pairs, pairs[:, ::-1]])
    from_core = both_ways[core[both_ways[:, 0]]]
    return [
        np.unique(from_core[component[from_core[:, 0]] == label])
        for label in np.unique(component[np.flatnonzero(core)])
    ]


def _cluster(
    marks: Sequence[Calcification],
    members: NDArray[np.intp],
    spacing_mm: tuple[float, float],
    shape: tuple[int, int],
    nipple: tuple[float, float] | None,
    breast_area_cm2: float | None,
    rule: ClusterRule,
) -> Cluster:
    inside = [marks[i] for i in members]
    area_mm2 = float(cv2.contourArea(hull_mm(inside, spacing_mm)))
    return Cluster(
        members=tuple(int(i) for i in members),
        bbox=_bbox(inside, spacing_mm, shape),
        count=len(inside),
        area_mm2=area_mm2,
        density_per_cm2=100.0 * len(inside) / area_mm2,
        distribution=_distribution(inside, spacing_mm, area_mm2, nipple, breast_area_cm2),
        score=_score(inside, spacing_mm, rule),
    )


def _score(marks: Sequence[Calcification], spacing_mm: tuple[float, float], rule: ClusterRule) -> float:
    scores = np.array([mark.score for mark in marks])
    centres = _centres_mm(marks, spacing_mm)
    around = cKDTree(centres).query_ball_point(centres, rule.radius_mm)
    # Each sees itself among its neighbours, so the core's own score is in the list wherever it is the least.
    return float(
        max(
            min(own, np.sort(scores[near])[-rule.neighbours - 1])
            for own, near in zip(scores, around, strict=True)
            if len(near) > rule.neighbours
        )
    )


def _distribution(
    marks: Sequence[Calcification],
    spacing_mm: tuple[float, float],
    area_mm2: float,
    nipple: tuple[float, float] | None,
    breast_area_cm2: float | None,
) -> Distribution:
    """BI-RADS distribution (5th edition) by extent, elongation and direction to the nipple."""
    centres = _centres_mm(marks, spacing_mm)
    axis, elongation = _principal_axis(centres)
    if elongation is None or elongation >= LINEAR_ELONGATION:
        return "linear"
    if _extent_mm(marks, spacing_mm) <= GROUPED_EXTENT_MM:
        return "grouped"
    if breast_area_cm2 is not None and area_mm2 >= DIFFUSE_SHARE * 100.0 * breast_area_cm2:
        return "diffuse"
    if nipple is not None and elongation >= SEGMENTAL_ELONGATION:
        towards = np.array(nipple) * spacing_mm[::-1] - centres.mean(axis=0)
        cosine = abs(axis @ towards) / max(float(np.linalg.norm(towards)), 1e-9)
        if cosine >= np.cos(np.radians(SEGMENTAL_ANGLE_DEG)):
            return "segmental"
    return "regional"


def _principal_axis(centres: NDArray[np.float64]) -> tuple[NDArray[np.float64], float | None]:
    """Unit vector (x, y) of the main axis, and the ratio of the spreads along and across it (None on a line)."""
    variances, axes = np.linalg.eigh(np.cov(centres.T))
    across, along = np.sqrt(np.maximum(variances, 0.0))
    return axes[:, 1], float(along / across) if across > 1e-9 * max(along, 1.0) else None


def _extent_mm(marks: Sequence[Calcification], spacing_mm: tuple[float, float]) -> float:
    return float(pdist(hull_mm(marks, spacing_mm)).max())


def _bbox(marks: Sequence[Calcification], spacing_mm: tuple[float, float], shape: tuple[int, int]) -> Box:
    """The box around the discs of the marks, widened to whole pixels and clipped to the image."""
    step = np.array(spacing_mm[::-1])
    centres, radii = _centres_mm(marks, spacing_mm) / step, _radii_mm(marks, spacing_mm)[:, None] / step
    limit = np.array(shape[::-1]) - 0.5
    low = np.maximum(np.round((centres - radii).min(axis=0)) - 0.5, -0.5)
    high = np.minimum(np.round((centres + radii).max(axis=0)) + 0.5, limit)
    return float(low[0]), float(low[1]), float(high[0]), float(high[1])


def _centres_mm(marks: Sequence[Calcification], spacing_mm: tuple[float, float]) -> NDArray[np.float64]:
    centres: NDArray[np.float64] = np.array([(mark.x, mark.y) for mark in marks]) * spacing_mm[::-1]
    return centres


def _radii_mm(marks: Sequence[Calcification], spacing_mm: tuple[float, float]) -> NDArray[np.float64]:
    point = POINT_DIAMETER_PX * min(spacing_mm)
    return np.array([point if mark.diameter_mm is None else mark.diameter_mm for mark in marks]) / 2.0
