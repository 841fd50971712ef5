"""Terrassin et al.: patches of 512 px in three classes, with a mask of benign and one of malignant calcifications.

Section 4.1. Training patches lie at random around lesions; those of validation and test are centred on malignant
lesions first, and then cut along a grid.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from microcalc.patches.calcium import Lesion, ignored, is_annotated, lesions
from microcalc.patches.ground import Corners, Ground
from microcalc.patches.patch import HEALTHY
from microcalc.patches.protocol import LeftOut, Protocol, Sites
from microcalc.patches.sites import at, centred, drawn, grid, sums
from microcalc.truth import Split

NORMAL, BENIGN, MALIGNANT = LABELS = ("normal", "benign", "malignant")
#: Least share of a lesion's pixels that its patch holds, and of a normal patch that is breast.
LESION_SHARE, BREAST_SHARE = 0.80, 0.20
#: Drawn from each normal training image.
NORMALS_PER_IMAGE = 4


def _plan(ground: Ground, rng: Generator) -> Iterator[Sites | LeftOut]:
    trained_on = ground.record.truth.split in (None, "train")
    return (_around_lesions if trained_on else _centred_then_grid)(ground, rng)


def _around_lesions(ground: Ground, rng: Generator) -> Iterator[Sites | LeftOut]:
    for lesion in lesions(ground.record.truth, ground.spacing_mm):
        corners = _holding(ground, lesion, rng)
        yield LeftOut("lesions of which no patch holds 80 %", 1 - len(corners))
        yield Sites(corners, _label(lesion), "lesion")
    if ground.record.truth.normal:
        allowed = sums(ground.breast, ground.size_px) >= BREAST_SHARE * ground.size_px**2
        yield Sites(drawn(allowed, NORMALS_PER_IMAGE, rng), NORMAL, HEALTHY)


def _holding(ground: Ground, lesion: Lesion, rng: Generator) -> Corners:
    """(1, 2) corner of a random patch that holds enough of a lesion's pixels; (0, 2) where none does."""
    pixels = ground.covered(lesion.regions)
    # Counted no further from the lesion than a patch can lie.
    low, high = lesion.bounds.reshape(2, 2) + 0.5
    first = np.clip(low.astype(np.intp) - ground.size_px, 0, None)
    x, y = (slice(start, int(end) + ground.size_px) for start, end in zip(first, high, strict=True))
    held = sums(np.ascontiguousarray(pixels[y, x]), ground.size_px)
    corners: Corners = drawn(held >= LESION_SHARE * pixels.sum(), 1, rng) + first
    return corners


def _centred_then_grid(ground: Ground, rng: Generator) -> Iterator[Sites | LeftOut]:
    truth, size = ground.record.truth, ground.size_px
    known = lesions(truth, ground.spacing_mm)
    boxes = np.array([lesion.bounds for lesion in known if _label(lesion) == MALIGNANT]).reshape(-1, 4)
    yield Sites(centred((boxes[:, :2] + boxes[:, 2:]) / 2, size, ground.shape), MALIGNANT, "lesion")
    if not is_annotated(truth):
        yield LeftOut("images neither annotated nor known to be normal: no grid")
        return
    classes, corners = _paint(ground), grid(ground.shape, size, size)
    benign, malignant = (at(sums(classes == LABELS.index(label), size), corners) > 0 for label in (BENIGN, MALIGNANT))
    to_ignore = at(sums(ground.covered(ignored(truth)), size), corners) > 0
    enough = at(sums(ground.breast, size), corners) >= BREAST_SHARE * size**2
    yield LeftOut("patches of the grid with part of a malignant lesion", int(malignant.sum()))
    yield LeftOut("patches with nothing but what is to be ignored", int((to_ignore & ~benign & ~malignant).sum()))
    yield Sites(corners[benign & ~malignant], BENIGN, "grid")
    yield Sites(corners[~benign & ~malignant & ~to_ignore & enough], NORMAL, "grid")


def _label(lesion: Lesion) -> str:
    """By its pathology; where nobody knows it, a cluster is malignant and a single calcification benign."""
    if lesion.pathology in LABELS:
        return str(lesion.pathology)
    return MALIGNANT if lesion.is_cluster else BENIGN


def _paint(ground: Ground) -> NDArray[np.uint8]:
    """(rows, columns) 0, or the index of benign or malignant; malignant where both are."""
    classes = np.zeros(ground.shape, np.uint8)
    known = lesions(ground.record.truth, ground.spacing_mm)
    for label in (BENIGN, MALIGNANT):
        regions = (region for lesion in known if _label(lesion) == label for region in lesion.regions)
        classes[ground.covered(regions)] = LABELS.index(label)
    return classes


def _equal(counts: Mapping[str, int], split: Split | None) -> Mapping[str, int]:
    """As many of each class as of the rarest that there are, where patches are trained on."""
    if split in ("validation", "test"):
        return {}
    return dict.fromkeys(LABELS, min((count for count in counts.values() if count), default=0))


TERRASSIN512 = Protocol(
    name="terrassin512",
    paper="Terrassin et al., section 4.1",
    size_px=512,
    labels=LABELS,
    asks_for="calcifications or clusters",
    serves=lambda truth: bool(truth.calcifications or truth.clusters),
    plan=_plan,
    balance=_equal,
    channels=(BENIGN, MALIGNANT),
    paint=_paint,
    notes=(
        "native pixels; for training a random patch that holds at least 80 % of each lesion's pixels, and of each "
        "normal image random ones that are at least 20 % breast; classes are made equal",
        "validation and test: centred on malignant lesions, then a grid of 512 px without overlap; not balanced",
        "where pathology is unknown, a cluster is malignant and a single calcification benign, as the paper takes "
        "INbreast",
        "chosen: one patch a lesion, four a normal image, before classes are made equal",
        "chosen: patches of the grid with part of a malignant lesion are in no class, and normal ones are at least "
        "20 % breast there too",
        "masks are as the truth outlines lesions; the paper dilates benign ones by 10 x 10 px when it scores them",
    ),
)
