"""Average precision and recall as COCO has them, of boxes of one size around marks and around calcifications.

Table 5 of Cortina Uribe et al. takes them of boxes of 14 px at 0.07 mm around every centre. Marks of an image, the best
first, each take the free calcification whose box they overlap most with, if with the IoU at least; what is left over is
false, a second mark on a calcification too. That is stricter than ``disc14``: an IoU of 0.5 asks that centres lie
within a third of a side of each other, and one of 0.95 within a fortieth.

A mark on a region to ignore counts for nothing where so large a share of its box lies in it (COCO's crowd regions);
one smaller than the boxes is taken as large as they are. False marks count on all images, on those with calcifications
too, so that unlisted calcium costs precision. Of each image the best 100 marks take part, COCO's limit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from microcalc.evaluation.detections import Detections, disc_boxes
from microcalc.evaluation.matching import DISC14_RADIUS_MM
from microcalc.evaluation.regions import Region, area, region_of, shared_area
from microcalc.truth import Ignored, ImageTruth

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

#: Of the boxes: 14 px at 0.07 mm.
SIDE_MM = 2 * DISC14_RADIUS_MM
#: (10,) at which boxes are matched; the first is that of AP50.
IOUS: Array = np.linspace(0.5, 0.95, 10)
#: Marks of an image that take part.
MOST = 100
#: At which precision is taken.
_RECALLS: Array = np.linspace(0.0, 1.0, 101)


@dataclass(frozen=True, eq=False)
class BoxMatch:
    """The marks of one image that take part, the best first."""

    #: (marks,) falling.
    scores: Array
    #: (IoUs, marks) takes a calcification.
    hit: Flags
    #: (IoUs, marks) takes none, but lies on a region to ignore.
    ignored: Flags
    #: Calcifications asked for.
    targets: int


def match_boxes(
    marks: Detections, truth: ImageTruth, target: NDArray[np.intp], spacing_mm: tuple[float, float]
) -> BoxMatch:
    """Match the boxes around marks with those around calcifications.

    Args:
        marks: in pixels of the image; their own sizes are not looked at.
        truth: calcifications, and regions to ignore.
        target: which of the calcifications are asked for.
        spacing_mm: (row, column) pixel spacing, mm.
    """
    best = np.argsort(-marks.scores, kind="stable")[:MOST]
    centres = np.array([(lesion.x, lesion.y) for lesion in truth.calcifications]).reshape(-1, 2)[target]
    boxes, wanted = _boxes(marks.xy[best], spacing_mm), _boxes(centres, spacing_mm)
    shared = shared_area(boxes, wanted)
    overlap = shared / (area(boxes)[:, None] + area(wanted) - shared)
    hit = np.stack([_taken(overlap, least) for least in IOUS])
    forgiven = np.zeros(len(boxes))
    for part in truth.ignore:
        np.maximum(forgiven, _ignored(part, spacing_mm).area_within(boxes) / area(boxes), out=forgiven)
    return BoxMatch(marks.scores[best], hit, ~hit & (forgiven >= IOUS[:, None]), len(target))


def _boxes(centres: Array, spacing_mm: tuple[float, float]) -> Array:
    return disc_boxes(centres, np.full(len(centres), SIDE_MM), spacing_mm)


def _ignored(part: Ignored, spacing_mm: tuple[float, float]) -> Region:
    """The region, or the box around its centre where that is larger."""
    own = np.array(part.bbox)
    box = _boxes(own.reshape(1, 2, 2).mean(axis=1), spacing_mm)[0]
    if (own[2:] - own[:2] >= box[2:] - box[:2]).any():
        return region_of(part)
    x0, y0, x1, y1 = box.tolist()
    return region_of(Ignored(bbox=(x0, y0, x1, y1)))


def _taken(overlap: Array, least: float) -> Flags:
    """(marks,) which take a target, of (marks, targets) IoUs, the best mark first.

    Round by round, a mark is settled that is the first of those left to touch the target it overlaps most with: nothing
    that comes before it can take that away. So few rounds do what COCO does mark by mark.
    """
    touching = overlap >= least
    taken = np.zeros(len(overlap), bool)
    while touching.any():
        wanted = np.where(touching, overlap, -1.0).argmax(axis=1)
        settled = touching.any(axis=1) & (touching.argmax(axis=0)[wanted] == np.arange(len(overlap)))
        taken |= settled
        touching[settled] = False
        touching[:, wanted[settled]] = False
    return taken


@dataclass(frozen=True, eq=False)
class BoxRanking:
    """The marks of a set of images by falling score, and how many calcifications each image has."""

    #: (marks,) image of each.
    image: NDArray[np.intp]
    #: (IoUs, marks) as in :class:`BoxMatch`.
    hit: Flags
    ignored: Flags
    #: (images,)
    targets: Array

    @classmethod
    def of(cls, images: Sequence[BoxMatch]) -> BoxRanking:
        """Sort the marks of at least one image."""
        order = np.argsort(-np.concatenate([image.scores for image in images]), kind="stable")
        owner = np.repeat(np.arange(len(images)), [image.scores.size for image in images])
        return cls(
            owner[order],
            np.concatenate([image.hit for image in images], axis=1)[:, order],
            np.concatenate([image.ignored for image in images], axis=1)[:, order],
            np.array([image.targets for image in images], np.float64),
        )

    def average_precision(self, weights: Array) -> float:
        """At an IoU of 0.5, with each image counted ``weights`` (images,) times; NaN where that leaves no target.

        The mean, over 101 recalls, of the highest precision at that recall or beyond (Equations 9 and 10 of the
        report, at COCO's recalls).
        """
        wanted = self.targets @ weights
        if not wanted:
            return np.nan
        counted = weights[self.image]
        hits = (counted * self.hit[0]).cumsum()
        marks = (counted * ~self.ignored[0]).cumsum()
        precision = np.divide(hits, marks, out=np.zeros_like(hits), where=marks > 0)
        highest = np.append(np.maximum.accumulate(precision[::-1])[::-1], 0.0)  # 0 at recalls never reached
        return float(highest[np.searchsorted(hits / wanted, _RECALLS)].mean())

    def recalled(self) -> Array:
        """(images,) calcifications taken, as the mean over ``IOUS``: over ``targets`` that is the average recall."""
        return np.asarray(np.bincount(self.image, self.hit.mean(axis=0), self.targets.size), np.float64)
