"""Mračko et al.: patches of 674 px that hold a whole cluster of microcalcifications, and patches that hold none.

Section II-B. Negatives are other findings, and healthy tissue; the authors looked at all 9,699 of them and dropped
about 550 that held clusters which nobody had marked: ``microcalc data review`` is for that.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from microcalc.evaluation.regions import all_within, region_of
from microcalc.patches.calcium import lesions
from microcalc.patches.ground import Ground
from microcalc.patches.patch import HEALTHY
from microcalc.patches.protocol import LeftOut, Protocol, Sites
from microcalc.patches.sites import at, centred, drawn, sums
from microcalc.truth import Ignored, TrueCluster

NO_CLUSTER, CLUSTER = "no cluster", "cluster"
#: Least share of a healthy patch that is breast.
BREAST_SHARE = 0.70
#: What the reason of a region to ignore says where it is a macrocalcification.
_MACROCALCIFICATION = ("typically benign", "over 1 mm")


def _plan(ground: Ground, rng: Generator) -> Iterator[Sites | LeftOut]:
    truth, others = ground.record.truth, ground.record.facts.others
    macro = [part for part in truth.ignore if _is_macrocalcification(part)]
    clusters = _suspicious(ground, macro)
    yield from _centred(ground, [np.array(cluster.bbox) for cluster in clusters], CLUSTER, "cluster")
    # What else is to be ignored may hide one, such as an image of which masks are missing.
    hidden = [region_of(part) for part in truth.ignore if part not in macro]
    marked = [region_of(cluster) for cluster in clusters]
    holds = sums(ground.covered(marked + hidden), ground.size_px)
    for origin, boxes in (
        ("mass", [np.array(finding.bbox) for finding in others if "mass" in finding.kind]),
        ("macrocalcification", [np.array(part.bbox) for part in macro]),
    ):
        yield from _centred(ground, boxes, NO_CLUSTER, origin, holds > 0)
    if truth.normal and not others:
        allowed = sums(ground.breast, ground.size_px) >= BREAST_SHARE * ground.size_px**2
        if not allowed.any():
            yield LeftOut(f"healthy image without a place that is {BREAST_SHARE:.0%} breast")
        yield Sites(drawn(allowed, 1, rng), NO_CLUSTER, HEALTHY)


def _is_macrocalcification(part: Ignored) -> bool:
    return any(words in (part.reason or "") for words in _MACROCALCIFICATION)


def _suspicious(ground: Ground, macro: list[Ignored]) -> list[TrueCluster]:
    """The clusters as they are marked, but for those of macrocalcifications alone."""
    truth, large = ground.record.truth, [region_of(part) for part in macro]
    known = lesions(truth, ground.spacing_mm)[: len(truth.clusters)]
    return [
        cluster
        for cluster, lesion in zip(truth.clusters, known, strict=True)
        if not all_within(lesion.regions, large).all()
    ]


def _centred(
    ground: Ground,
    boxes: list[NDArray[np.float64]],
    label: str,
    origin: str,
    forbidden: NDArray[np.bool_] | None = None,
) -> Iterator[Sites | LeftOut]:
    """Patches around (4,) x0, y0, x1, y1 that fit into one, away from corners that are forbidden."""
    box = np.array(boxes, np.float64).reshape(-1, 4)
    fits = (box[:, 2:] - box[:, :2] <= ground.size_px).all(axis=1)
    yield LeftOut(f"{origin} larger than a patch", int((~fits).sum()))
    corners = centred((box[fits, :2] + box[fits, 2:]) / 2, ground.size_px, ground.shape)
    if forbidden is not None:
        beside = at(forbidden, corners)
        yield LeftOut(f"{origin} beside a cluster or what is to be ignored", int(beside.sum()))
        corners = corners[~beside]
    yield Sites(corners, label, origin)


MRACKO674 = Protocol(
    name="mracko674",
    paper="Mračko et al., section II-B",
    size_px=674,
    labels=(NO_CLUSTER, CLUSTER),
    asks_for="clusters",
    serves=lambda truth: bool(truth.clusters),
    plan=_plan,
    healthy_patients=True,
    notes=(
        "native pixels; a cluster wider or higher than a patch is left out, others are centred and the patch is "
        "shifted inside the image",
        "negatives: masses, macrocalcifications (regions to ignore that are typically benign or over 1 mm), and one "
        "random patch, at least 70 % breast, for each normal image of a patient of whom no image shows anything",
        "chosen: other findings are centred, shifted and left out by size as clusters are, and where a marked cluster "
        "or another region to ignore is in the patch; the paper leaves out masses with microcalcifications by eye",
        "classes are not balanced: the paper weights its loss by 0.359 and 0.641, and turns all patches of the "
        "training set by 90, 180 and 270 degrees but those of origin `healthy`",
        "single and vascular calcifications stay in negatives, as in the paper",
    ),
)
