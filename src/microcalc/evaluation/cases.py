"""Cases: images, breasts or patients to be told apart into those with a lesion and those without."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from microcalc.errors import check_known
from microcalc.evaluation.levels import Level, case_of
from microcalc.evaluation.scores import ImageScores

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Cases:
    """Positive and negative cases, in the order in which their first images stand."""

    #: (cases,) True with a target lesion, False where every image is known to be normal.
    labels: NDArray[np.bool_]
    #: (cases,) best score over the images of each; -inf where none has a detection.
    scores: Array
    #: (cases,) of each case, where its images stand among those that were given.
    images: tuple[NDArray[np.intp], ...]
    #: Cases that are neither: no target lesion, yet not known to be normal.
    left_out: int


def cases_of(images: Sequence[ImageScores], level: Level) -> Cases:
    """Put images together into the cases of a level; at the levels of a lesion the cases are images.

    A case is positive if any of its images holds a target lesion, negative if all of them are known to be normal, and
    left out otherwise: what nobody has looked at is no negative. Its score is the highest that any detection on its
    images has, regions to ignore aside.

    Raises:
        UsageError: no such level; or at that of breasts or patients, an image whose patient or side is unknown.
    """
    check_known("level", level, get_args(Level))
    members: dict[str, list[int]] = {}
    for index, image in enumerate(images):
        members.setdefault(case_of(image.truth, level), []).append(index)
    known = {key: label for key, of in members.items() if (label := _label([images[i] for i in of])) is not None}
    return Cases(
        labels=np.array(list(known.values()), np.bool_),
        scores=np.array([max(images[i].highest for i in members[key]) for key in known], np.float64),
        images=tuple(np.array(members[key], np.intp) for key in known),
        left_out=len(members) - len(known),
    )


def _label(images: Sequence[ImageScores]) -> bool | None:
    if any(image.lesions.size for image in images):
        return True
    return False if all(image.normal for image in images) else None
