"""Levels: what counts as one thing to be found, from the calcification to the patient."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from microcalc.errors import UsageError
from microcalc.truth import ImageTruth

Level = Literal["calcification", "cluster", "image", "breast", "patient"]


def case_of(truth: ImageTruth, level: Level) -> str:
    """Which case an image belongs to: at the level of breasts its patient and side, of patients its patient.

    At the other levels each image is a case, named by its path.

    Raises:
        UsageError: the truth does not name the patient, or the side, that the level asks for.
    """
    if level not in ("breast", "patient"):
        return truth.path
    asked = {"patient": truth.patient, "side": truth.side} if level == "breast" else {"patient": truth.patient}
    missing = [name for name, value in asked.items() if value is None]
    if missing:
        raise UsageError(
            expected=f"the {' and '.join(asked)} of every image, to go by {level}",
            found=f"no {' and no '.join(missing)}",
            do="complete the truth, or go by image",
            where=truth.path,
        )
    return " ".join(str(value) for value in asked.values())


def targets_of_lesions(truths: Sequence[ImageTruth], lesions: Sequence[int], level: Level) -> NDArray[np.intp]:
    """Which thing to be found, at a level, each lesion belongs to.

    Args:
        truths: of the images.
        lesions: how many targets each image holds.
        level: a lesion stands for itself, or for the image, breast or patient that it lies in: those are found once
            any of their lesions is.

    Returns:
        (lesions,) numbers from 0, lesions in the order of the images.

    Raises:
        UsageError: an image that holds a lesion does not name its patient or side (:func:`case_of`).
    """
    if level in ("calcification", "cluster"):
        return np.arange(sum(lesions))
    cases = [case_of(truth, level) for truth, held in zip(truths, lesions, strict=True) if held]
    numbered = {case: number for number, case in enumerate(dict.fromkeys(cases))}
    return np.repeat(np.array([numbered[case] for case in cases], np.intp), [held for held in lesions if held])


def check_listed_once(truths: Sequence[ImageTruth]) -> None:
    """Make sure that no image counts twice.

    Raises:
        UsageError: two have the same path.
    """
    repeated = [path for path, number in Counter(truth.path for truth in truths).items() if number > 1]
    if repeated:
        raise UsageError(
            expected="each image once",
            found=f"{len(repeated)} images listed more than once",
            do="list each once, under a path of its own",
            where=repeated[0],
        )
