"""Pesapane et al.: patches of 112 px centred on annotations, and random ones clear of them.

Section "Training set creation". Task 1 is calcification or not, task 2 benign or malignant.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.random import Generator

from microcalc.patches.calcium import annotated, ignored, lesions
from microcalc.patches.ground import Ground
from microcalc.patches.protocol import LeftOut, Protocol, Sites
from microcalc.patches.sites import centred, drawn, sums

NORMAL, BENIGN, MALIGNANT, UNKNOWN = "normal", "benign", "malignant", "calcification"
#: Least mean of a normal patch's pixels, as a share of the breast's median.
BRIGHTNESS = 0.5


def _plan(ground: Ground, rng: Generator) -> Iterator[Sites | LeftOut]:
    truth, size = ground.record.truth, ground.size_px
    known = [(region, lesion.pathology) for lesion in lesions(truth, ground.spacing_mm) for region in lesion.regions]
    for label, pathologies in ((BENIGN, ("benign",)), (MALIGNANT, ("malignant",)), (UNKNOWN, ("unknown", None))):
        boxes = np.array([region.bounds for region, pathology in known if pathology in pathologies]).reshape(-1, 4)
        yield Sites(centred((boxes[:, :2] + boxes[:, 2:]) / 2, size, ground.shape), label, "calcification")
    marked = ground.covered(annotated(truth, ground.spacing_mm) + ignored(truth))
    bright = BRIGHTNESS * float(np.median(ground.image[ground.breast]))
    allowed = (sums(marked, size) == 0) & (sums(ground.image, size) >= bright * size**2)
    corners = drawn(allowed, len(known), rng)
    yield LeftOut("normal patches that found no place", len(known) - len(corners))
    yield Sites(corners, NORMAL, "random")


PESAPANE112 = Protocol(
    name="pesapane112",
    paper="Pesapane et al., training set creation",
    size_px=112,
    labels=(NORMAL, BENIGN, MALIGNANT, UNKNOWN),
    asks_for="calcifications or clusters",
    serves=lambda truth: bool(truth.calcifications or truth.clusters),
    plan=_plan,
    notes=(
        "native pixels; a patch is centred on each annotation: on every calcification, and on a cluster whose "
        "calcifications are not known one by one",
        "label `calcification`: pathology unknown, for task 1 alone",
        "normal patches are drawn at random from the same images, clear of everything annotated or to be ignored, "
        "with a mean of at least half the breast's median: the paper has a threshold and does not give it",
        "chosen: as many normal patches as others on each image; the text says similar numbers, its counts are 9,648 "
        "and 24,237",
        "chosen: patches are shifted inside the image, and random ones may overlap one another",
    ),
)
