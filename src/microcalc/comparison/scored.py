"""Systems matched with the truth: what every number of an evaluation is computed from."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from microcalc.comparison.systems import System, SystemImage
from microcalc.errors import ReadError
from microcalc.evaluation.detections import Detections, disc_boxes
from microcalc.evaluation.froc import Per
from microcalc.evaluation.matching import ImageMatch, Rule, match
from microcalc.evaluation.scores import ImageScores, score_image
from microcalc.findings import Spacing
from microcalc.mammogram import TYPICAL_SPACING_MM
from microcalc.truth import ImageTruth

ValueT = TypeVar("ValueT", float, Spacing)

#: Share by which files may differ about one image.
_TOLERANCE = 0.01


@dataclass(frozen=True, eq=False)
class ScoredImage:
    """One image of one system."""

    #: With what the systems add to it: pixel spacing and breast area, where it has none.
    truth: ImageTruth
    #: The marks or the clusters, as the rule asks.
    detections: Detections
    #: Of all detections.
    match: ImageMatch
    #: Of those at or above the detector's threshold; None where the file states none.
    shown: ImageMatch | None
    scores: ImageScores
    #: Its false positives count: it is known to be normal, or no image is.
    judged: bool
    #: (row, column) used for matching, mm.
    spacing_mm: Spacing

    @property
    def spacing_assumed(self) -> bool:
        """Neither the truth nor the findings give it."""
        return self.truth.spacing_mm is None


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
    per: Per = "image",
) -> tuple[ScoredSystem, ...]:
    """Match every system with the truth.

    Pixel spacing and breast area are the truth's, else what the systems state: the same for all.

    Args:
        truths: of the images.
        systems: those to be scored.
        found: of each system, what it says of each image, in the order of ``truths``.
        rule: what counts as a hit.
        per: what false positives will be counted on: by area of the breast, systems must agree about it.

    Raises:
        ReadError: pixel spacings that differ, or areas of the breast where those count.
    """
    of_image = zip(*found, strict=True)
    known = [_completed(truth, systems, images, per) for truth, images in zip(truths, of_image, strict=True)]
    none_normal = not any(truth.normal for truth in truths)
    return tuple(
        ScoredSystem(
            system,
            tuple(
                _score(system, truth, image, rule, judged=none_normal or bool(truth.normal))
                for truth, image in zip(known, images, strict=True)
            ),
        )
        for system, images in zip(systems, found, strict=True)
    )


def _completed(truth: ImageTruth, systems: Sequence[System], found: Sequence[SystemImage], per: Per) -> ImageTruth:
    spacings = {system.name: image.spacing_mm for system, image in zip(systems, found, strict=True) if image.spacing_mm}
    missing: dict[str, object] = {"spacing_mm": _agreed(truth.path, "spacing_mm", truth.spacing_mm, spacings)}
    if per == "cm2" and truth.breast_area_cm2 is None:
        areas = {s.name: i.breast_area_cm2 for s, i in zip(systems, found, strict=True) if i.breast_area_cm2}
        missing["breast_area_cm2"] = _agreed(truth.path, "breast_area_cm2", None, areas)
    return truth.model_copy(update=missing)


def _agreed(path: str, what: str, own: ValueT | None, stated: Mapping[str, ValueT]) -> ValueT | None:
    """The truth's ``own`` value, else the smallest that systems have stated: in whatever order they come, the same."""
    if not stated:
        return own
    value = min(stated.values()) if own is None else own
    name = next((name for name, of in stated.items() if not np.allclose(of, value, rtol=_TOLERANCE, atol=0)), None)
    if name is not None:
        raise ReadError(
            expected=f"one {what}, on which all files agree",
            found=f"{stated[name]} in {name}, {value} in {'another system' if own is None else 'the truth'}",
            do=f"add {what} to the truth" if own is None else "mend whichever is wrong",
            where=path,
        )
    return value


def _score(system: System, truth: ImageTruth, found: SystemImage, rule: Rule, *, judged: bool) -> ScoredImage:
    spacing = truth.spacing_mm or TYPICAL_SPACING_MM
    detections = _asked_for(found, rule, spacing)
    account = match(detections, truth, rule, spacing)
    threshold = None if system.detector is None else system.detector.threshold
    return ScoredImage(
        truth=truth,
        detections=detections,
        match=account,
        shown=None if threshold is None else match(detections, truth, rule, spacing, threshold),
        scores=score_image(detections, account, truth, rule),
        judged=judged,
        spacing_mm=spacing,
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
