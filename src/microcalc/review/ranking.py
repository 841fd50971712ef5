"""In which order patches are looked at: the likely mislabelled first.

Mračko et al. (section "Patches without Suspicious Clusters") looked at 9,699 patches in which no cluster was marked,
and removed about 550 that held one after all; patches with scattered single calcifications or calcified vessels stayed.
A detector's marks point at such patches, so that they need not be met by chance.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from microcalc.findings import ImageFindings
from microcalc.patches.patch import Patch

Array = NDArray[np.float64]


def suspicion(patches: Sequence[Patch], findings: Mapping[str, ImageFindings]) -> Array:
    """The largest score of a mark within each patch.

    Args:
        patches: N of them.
        findings: by the path of the image; one that could not be scored is left out.

    Returns:
        (N,) in 0..1; 0 where the detector lists no mark, NaN where the image was not scored.
    """
    scores = np.full(len(patches), np.nan)
    by_image: defaultdict[str, list[int]] = defaultdict(list)
    for index, patch in enumerate(patches):
        by_image[patch.image].append(index)
    for image, indices in by_image.items():
        if image in findings:
            boxes = np.array([(p.x0, p.y0, p.size_px) for p in (patches[i] for i in indices)], np.float64)
            scores[indices] = _highest(boxes, findings[image])
    return scores


def review_order(negative: NDArray[np.bool_], suspicions: Array) -> NDArray[np.intp]:
    """Indices of the patches, the most doubtful first.

    Negatives come by falling suspicion and positives by rising, unknown ones last. The two are merged by their relative
    ranks: the most doubtful tenth of either comes before the rest of both. (Scores themselves do not compare: that a
    negative has 0.7 and a positive 0.3 are not equally odd.)

    Args:
        negative: (N,) whether the label says that there is nothing to be found.
        suspicions: (N,) of :func:`suspicion`.
    """
    doubt = np.where(negative, suspicions, -suspicions)
    place = np.empty(len(doubt))
    for members in (np.flatnonzero(negative), np.flatnonzero(~negative)):
        best_first = np.argsort(-doubt[members], kind="stable")  # NaN is sorted last
        place[members[best_first]] = (np.arange(members.size) + 0.5) / max(members.size, 1)
    return np.argsort(place, kind="stable")


def _highest(boxes: Array, image: ImageFindings) -> Array:
    """(P,) highest score of the marks in each of (P, 3) boxes of x0, y0 and side in whole pixels; 0 without marks."""
    marks = np.array([(mark.x, mark.y, mark.score) for mark in image.calcifications]).reshape(-1, 3)
    # Pixels x0 .. x0 + side - 1 reach from x0 - 0.5 to x0 + side - 0.5.
    offsets = marks[None, :, :2] + 0.5 - boxes[:, None, :2]
    inside = np.all((offsets >= 0) & (offsets < boxes[:, None, 2:]), axis=2)
    highest: Array = np.max(np.where(inside, marks[:, 2], 0.0), axis=1, initial=0.0)
    return highest
