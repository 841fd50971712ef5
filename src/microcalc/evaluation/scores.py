"""What the numbers of a set take from each of its images."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from microcalc.evaluation.detections import Detections
from microcalc.evaluation.matching import ImageMatch, Rule
from microcalc.truth import ImageTruth, TrueCalcification, TrueCluster

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ImageScores:
    """The scores of one image, by what they are given to."""

    truth: ImageTruth
    #: (lesions,) which of the truth's calcifications, or clusters, as the rule asks, are targets.
    lesions: NDArray[np.intp]
    #: (lesions,) best score of a detection that hits each, -inf for a miss.
    best: Array
    #: (false positives,) their scores, whether or not the image is known to be normal.
    false_positives: Array
    #: Best score of a detection that is not ignored, -inf where there is none.
    highest: float
    rule: Rule

    @property
    def targets(self) -> list[TrueCalcification | TrueCluster]:
        """The target lesions."""
        listed = self.rule.listed(self.truth)
        return [listed[i] for i in self.lesions]

    @property
    def normal(self) -> bool:
        """Known to be free of calcifications."""
        return bool(self.truth.normal)

    @property
    def patient(self) -> str | None:
        """Pseudonym, where known."""
        return self.truth.patient

    @property
    def breast_area_cm2(self) -> float | None:
        """Where known."""
        return self.truth.breast_area_cm2

    def keep(self, chosen: NDArray[np.bool_]) -> ImageScores:
        """The same image with only the ``chosen`` (lesions,) of its lesions."""
        return dataclasses.replace(self, lesions=self.lesions[chosen], best=self.best[chosen])


def score_image(detections: Detections, match: ImageMatch, truth: ImageTruth, rule: Rule) -> ImageScores:
    """What the numbers of a set take from one image that has been matched.

    Args:
        detections: those that were matched.
        match: the account of them.
        truth: of the same image.
        rule: the one they were matched by.
    """
    scores = detections.scores
    best = np.append(scores, -np.inf)[match.hit_by]  # a miss, -1, takes the last
    return ImageScores(
        truth=truth,
        lesions=np.flatnonzero(match.target),
        best=best[match.target],
        false_positives=scores[match.false_positive],
        highest=float(scores[match.hit | match.duplicate | match.false_positive].max(initial=-np.inf)),
        rule=rule,
    )
