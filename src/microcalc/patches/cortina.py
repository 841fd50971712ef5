"""Cortina Uribe et al.: patches at a stride, and small patches centred on microcalcifications.

Section 2.3.1. Everything is at 0.07 mm. Regions to ignore (over 1 mm, outlines of clusters) belong to no class.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from microcalc.evaluation.regions import Region
from microcalc.patches.calcium import ignored, is_annotated, targets
from microcalc.patches.ground import Corners, Ground
from microcalc.patches.protocol import LeftOut, Protocol, Sites
from microcalc.patches.sites import at, centred, grid, sums
from microcalc.truth import ImageTruth

NORMAL, CALCIFICATION = "normal", "calcification"
SPACING_MM = 0.07
STRIDE_PX = 100
#: Least share of a patch of the grid that is breast.
BREAST_SHARE = 0.70
#: Of an image at most, where patches are cut with a wide margin.
WIDE_NEGATIVES = 60


def _at_a_stride(ground: Ground, rng: Generator) -> Iterator[Sites | LeftOut]:
    truth = ground.record.truth
    asked = targets(truth, ground.spacing_mm)
    corners = _grid(ground)
    positive, to_ignore = _touched(ground, asked, corners), _touched(ground, ignored(truth), corners)
    yield Sites(corners[positive], CALCIFICATION, "grid")
    yield from _negatives(corners, positive, to_ignore, truth)


def _marked(ground: Ground, rng: Generator) -> Iterator[Sites | LeftOut]:
    corners = _grid(ground)
    positive = _touched(ground, targets(ground.record.truth, ground.spacing_mm), corners)
    yield Sites(corners[positive], CALCIFICATION, "grid")


def _on_calcifications(ground: Ground, rng: Generator, *, most: int | None = None) -> Iterator[Sites | LeftOut]:
    truth = ground.record.truth
    asked = targets(truth, ground.spacing_mm)
    centres = np.array([(region.bounds[:2] + region.bounds[2:]) / 2 for region in asked], np.float64).reshape(-1, 2)
    yield Sites(centred(ground.frame.to_working(centres), ground.size_px, ground.shape), CALCIFICATION, "calcification")
    corners = _grid(ground)
    positive, to_ignore = _touched(ground, asked, corners), _touched(ground, ignored(truth), corners)
    for part in _negatives(corners, positive, to_ignore, truth):
        yield from _at_most(most, part, rng) if most is not None and isinstance(part, Sites) else (part,)


def _at_most(most: int, sites: Sites, rng: Generator) -> Iterator[Sites | LeftOut]:
    kept = np.sort(rng.choice(len(sites.corners), min(most, len(sites.corners)), replace=False))
    yield LeftOut(f"negatives beyond the {most} drawn of an image", len(sites.corners) - len(kept))
    yield dataclasses.replace(sites, corners=sites.corners[kept])


def _grid(ground: Ground) -> Corners:
    """Corners at the stride over the box of the breast, of patches that are breast for the most part."""
    rows, columns = (np.flatnonzero(ground.breast.any(axis=axis)) for axis in (1, 0))
    box = (int(rows[-1]) + 1, int(columns[-1]) + 1)
    corners = grid(box, ground.size_px, STRIDE_PX, (int(columns[0]), int(rows[0])))
    share = at(sums(ground.breast, ground.size_px), corners) / ground.size_px**2
    return corners[share >= BREAST_SHARE]


def _touched(ground: Ground, regions: list[Region], corners: Corners) -> NDArray[np.bool_]:
    """(n,) whether a pixel of the regions lies in each patch."""
    flags: NDArray[np.bool_] = at(sums(ground.covered(regions), ground.size_px), corners) > 0
    return flags


def _negatives(
    corners: Corners, positive: NDArray[np.bool_], to_ignore: NDArray[np.bool_], truth: ImageTruth
) -> Iterator[Sites | LeftOut]:
    if not is_annotated(truth):
        yield LeftOut("images neither annotated nor known to be normal: no negatives")
        return
    yield LeftOut("patches with nothing but what is to be ignored", int((to_ignore & ~positive).sum()))
    yield Sites(corners[~positive & ~to_ignore], NORMAL, "grid")


_PROTOCOL = functools.partial(
    Protocol,
    labels=(NORMAL, CALCIFICATION),
    asks_for="calcifications one by one",
    serves=lambda truth: bool(truth.calcifications),
    spacing_mm=SPACING_MM,
)
_COMMON = (
    "at 0.07 mm: finer images are shrunk, coarser ones keep their pixels; not flipped: the paper turns right breasts "
    "to the left",
    "chosen: classes are not balanced here; the paper draws other negatives every epoch, or takes all",
    "chosen: a patch with nothing but what is to be ignored (over 1 mm, outlines of clusters) is in no class",
)
CORTINA224 = _PROTOCOL(
    name="cortina224",
    paper="Cortina Uribe et al., section 2.3.1",
    size_px=224,
    plan=_at_a_stride,
    notes=(
        "all patches that fit into the box of the breast at a stride of 100 px; positive with any pixel of a "
        "microcalcification",
        "chosen, after the paper's public code: at least 70 % of a patch is breast",
        *_COMMON,
    ),
)
_SMALL = (
    "positives centred on microcalcifications, shifted inside the image",
    "chosen, after the paper's public code: negatives at a stride of 100 px, at least 70 % breast, without a pixel of "
    "a microcalcification",
    *_COMMON,
)
CORTINA224_MARKED = _PROTOCOL(
    name="cortina224-marked",
    paper="Cortina Uribe et al., section 2.3.2",
    size_px=224,
    plan=_marked,
    notes=(
        'the positives of cortina224 alone, "only patches containing MCs"; their boxes follow from the truth',
        "chosen, after the paper's public code: at least 70 % of a patch is breast",
        _COMMON[0],
    ),
)
CORTINA16, CORTINA32, CORTINA64 = (
    _PROTOCOL(
        name=f"cortina{size}",
        paper="Cortina Uribe et al., section 2.3.1",
        size_px=size,
        plan=_on_calcifications,
        notes=_SMALL,
    )
    for size in (16, 32, 64)
)
CORTINA16_WIDE = _PROTOCOL(
    name="cortina16-wide",
    paper="after Cortina Uribe et al., section 2.3.1",
    size_px=16,
    margin_px=48,
    plan=functools.partial(_on_calcifications, most=WIDE_NEGATIVES),
    notes=(
        "ours: the windows and labels of cortina16, each cut with 48 px around it, which a network that reads whole "
        "images sees of a window's surroundings",
        "windows nearer to the image's edge than that are left out",
        f"ours: at most {WIDE_NEGATIVES} negatives an image, drawn: a wide patch takes 49 times the room of a small "
        "one",
        *_SMALL,
    ),
)
