"""Systems matched with the truth: what every number of an evaluation is computed from."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from microcalc.comparison.systems import System, SystemImage
from microcalc.evaluation.detections import Detections, disc_boxes
from microcalc.evaluation.froc import ImageScores, score_image
from microcalc.evaluation.matching import ImageMatch, Rule, match
from microcalc.findings import Spacing
from microcalc.truth import ImageTruth

#: (row, column), mm: where neither the truth nor the findings give a spacing.
ASSUMED_SPACING_MM: Spacing = (0.07, 0.07)


@dataclass(frozen=True, eq=False)
class ScoredImage:
    """One image of one system."""

    #: With what the systems add to it: pixel spacing and breast area, where it has none.
    truth: ImageTruth
    found: SystemImage
    #: The marks or the clusters, as the rule asks.
    detections: Detections
    #: Of all detections.
    match: ImageMatch
    #: Of those at or above the detector's threshold; None where the file states none.
    shown: ImageMatch | None
    scores: ImageScores
    #: (row, column) used for matching, mm.
    spacing_mm: Spacing
    #: Neither the truth nor the findings give it.
    spacing_assumed: bool


@dataclass(frozen=True, eq=False)
class ScoredSystem:
    """One system on all images of the truth, in the truth's order."""

    system: System
    images: tuple[ScoredImage, ...]

    @property
    def threshold(self) -> float | None:
        """The detector's own, where the file states it."""
        return None if self.system.detector is None else self.system.detector.threshold

    @property
    def scores(self) -> tuple[ImageScores, ...]:
        """What the metrics of the set take, image by image."""
        return tuple(image.scores for image in self.images)


def score_systems(
    truths: Sequence[ImageTruth],
    systems: Sequence[System],
    found: Sequence[Sequence[SystemImage]],
    rule: Rule,
) -> tuple[ScoredSystem, ...]:
    """Match every system with the truth.

    Pixel spacing and breast area are the truth's, else those of the first system that states them: the same for all.

    Args:
        truths: of the images.
        systems: those to be scored.
        found: of each system, what it says of each image, in the order of ``truths``.
        rule: what counts as a hit.
    """
    known = [_completed(truth, of_image) for truth, of_image in zip(truths, zip(*found, strict=True), strict=True)]
    return tuple(
        ScoredSystem(
            system, tuple(_score(system, truth, image, rule) for truth, image in zip(known, images, strict=True))
        )
        for system, images in zip(systems, found, strict=True)
    )


def _completed(truth: ImageTruth, found: Sequence[SystemImage]) -> ImageTruth:
    stated = {name: [getattr(image, name) for image in found] for name in ("spacing_mm", "breast_area_cm2")}
    missing = {
        name: next((value for value in values if value is not None), None)
        for name, values in stated.items()
        if getattr(truth, name) is None
    }
    return truth.model_copy(update=missing)


def _score(system: System, truth: ImageTruth, found: SystemImage, rule: Rule) -> ScoredImage:
    spacing = truth.spacing_mm or ASSUMED_SPACING_MM
    detections = _asked_for(found, rule, spacing)
    account = match(detections, truth, rule, spacing)
    threshold = None if system.detector is None else system.detector.threshold
    return ScoredImage(
        truth=truth,
        found=found,
        detections=detections,
        match=account,
        shown=None if threshold is None else match(detections, truth, rule, spacing, threshold),
        scores=score_image(detections, account, truth, rule),
        spacing_mm=spacing,
        spacing_assumed=truth.spacing_mm is None,
    )


def _asked_for(found: SystemImage, rule: Rule, spacing_mm: Spacing) -> Detections:
    """The list that the rule is about; boxes around discs whose diameters the file gives without a spacing."""
    if rule.detections == "clusters" and found.clusters is not None:
        return found.clusters
    if found.diameter_mm is None:
        return found.marks
    marks = found.marks
    discs = disc_boxes(marks.xy, found.diameter_mm, spacing_mm)
    return dataclasses.replace(marks, boxes=np.where(np.isnan(marks.boxes), discs, marks.boxes))
