"""Whether the findings of an image lie on it, and on the breast."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from microcalc.breast import Breast
from microcalc.datasets import OtherFinding, Record
from microcalc.evaluation.polygons import area_and_centroid
from microcalc.evaluation.regions import nearest_pixel, outline
from microcalc.inspection.records import FaultKind
from microcalc.truth import Ignored

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

#: A fault of an image, and it in words.
Misfit = tuple[FaultKind, str]

#: Outlines may reach so far beyond an image: data sets count pixels from 0, from 1, and from their edges.
_TOLERANCE_PX = 1.0
#: Findings of an image that a fault names one by one.
_NAMED = 4


@dataclass(frozen=True, eq=False)
class Drawn:
    """One finding as it is drawn."""

    #: "calcification 3".
    name: str
    #: (n, 2) x, y: corners of its outline or box; a single one for a point.
    corners: Array
    #: Whether detectors are asked for it, or it is a finding of another kind: no region to ignore.
    asked: bool = True


def drawn(record: Record) -> list[Drawn]:
    """Everything on an image that has a place, numbered by kind from 1."""
    truth = record.truth
    marks = [np.array(mark.polygon or [(mark.x, mark.y)], np.float64) for mark in truth.calcifications]
    return [
        *(Drawn(f"calcification {n}", corners) for n, corners in enumerate(marks, 1)),
        *(Drawn(f"cluster {n}", outline(cluster)) for n, cluster in enumerate(truth.clusters, 1)),
        *(Drawn(f"{other.kind} {n}", _outline(other)) for n, other in enumerate(record.facts.others, 1)),
        *(Drawn(f"ignored region {n}", outline(part), asked=False) for n, part in enumerate(truth.ignore, 1)),
    ]


def misfits(record: Record, shape: tuple[int, int], breast: Breast | None = None) -> Iterator[Misfit]:
    """The ways in which findings do not fit an image of (rows, columns), each with the findings it is about.

    Args:
        record: the image and its findings.
        shape: (rows, columns).
        breast: where the breast is; None: what lies off it, or is larger, is not asked.
    """
    findings = drawn(record)
    if not findings:
        return
    boxes = np.array([np.concatenate([f.corners.min(axis=0), f.corners.max(axis=0)]) for f in findings])
    areas = np.array([area_and_centroid(f.corners)[0] for f in findings])
    points = np.array([len(f.corners) == 1 for f in findings])
    edges = np.array([-0.5, -0.5, shape[1] - 0.5, shape[0] - 0.5])
    outside = ((boxes - edges) * (-1, -1, 1, 1) > _TOLERANCE_PX).any(axis=1)
    faults: dict[FaultKind, Flags] = {"outside": outside, "empty": ~points & (areas == 0)}
    if breast is not None:
        asked = np.array([f.asked for f in findings])
        faults["too large"] = asked & (areas > np.count_nonzero(breast.mask))
        touching = np.array([_touches(f.corners, breast.mask) for f in findings])
        faults["off the breast"] = asked & ~outside & ~touching
    for kind, flags in faults.items():
        if flags.any():
            yield kind, _named([findings[index] for index in np.flatnonzero(flags)], shape)


def _touches(corners: Array, mask: Flags) -> bool:
    """Whether a corner or the middle of an outline lies on the breast."""
    points = nearest_pixel(np.vstack([corners, corners.mean(axis=0)]))
    x, y = points.clip(0, np.array(mask.shape[::-1]) - 1).T
    return bool(mask[y, x].any())


def _named(findings: Sequence[Drawn], shape: tuple[int, int]) -> str:
    words = (f"{f.name} at x {_range(f.corners[:, 0])}, y {_range(f.corners[:, 1])}" for f in findings[:_NAMED])
    more = f" and {len(findings) - _NAMED} more" if len(findings) > _NAMED else ""
    return f"{'; '.join(words)}{more}, in {shape[1]} columns, {shape[0]} rows"


def _range(values: Array) -> str:
    low, high = float(values.min()), float(values.max())
    return f"{low:.6g}" if low == high else f"{low:.6g} to {high:.6g}"


def _outline(other: OtherFinding) -> Array:
    return outline(Ignored(bbox=other.bbox, polygon=other.polygon))
