"""Kahnouei et al.: a grid of 224 px without overlap; a patch is positive where it overlaps an annotation.

Section 3.2. As many normal patches as others are kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.random import Generator

from microcalc.patches.calcium import annotated, ignored, is_annotated
from microcalc.patches.ground import Corners, Ground
from microcalc.patches.protocol import LeftOut, Protocol, Sites
from microcalc.patches.sites import at, grid, sums
from microcalc.truth import Split

NORMAL, CALCIFICATION = "normal", "calcification"
#: Least share of a normal patch that is breast.
BREAST_SHARE = 0.50


def _plan(ground: Ground, rng: Generator) -> Iterator[Sites | LeftOut]:
    truth, size = ground.record.truth, ground.size_px
    corners = _grid(ground)
    marked = sums(ground.covered(annotated(truth, ground.spacing_mm)), size)
    positive = at(marked, corners) > 0
    yield Sites(corners[positive], CALCIFICATION, "grid")
    if not is_annotated(truth):
        yield LeftOut("images neither annotated nor known to be normal: no normal patches")
        return
    to_ignore = at(sums(ground.covered(ignored(truth)), size), corners) > 0
    yield LeftOut("patches with nothing but what is to be ignored", int((to_ignore & ~positive).sum()))
    enough = at(sums(ground.breast, size), corners) >= BREAST_SHARE * size**2
    yield Sites(corners[~positive & ~to_ignore & enough], NORMAL, "grid")


def _grid(ground: Ground) -> Corners:
    """From the chest wall on, and in the middle of the rows, so that what is left over is mostly air."""
    size, (rows, columns) = ground.size_px, ground.shape
    halves = np.array_split(ground.breast.sum(axis=0), 2)
    wall_at_right = halves[1].sum() > halves[0].sum()
    return grid(ground.shape, size, size, (columns % size if wall_at_right else 0, rows % size // 2))


def _as_many(counts: Mapping[str, int], split: Split | None) -> Mapping[str, int]:
    return {NORMAL: counts[CALCIFICATION]}


KAHNOUEI224 = Protocol(
    name="kahnouei224",
    paper="Kahnouei et al., section 3.2",
    size_px=224,
    labels=(NORMAL, CALCIFICATION),
    asks_for="calcifications or clusters",
    serves=lambda truth: bool(truth.calcifications or truth.clusters),
    plan=_plan,
    balance=_as_many,
    notes=(
        "native pixels; a patch that overlaps an annotated region by any pixel is positive, so that a region over "
        "several patches marks each of them",
        "as many normal patches as positive ones, drawn at random from all images, on each side of the split",
        "chosen: the grid begins at the chest wall and is centred on the rows; what is left over at the other edges "
        "belongs to no patch",
        "chosen: a normal patch is at least half breast: the paper removed uninformative patches by hand",
        "chosen: a patch with nothing but what is to be ignored is in no class",
        "the paper parts patches, not patients: here the data set's split holds",
    ),
)
