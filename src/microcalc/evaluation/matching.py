"""Which detections hit which lesions, by a named rule.

A rule says when a detection touches a lesion (``RULES``; the disc of ``disc14`` is that of Cortina Uribe et al.,
section 2.1.5); the account is the same for all. Per lesion the best-scoring detection that touches it counts (of equal
scores the first listed), further ones on it are duplicates, and one detection may hit several lesions. A detection that
touches a target is a hit or a duplicate even if it also touches a region to ignore; one that touches only what is to be
ignored counts for nothing.

A lesion within regions to ignore (``Region.lies_within``) is no target, neither hit nor missed: nobody is asked for
calcifications over 1 mm or of a typically benign kind, but a mark on one is not false. Nor is a cluster a target if its
members are known and none of them is one, although its own region reaches beyond theirs.

A region to ignore is touched as a lesion is, with two differences. For ``distance`` it is its nearest pixel that
counts, since its centre says little. Where boxes are compared, the overlap is divided by the area of the detection
alone, as COCO does for its crowd regions, since a region to ignore may be far larger than any detection.
"""

from __future__ import annotations

import re
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
    outline,
    region_of,
    shared_area,
)
from microcalc.truth import Ignored, ImageTruth, TrueCalcification, TrueCluster

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]
Indices = NDArray[np.intp]
#: Half of 14 px at 0.07 mm.
DISC14_RADIUS_MM = 7 * 0.07
#: Least IoU of a found cluster and a true one by the rule ``cluster``.
CLUSTER_IOU = 0.2

_NUMBER = re.compile(r"[0-9]*\.?[0-9]+")


@dataclass(frozen=True)
class Rule:
    """A named rule; made by :func:`parse_rule`."""

    #: For every figure that is counted by it; two rules of one name are the same.
    name: str
    #: Which list of the truth is asked for.
    lesions: Literal["calcification", "cluster"]
    #: Which list of a system's answers it.
    detections: Literal["marks", "clusters"]
    #: Of ``RULES``, what its name has the form of.
    form: str
    #: Largest distance in mm, least IoU or least number of marks, as the form has it.
    limit: float

    @property
    def needed(self) -> int:
        """How many detections must touch a lesion for it to be found."""
        return int(self.limit) if _FORMS[self.form].touches is _by_centres else 1

    def listed(self, truth: ImageTruth) -> Sequence[TrueCalcification | TrueCluster]:
        """The lesions of an image that it asks for, targets or not."""
        return truth.calcifications if self.lesions == "calcification" else truth.clusters


def parse_rule(name: str) -> Rule:
    """The rule of a name, such as ``disc14``, ``distance:1.5``, ``iou:0.5``, ``cluster`` or ``cluster:marks=3``.

    Raises:
        UsageError: no rule has that form, or its number is out of range.
    """
    for form, of in _FORMS.items():
        stem = form.partition("<")[0]
        given = name.removeprefix(stem) if name.startswith(stem) else ""
        if stem == form == name:
            return Rule(name, of.lesions, of.detections, form, of.limit)
        if stem != form and _NUMBER.fullmatch(given) and of.allows(number := float(given)):
            normal_name = stem + np.format_float_positional(number, trim="-")
            return Rule(normal_name, of.lesions, of.detections, form, number)
    raise UsageError(
        expected=f"a matching rule: {', '.join(RULES)}, with mm above 0, 0 < t <= 1, n a whole number from 1",
        found=repr(name),
        do="name one of these",
    )


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
    threshold: float | None = None,
) -> ImageMatch:
    """Match the detections at or above ``threshold`` with the lesions of one image.

    Args:
        detections: marks or found clusters, as the rule asks, in pixels of the image.
        truth: lesions and regions to ignore.
        rule: of :func:`parse_rule`.
        spacing_mm: (row, column) pixel spacing, mm.
        threshold: detections below it take no part; None: all do.

    Raises:
        UsageError: by a rule that compares boxes, a mark without a box, or a target that is a point.
    """
    scene = _Scene.of(detections, truth, rule, spacing_mm)
    touches, touches_ignored = _FORMS[rule.form].touches(scene)
    taking_part = detections.scores >= (-np.inf if threshold is None else threshold)
    touches &= taking_part[:, None]
    on_target = touches & scene.target
    hit_by, counts = _best(on_target, detections.scores, rule.needed)
    hit, touched, forgiven = (_any(flags) for flags in (counts, on_target, np.hstack([touches, touches_ignored])))
    loose = taking_part & ~touched
    return ImageMatch(
        target=scene.target,
        hit_by=hit_by,
        hit=hit,
        duplicate=touched & ~hit,
        false_positive=loose & ~forgiven,
        ignored=loose & forgiven,
    )


def _any(flags: Flags) -> Flags:
    """(rows,) whether any column is set in each row of (rows, columns)."""
    found: Flags = np.logical_or.reduce(flags, axis=1)
    return found


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
    hit_by = np.full(touches.shape[1], -1, np.intp)
    detection, lesion = np.nonzero(last)
    hit_by[lesion] = detection
    return hit_by, touches & (rank <= needed) & last.any(axis=0)


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
    #: (lesions,) whether a detector is asked for each.
    target: Flags

    @classmethod
    def of(cls, detections: Detections, truth: ImageTruth, rule: Rule, spacing_mm: tuple[float, float]) -> _Scene:
        single = [lesion_region(lesion, spacing_mm) for lesion in truth.calcifications]
        ignored = [region_of(part) for part in truth.ignore]
        asked_for = ~all_within(single, ignored)
        if rule.lesions == "calcification":
            return cls(detections, truth, rule, spacing_mm, single, ignored, asked_for)
        regions = [region_of(cluster) for cluster in truth.clusters]
        members = [cluster.members for cluster in truth.clusters]
        target = np.array([not known or asked_for[list(known)].any() for known in members], bool)
        return cls(detections, truth, rule, spacing_mm, regions, ignored, target & ~all_within(regions, ignored))


def _by_discs(scene: _Scene) -> tuple[Flags, Flags]:
    """Discs around the marks that cover a pixel."""
    return _near(scene, scene.regions), _near(scene, scene.ignored)


def _by_distances(scene: _Scene) -> tuple[Flags, Flags]:
    """Marks close to the centre of a calcification, or to a pixel of a region to ignore."""
    centres = np.array([(lesion.x, lesion.y) for lesion in scene.truth.calcifications]).reshape(-1, 2)
    x, y = np.moveaxis((scene.detections.xy[:, None] - centres) * scene.spacing_mm[::-1], -1, 0)
    return np.hypot(x, y) <= scene.rule.limit + TOLERANCE, _near(scene, scene.ignored)


def _near(scene: _Scene, regions: Sequence[Region]) -> Flags:
    """(detections, regions) marks so close to a pixel of a region."""
    marks = scene.detections.xy
    close = [region.near(marks, scene.rule.limit, scene.spacing_mm) for region in regions]
    return _columns(close, len(marks)).astype(bool)


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
    extents = [bool(lesion.polygon or lesion.diameter_mm) for lesion in scene.truth.calcifications]
    points = int((scene.target & ~np.array(extents, bool)).sum())
    if points:
        raise UsageError(
            expected=f"an outline or a diameter for every target, for the rule {scene.rule.name}",
            found=f"{points} points",
            do="match by disc14 or distance:<mm>, which need none",
            where=scene.truth.path,
        )
    lesions = np.array([lesion_box(lesion, scene.spacing_mm) for lesion in scene.truth.calcifications]).reshape(-1, 4)
    shared = shared_area(boxes, lesions)
    return _share(shared, area(boxes)[:, None] + area(lesions) - shared, scene.rule.limit), _boxes_ignored(scene)


def _boxes_ignored(scene: _Scene) -> Flags:
    """Boxes of which so large a share lies in a region to ignore."""
    return _share(_shared(scene, scene.ignored), area(scene.detections.boxes)[:, None], scene.rule.limit)


def _by_clusters(scene: _Scene) -> tuple[Flags, Flags]:
    """Found clusters with their centres in true ones, or boxes that overlap with these."""
    boxes, shared = scene.detections.boxes, _shared(scene, scene.regions)
    whole = area(boxes)[:, None] + [region.area for region in scene.regions] - shared
    centred, centred_on_ignored = _by_centres(scene)
    return centred | _share(shared, whole, scene.rule.limit), centred_on_ignored | _boxes_ignored(scene)


def _shared(scene: _Scene, regions: Sequence[Region]) -> Array:
    """(detections, regions) px2 that boxes share with regions."""
    boxes = scene.detections.boxes
    return _columns([region.area_within(boxes) for region in regions], len(boxes))


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


@dataclass(frozen=True)
class _Form:
    """What the rules of one form have in common."""

    #: What they take for a hit or a duplicate.
    meaning: str
    lesions: Literal["calcification", "cluster"]
    detections: Literal["marks", "clusters"]
    #: Who touches what: (detections, lesions) and (detections, regions to ignore).
    touches: Callable[[_Scene], tuple[Flags, Flags]]
    #: Where no number is part of the name.
    limit: float = np.nan
    #: Whether a number may be part of the name.
    allows: Callable[[float], bool] = lambda number: False


_FORMS = {
    "disc14": _Form(
        meaning="the disc of 0.98 mm around a mark covers a pixel of the calcification",
        lesions="calcification",
        detections="marks",
        touches=_by_discs,
        limit=DISC14_RADIUS_MM,
    ),
    "distance:<mm>": _Form(
        meaning="a mark and the centre of the calcification lie at most so far apart",
        lesions="calcification",
        detections="marks",
        touches=_by_distances,
        allows=lambda mm: 0 < mm < np.inf,
    ),
    "iou:<t>": _Form(
        meaning="the bounding boxes of a mark and of the calcification have at least that IoU",
        lesions="calcification",
        detections="marks",
        touches=_by_boxes,
        allows=lambda iou: 0 < iou <= 1,
    ),
    "cluster": _Form(
        meaning=f"the centre of a found cluster lies in the true one, or its box and that have an IoU of {CLUSTER_IOU}",
        lesions="cluster",
        detections="clusters",
        touches=_by_clusters,
        limit=CLUSTER_IOU,
    ),
    "cluster:marks=<n>": _Form(
        meaning="so many marks lie in the cluster",
        lesions="cluster",
        detections="marks",
        touches=_by_centres,
        allows=lambda marks: 1 <= marks < np.inf and marks.is_integer(),
    ),
}
#: What each rule takes for a hit or, further ones, for duplicates.
RULES = {form: of.meaning for form, of in _FORMS.items()}
