"""Which detections hit which lesions, by a named rule.

A rule says when a detection touches a lesion (``RULES``); the account is the same for all, and as that of ``disc14`` is
defined by Cortina Uribe et al., section 2.1.5. Per lesion the best-scoring detection that touches it counts (of equal
scores the first listed), further ones on it are duplicates, and one detection may hit several lesions. A detection that
touches a target is a hit or a duplicate even if it also touches a region to ignore; one that touches only what is to be
ignored counts for nothing.

A lesion whose pixels all lie in regions to ignore is no target, neither hit nor missed: nobody is asked for
calcifications over 1 mm or of a typically benign kind, but a mark on one is not false. Nor is a cluster a target if its
members are known and none of them is one, although its own region reaches beyond theirs.

A region to ignore is touched as a lesion is, with two differences. For ``distance`` it is its nearest pixel that
counts, since its centre says little. Where boxes are compared, the overlap is divided by the area of the detection
alone, as COCO does for its crowd regions, since a region to ignore may be far larger than any detection.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from microcalc.errors import UsageError
from microcalc.evaluation.detections import Detections
from microcalc.evaluation.regions import (
    TOLERANCE,
    Region,
    all_within,
    area,
    inside,
    lesion_box,
    lesion_region,
    near,
    outline,
    region_of,
    shared_area,
)
from microcalc.truth import Ignored, ImageTruth, TrueCluster

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]
Indices = NDArray[np.intp]
Kind = Literal["disc14", "distance", "iou", "cluster", "marks"]

#: Half of 14 px at 0.07 mm.
DISC14_RADIUS_MM = 7 * 0.07
#: Least IoU of a found cluster and the pixels of a true one by the rule ``cluster``.
CLUSTER_IOU = 0.2

#: What each rule takes for a hit.
RULES = {
    "disc14": "the disc of 0.98 mm around a mark covers a pixel of the calcification",
    "distance:<mm>": "a mark and the centre of the calcification lie at most so far apart",
    "iou:<t>": "the bounding boxes of a mark and of the calcification have at least that IoU",
    "cluster": f"the centre of a found cluster lies in the true one, or its box and that have an IoU of {CLUSTER_IOU}",
    "cluster:marks=<n>": "so many marks lie in the cluster",
}


@dataclass(frozen=True)
class Rule:
    """A named rule; made by :func:`parse_rule`."""

    #: As given, for every figure that is counted by it.
    name: str
    #: Which list of the truth is asked for.
    lesions: Literal["calcification", "cluster"]
    #: Which list of a system's answers it.
    detections: Literal["marks", "clusters"]
    kind: Kind
    #: Largest distance in mm, least IoU or least number of marks, as the kind has it.
    limit: float

    @property
    def needed(self) -> int:
        """How many detections must touch a lesion for it to be found."""
        return int(self.limit) if self.kind == "marks" else 1


def parse_rule(name: str) -> Rule:
    """The rule of a name, such as ``disc14``, ``distance:1.5``, ``iou:0.5``, ``cluster`` or ``cluster:marks=3``.

    Raises:
        UsageError: no rule has that form, or its number is out of range.
    """
    if name == "disc14":
        return Rule(name, "calcification", "marks", "disc14", DISC14_RADIUS_MM)
    if name == "cluster":
        return Rule(name, "cluster", "clusters", "cluster", CLUSTER_IOU)
    if 0 < (mm := _number(name, "distance:")) < np.inf:
        return Rule(name, "calcification", "marks", "distance", mm)
    if 0 < (iou := _number(name, "iou:")) <= 1:
        return Rule(name, "calcification", "marks", "iou", iou)
    if (marks := _number(name, "cluster:marks=")) >= 1 and marks.is_integer():
        return Rule(name, "cluster", "marks", "marks", marks)
    raise UsageError(
        expected=f"a matching rule: {', '.join(RULES)}, with mm above 0, 0 < t <= 1, n a whole number from 1",
        found=repr(name),
        do="name one of these",
    )


def _number(name: str, prefix: str) -> float:
    """What follows the prefix; NaN if there is no such prefix or no number."""
    try:
        return float(name.removeprefix(prefix)) if name.startswith(prefix) else np.nan
    except ValueError:
        return np.nan


@dataclass(frozen=True, eq=False)
class ImageMatch:
    """The account of one image.

    Every detection at or above the threshold falls into exactly one of ``hit``, ``duplicate``, ``false_positive`` and
    ``ignored``; those below fall into none.
    """

    #: (lesions,) whether a detector is asked for it.
    target: Flags
    #: (lesions,) the detection each target was found by, the best-scoring that touches it; by ``cluster:marks=N`` the
    #: N-th best. -1 for a miss and for what is no target.
    hit_by: Indices
    #: (detections,) the first target that each touches, of those it hits if there are any; -1 for none.
    touches: Indices
    #: (detections,) counts for a target: the best on it, or by ``cluster:marks=N`` among the N best.
    hit: Flags
    #: (detections,) touches targets, but others that score better count for them (or too few marks lie in them).
    duplicate: Flags
    #: (detections,) touches no target and nothing to ignore.
    false_positive: Flags
    #: (detections,) touches no target, but a region to ignore or a lesion that is no target.
    ignored: Flags

    @property
    def hits(self) -> int:
        """Targets found."""
        return int((self.hit_by >= 0).sum())

    @property
    def misses(self) -> int:
        """Targets not found."""
        return int(self.target.sum()) - self.hits


def match(
    detections: Detections,
    truth: ImageTruth,
    rule: Rule,
    spacing_mm: tuple[float, float],
    threshold: float = 0.0,
) -> ImageMatch:
    """Match the detections at or above ``threshold`` with the lesions of one image.

    Args:
        detections: marks or found clusters, as the rule asks, in pixels of the image.
        truth: lesions and regions to ignore.
        rule: of :func:`parse_rule`.
        spacing_mm: (row, column) pixel spacing, mm.
        threshold: detections below it take no part.

    Raises:
        UsageError: a mark without a box, by a rule that compares boxes.
    """
    scene = _Scene.of(detections, truth, rule, spacing_mm)
    target = _targets(scene)
    touches, touches_ignored = _TOUCHES[rule.kind](scene)
    taking_part = detections.scores >= threshold
    touches &= taking_part[:, None]
    on_target = touches & target
    hit_by, counts = _best(on_target, detections.scores, rule.needed)
    counts_for, touched = _first(counts), _first(on_target)
    hit, loose = counts_for >= 0, taking_part & (touched < 0)
    forgiven = _first(np.hstack([touches, touches_ignored])) >= 0
    return ImageMatch(
        target=target,
        hit_by=hit_by,
        touches=np.where(hit, counts_for, touched),
        hit=hit,
        duplicate=(touched >= 0) & ~hit,
        false_positive=loose & ~forgiven,
        ignored=loose & forgiven,
    )


def _best(touches: Flags, scores: Array, needed: int) -> tuple[Indices, Flags]:
    """Who counts for which lesion.

    Returns:
        (lesions,) the ``needed``-th best detection that touches each, -1 where fewer do; (detections, lesions) whether
        a detection is that one or a better one.
    """
    order = np.argsort(-scores, kind="stable")
    rank = np.zeros(touches.shape, np.intp)
    rank[order] = touches[order].cumsum(axis=0)
    last = touches & (rank == needed)
    return _first(last.T), touches & (rank <= needed) & last.any(axis=0)


def _first(flags: Flags) -> Indices:
    """(rows,) first column that is set in each row of (rows, columns), -1 for none."""
    first = np.full(len(flags), -1, np.intp)
    row, column = np.nonzero(flags)
    first[row[::-1]] = column[::-1]  # the one assigned last stays
    return first


@dataclass(frozen=True, eq=False)
class _Scene:
    """What a rule looks at."""

    detections: Detections
    truth: ImageTruth
    rule: Rule
    spacing_mm: tuple[float, float]
    #: Of the lesions that the rule asks for.
    regions: Sequence[Region]
    ignored: Sequence[Region]

    @classmethod
    def of(cls, detections: Detections, truth: ImageTruth, rule: Rule, spacing_mm: tuple[float, float]) -> _Scene:
        if rule.lesions == "calcification":
            regions = [lesion_region(lesion, spacing_mm) for lesion in truth.calcifications]
        else:
            regions = [region_of(cluster) for cluster in truth.clusters]
        ignored = [region_of(part) for part in truth.ignore]
        return cls(detections, truth, rule, spacing_mm, regions, ignored)


def _targets(scene: _Scene) -> Flags:
    """(lesions,) whether a detector is asked for each."""
    target = ~all_within(scene.regions, scene.ignored)
    if scene.rule.lesions == "cluster" and scene.ignored:
        single = [lesion_region(lesion, scene.spacing_mm) for lesion in scene.truth.calcifications]
        asked_for = ~all_within(single, scene.ignored)
        members = [cluster.members for cluster in scene.truth.clusters]
        target &= np.array([not known or asked_for[list(known)].any() for known in members], bool)
    return target


def _by_discs(scene: _Scene) -> tuple[Flags, Flags]:
    """Discs around the marks that cover a pixel."""
    marks, radius = scene.detections.xy, scene.rule.limit
    lesions, ignored = (near(marks, part, radius, scene.spacing_mm) for part in (scene.regions, scene.ignored))
    return lesions, ignored


def _by_distances(scene: _Scene) -> tuple[Flags, Flags]:
    """Marks close to the centre of a calcification, or to a pixel of a region to ignore."""
    marks, radius = scene.detections.xy, scene.rule.limit
    centres = np.array([(lesion.x, lesion.y) for lesion in scene.truth.calcifications]).reshape(-1, 2)
    x, y = np.moveaxis((marks[:, None] - centres) * scene.spacing_mm[::-1], -1, 0)
    return np.hypot(x, y) <= radius + TOLERANCE, near(marks, scene.ignored, radius, scene.spacing_mm)


def _by_boxes(scene: _Scene) -> tuple[Flags, Flags]:
    """Boxes that overlap."""
    boxes = scene.detections.boxes
    without = int(np.isnan(boxes).any(axis=1).sum())
    if without:
        raise UsageError(
            expected=f"a box or a diameter for every mark, for the rule {scene.rule.name}",
            found=f"{without} of {len(boxes)} marks without",
            do="match by disc14 or distance:<mm>, which need none",
            where=scene.truth.path,
        )
    lesions = np.array([lesion_box(lesion, scene.spacing_mm) for lesion in scene.truth.calcifications]).reshape(-1, 4)
    shared = shared_area(boxes, lesions)
    return _share(shared, area(boxes)[:, None] + area(lesions) - shared, scene.rule.limit), _boxes_ignored(scene)


def _boxes_ignored(scene: _Scene) -> Flags:
    """Boxes of which so large a share lies in a region to ignore."""
    boxes = scene.detections.boxes
    shared = _columns([region.area_within(boxes) for region in scene.ignored], len(boxes))
    return _share(shared, area(boxes)[:, None], scene.rule.limit)


def _by_clusters(scene: _Scene) -> tuple[Flags, Flags]:
    """Found clusters with their centres in true ones, or boxes that overlap with the pixels of true ones."""
    boxes = scene.detections.boxes
    shared = _columns([region.area_within(boxes) for region in scene.regions], len(boxes))
    pixels = np.array([region.mask.sum() for region in scene.regions], np.float64)
    overlaps = _share(shared, area(boxes)[:, None] + pixels - shared, scene.rule.limit)
    centred, centred_on_ignored = _by_centres(scene)
    return centred | overlaps, centred_on_ignored | _boxes_ignored(scene)


def _by_centres(scene: _Scene) -> tuple[Flags, Flags]:
    """Centres that lie in a region."""
    points = scene.detections.xy

    def lie_in(parts: Sequence[TrueCluster | Ignored]) -> Flags:
        return _columns([inside(points, outline(part)) for part in parts], len(points)).astype(bool)

    return lie_in(scene.truth.clusters), lie_in(scene.truth.ignore)


def _share(part: Array, whole: Array, least: float) -> Flags:
    """Whether a part is that share of the whole; never of NaN, nor if nothing is shared."""
    reaches: Flags = (part > 0) & (part >= least * whole - TOLERANCE)
    return reaches


def _columns(columns: Sequence[NDArray[Any]], rows: int) -> NDArray[Any]:
    """(rows, columns), also of no column."""
    return np.reshape(columns, (len(columns), rows)).T


#: For each kind, who touches what: (detections, lesions) and (detections, regions to ignore).
_TOUCHES: dict[Kind, Callable[[_Scene], tuple[Flags, Flags]]] = {
    "disc14": _by_discs,
    "distance": _by_distances,
    "iou": _by_boxes,
    "cluster": _by_clusters,
    "marks": _by_centres,
}
