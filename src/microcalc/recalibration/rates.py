"""Rates of marks per image: the threshold that gives a rate, and how sure that rate is.

A threshold for ``r`` marks per image on ``n`` images is the score of about the ``r n``-th best mark, so that it is as
uncertain as a count of ``r n``: by Poisson, ``LEAST_MARKS`` of them are known to a third. With fewer marks, or fewer
patients than ``LEAST_UNITS``, no threshold is given.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from microcalc.errors import UsageError
from microcalc.evaluation.bootstrap import interval, resample_owned
from microcalc.evaluation.intervals import ROUNDING
from microcalc.recipe.base import NAME

Array = NDArray[np.float64]

#: Fewest marks, wished for on all images together, that a threshold is chosen by.
LEAST_MARKS = 10
#: Fewest patients (images, where nobody knows whose they are) that an interval is drawn from.
LEAST_UNITS = 10


@dataclass(frozen=True)
class Rate:
    """A threshold, and the marks per image at or above it, with the interval of 95 % by resampling."""

    threshold: float
    value: float
    low: float
    high: float


@dataclass(frozen=True, eq=False)
class Marks:
    """The marks of a set of images."""

    #: Of the images, each once.
    names: tuple[str, ...]
    #: (images,) whose each is: what is resampled together.
    owners: tuple[str, ...]
    #: (images,) of (marks,) scores in 0..1.
    scores: tuple[Array, ...]

    def anchor(self, rate: float, *, seed: int) -> Rate:
        """The lowest threshold with at most so many marks per image.

        Args:
            rate: wished for, above 0.
            seed: of the resamples.

        Raises:
            UsageError: fewer marks are listed at all, or so many of them have one score that none is low enough.
        """
        falling = np.sort(np.concatenate(self.scores))[::-1]
        wished = math.floor(rate * len(self.names) + ROUNDING)
        if falling.size < wished:
            raise UsageError(
                expected=f"{rate:g} marks per image, to choose among",
                found=f"{falling.size / len(self.names):.3g}: the detector lists no more, down to its score floor",
                do="ask for fewer marks per image",
            )
        # Equal scores enter together.
        distinct = np.unique(falling)[::-1]
        allowed = distinct[np.searchsorted(-falling, -distinct, side="right") <= wished]
        if not allowed.size:
            raise UsageError(
                expected=f"scores that tell marks apart, for {rate:g} marks per image",
                found=f"{int((falling == falling[0]).sum())} marks that share the highest one",
                do="ask for more marks per image",
            )
        return self.at(float(allowed[-1]), seed=seed)

    def at(self, threshold: float, *, seed: int) -> Rate:
        """The marks per image at or above a threshold; NaN for an interval where all images have one owner."""
        counts = np.array([(scores >= threshold).sum() for scores in self.scores], np.float64)
        resamples = resample_owned(self.names, self.owners, seed=seed)
        weights = resamples.weights[:, resamples.owner]
        images = weights.sum(axis=1)
        drawn = weights @ counts / np.where(images > 0, images, np.nan)
        return Rate(threshold, float(counts.mean()), *interval(drawn))


def check_enough(images: int, owners: Sequence[str], wishes: Mapping[str, float]) -> None:
    """Make sure that so many images say anything about the rates wished for.

    Args:
        images: how many there are.
        owners: whose each is.
        wishes: operating point -> marks per image.

    Raises:
        UsageError: no wish, a name that no operating point can have, a rate that is not above 0, fewer patients than
            ``LEAST_UNITS``, or fewer images than give ``LEAST_MARKS`` at some rate.
    """
    if not wishes or not all(0 < rate < math.inf for rate in wishes.values()):
        raise UsageError(
            expected="marks per image above 0, for at least one operating point",
            found=", ".join(f"{name}={rate:g}" for name, rate in wishes.items()) or "none",
            do="give them as sensitive=5,balanced=1",
        )
    strange = [name for name in wishes if not re.fullmatch(NAME, name)]
    if strange:
        raise UsageError(
            expected="names of operating points in small letters and digits, with single hyphens between",
            found=", ".join(map(repr, strange)),
            do="rename them, such as very-sensitive",
        )
    patients = len(set(owners))
    if patients < LEAST_UNITS:
        raise UsageError(
            expected=f"images of at least {LEAST_UNITS} patients, whose differences the interval is drawn from",
            found=str(patients),
            do="give more",
        )
    name, rarest = min(wishes.items(), key=lambda wish: wish[1])
    needed = math.ceil(LEAST_MARKS / rarest - ROUNDING)
    if images < needed:
        raise UsageError(
            expected=f"at least {needed} images for {name}={rarest:g}, so that {LEAST_MARKS} marks stand behind it",
            found=str(images),
            do="give more images, or ask for more marks per image (--marks-per-image)",
        )
