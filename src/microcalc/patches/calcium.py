"""What the truth of an image says of calcium, as regions of pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from microcalc.evaluation.regions import Region, all_within, lesion_region, region_of
from microcalc.findings import Spacing
from microcalc.truth import ImageTruth, Pathology, TrueCluster


@dataclass(frozen=True, eq=False)
class Lesion:
    """A cluster, or a calcification of no cluster."""

    #: One a calcification; of a cluster whose calcifications nobody lists, its outline.
    regions: tuple[Region, ...]
    is_cluster: bool
    pathology: Pathology | None

    @property
    def bounds(self) -> NDArray[np.float64]:
        """(4,) x0, y0, x1, y1 of the box around it, on outer pixel edges."""
        each = np.array([region.bounds for region in self.regions])
        return np.concatenate([each[:, :2].min(axis=0), each[:, 2:].max(axis=0)])


def is_annotated(truth: ImageTruth) -> bool:
    """Whether all calcium is known that matters: some is listed, or there is none.

    Elsewhere on such an image a patch without calcium may be taken; on others nobody knows.
    """
    return bool(truth.normal or truth.calcifications or truth.clusters)


def targets(truth: ImageTruth, spacing_mm: Spacing) -> list[Region]:
    """Calcifications that a detector is asked for: those not within regions to ignore."""
    asked = zip(truth.calcifications, asked_for(truth, spacing_mm), strict=True)
    return [lesion_region(part, spacing_mm) for part, is_asked in asked if is_asked]


def asked_for(truth: ImageTruth, spacing_mm: Spacing) -> NDArray[np.bool_]:
    """(n,) whether a detector is asked for each calcification, in the truth's order."""
    single = [lesion_region(part, spacing_mm) for part in truth.calcifications]
    asked: NDArray[np.bool_] = ~all_within(single, ignored(truth))
    return asked


def ignored(truth: ImageTruth) -> list[Region]:
    """Regions to ignore."""
    return [region_of(part) for part in truth.ignore]


def annotated(truth: ImageTruth, spacing_mm: Spacing) -> list[Region]:
    """Everything that is marked as calcium: calcifications and clusters."""
    single = [lesion_region(part, spacing_mm) for part in truth.calcifications]
    return single + [region_of(part) for part in truth.clusters]


def lesions(truth: ImageTruth, spacing_mm: Spacing) -> list[Lesion]:
    """Clusters first, then the calcifications outside them.

    A cluster is made of its members; where they are not stated, of the calcifications whose centres lie in it; where
    there are none, of its outline.
    """
    single = [lesion_region(part, spacing_mm) for part in truth.calcifications]
    members = [_members(cluster, truth) for cluster in truth.clusters]
    clusters = [
        Lesion(tuple(single[i] for i in within) or (region_of(cluster),), True, _pathology(cluster, truth, within))
        for cluster, within in zip(truth.clusters, members, strict=True)
    ]
    clustered = {index for within in members for index in within}
    return clusters + [
        Lesion((region,), False, truth.calcifications[index].pathology)
        for index, region in enumerate(single)
        if index not in clustered
    ]


def _members(cluster: TrueCluster, truth: ImageTruth) -> Sequence[int]:
    if cluster.members is not None:
        return cluster.members
    centres = np.array([(part.x, part.y) for part in truth.calcifications], np.float64).reshape(-1, 2)
    within: list[int] = np.flatnonzero(region_of(cluster).holds(centres)).tolist()
    return within


def _pathology(cluster: TrueCluster, truth: ImageTruth, members: Sequence[int]) -> Pathology | None:
    """That of the cluster; where nobody states it, malignant with a malignant member, benign with benign ones only."""
    if cluster.pathology is not None:
        return cluster.pathology
    found = {truth.calcifications[index].pathology for index in members}
    if "malignant" in found:
        return "malignant"
    return "benign" if found == {"benign"} else None
