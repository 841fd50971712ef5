"""Our own protocols: patches centred on single calcifications, and on what a proposer takes for one.

Random tissue is easy to tell from calcium. The negatives here are those places that a detector would have to turn down:
candidates of :mod:`microcalc.candidates.morphology` that no calcification is at.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from microcalc.candidates.morphology import propose
from microcalc.patches.calcium import annotated, asked_for, ignored, is_annotated
from microcalc.patches.ground import Ground
from microcalc.patches.protocol import LeftOut, Plan, Protocol, Sites
from microcalc.patches.sites import at, centred, sums
from microcalc.truth import ImageTruth, Pathology

NORMAL, BENIGN, MALIGNANT, UNKNOWN = "normal", "benign", "malignant", "calcification"
#: Least score of a candidate: what the detector ``morphology`` lists.
SCORE_FLOOR = 0.1
#: Pixels kept around the breast where candidates are looked for: as many as a detector keeps.
_MARGIN_PX = 8


def _on_specks(ground: Ground, rng: Generator, *, most: int) -> Iterator[Sites | LeftOut]:
    truth, size = ground.record.truth, ground.size_px
    asked = np.flatnonzero(asked_for(truth, ground.spacing_mm)).tolist()
    for label in (BENIGN, MALIGNANT, UNKNOWN):
        of_label = [truth.calcifications[index] for index in asked if _label(truth, index) == label]
        centres = np.array([(part.x, part.y) for part in of_label], np.float64).reshape(-1, 2)
        yield Sites(centred(ground.frame.to_working(centres), size, ground.shape), label, "calcification")
    if not is_annotated(truth):
        yield LeftOut("images neither annotated nor known to be normal: no negatives")
        return
    corners = centred(_candidates(ground), size, ground.shape)
    marked = ground.covered(annotated(truth, ground.spacing_mm) + ignored(truth))
    clear = at(sums(marked, size), corners) == 0
    yield LeftOut("candidates whose patch holds something marked or to be ignored", int((~clear).sum()))
    corners = corners[clear]
    kept = np.sort(rng.choice(len(corners), min(most, len(corners)), replace=False))
    yield LeftOut(f"candidates beyond the {most} drawn of an image", len(corners) - len(kept))
    yield Sites(corners[kept], NORMAL, "candidate")


def _label(truth: ImageTruth, index: int) -> str:
    """That of a calcification: its own pathology, else that of the first cluster it is a member of."""
    clusters = (cluster.pathology for cluster in truth.clusters if index in (cluster.members or ()))
    named: dict[Pathology | None, str] = {"benign": BENIGN, "malignant": MALIGNANT}
    return named.get(truth.calcifications[index].pathology or next(clusters, None), UNKNOWN)


def _candidates(ground: Ground) -> NDArray[np.float64]:
    """(n, 2) x, y on the ground of the candidates at or above the floor, looked for around the breast alone."""
    rows, columns = (np.flatnonzero(ground.breast.any(axis=axis)) for axis in (1, 0))
    first = np.array([columns[0], rows[0]]).clip(_MARGIN_PX) - _MARGIN_PX
    window = slice(first[1], rows[-1] + 1 + _MARGIN_PX), slice(first[0], columns[-1] + 1 + _MARGIN_PX)
    pitch_mm = ground.frame.spacing_mm or float(np.sqrt(np.prod(ground.spacing_mm)))
    found = propose(ground.image[window], ground.breast[window], pitch_mm)
    centres: NDArray[np.float64] = found.centres[found.scores >= SCORE_FLOOR] + first
    return centres


def _protocol(size_px: int, spacing_mm: float | None, most: int, pixels: str) -> Protocol:
    plan: Plan = functools.partial(_on_specks, most=most)
    return Protocol(
        name=f"microcalc{size_px}",
        paper="microcalc's own",
        size_px=size_px,
        spacing_mm=spacing_mm,
        labels=(NORMAL, BENIGN, MALIGNANT, UNKNOWN),
        asks_for="calcifications one by one",
        serves=lambda truth: bool(truth.calcifications),
        plan=plan,
        notes=(
            pixels,
            "positives are centred on each calcification that a detector is asked for, one patch each, shifted inside "
            "the image: none in regions to ignore",
            f"negatives are centred on candidates of morphology that the detector of that name would list (a score of "
            f"{SCORE_FLOOR} or more); nothing marked as calcium, no cluster and no region to ignore reaches into them",
            f"chosen: at most {most} negatives an image, drawn at random out of hundreds",
            "label `calcification`: pathology unknown",
        ),
    )


_SHRUNK = "at 0.07 mm: finer images are shrunk, coarser ones keep their pixels"
_NATIVE = "native pixels; candidates are looked for at the image's pixel pitch, 0.07 mm where nothing states it"
MICROCALC16, MICROCALC32 = (_protocol(size, 0.07, 30, _SHRUNK) for size in (16, 32))
MICROCALC112 = _protocol(112, None, 10, _NATIVE)
