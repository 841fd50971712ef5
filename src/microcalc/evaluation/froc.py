"""FROC: sensitivity against false positives per normal image, or per area of breast.

Sensitivity is taken over all targets of a level: calcifications or clusters one by one, or images, breasts or patients,
which are found once any of their lesions is. False positives are counted only on images known to be normal, and
averaged over those: on others a mark may lie on calcium that nobody listed, and dividing by all images would understate
them. The curve is a step function: equal scores enter together, and beyond its last point it stays level.

Three ways to count false positives:

``image``: on normal images, per normal image. The area is taken up to 50, where the curves of Cortina Uribe et al. end
(section 2.2.3; areas in section 3), and divided by 50: AUC50.

``cm2``: on normal images, per cm2 of their breasts; where no image is known to be normal, on all images, per cm2 of
theirs, and then a mark on unlisted calcium counts as false.

``legacy``: as the public code of Cortina Uribe et al. does (joaco18/calc-det, ``froc_curve`` of ``metrics/metrics.py``
and ``plot_froc`` of ``general_utils/plots.py``), so that its numbers can be reproduced. False positives on normal
images are divided by the number of *all* images with a lesion or a false positive (those with neither have no row in
its table, and are not counted). Points are joined by straight lines, from the one with the highest score to the first
beyond 50, or the last; the area under them is divided by the false positives reached there. So a curve that ends at 3
is averaged up to 3, not up to 50, and without a false positive there is no area. Not imitated: there, two best hits of
equal score on one lesion count as two lesions found.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from microcalc.errors import UsageError, check_known
from microcalc.evaluation.levels import Level, check_listed_once, targets_of_lesions
from microcalc.evaluation.scores import ImageScores

Array = NDArray[np.float64]
Indices = NDArray[np.intp]
#: What false positives are divided by.
Per = Literal["image", "cm2", "legacy"]

#: False positives up to which the area under the curve is taken.
LIMIT: dict[Per, float] = {"image": 50.0, "cm2": 0.5, "legacy": 50.0}
_PER_IMAGE = (0.5, 1.0, 2.0, 5.0, 10.0)
#: False positives at which sensitivity is stated.
POINTS: dict[Per, tuple[float, ...]] = {
    "image": _PER_IMAGE,
    "cm2": (0.005, 0.01, 0.02, 0.05, 0.1),
    "legacy": _PER_IMAGE,
}


@dataclass(frozen=True, eq=False)
class Froc:
    """A curve of points from (0, 0) on, one for each distinct score, the highest first."""

    #: (points,) detections at or above it enter; infinity first.
    thresholds: Array
    #: (points,) per image or cm2, never falling.
    false_positives: Array
    #: (points,) 0..1, never falling.
    sensitivity: Array
    #: How many targets there are, at the level of the curve.
    lesions: int
    normal_images: int
    #: Images or cm2 that false positives are divided by.
    denominator: float
    per: Per

    @property
    def limit(self) -> float:
        """False positives up to which the area is taken."""
        return LIMIT[self.per]

    @property
    def area(self) -> float:
        """Area up to the limit, divided by it, 0..1; legacy: as defined above, NaN without a false positive."""
        return float(area_under(self.false_positives[:, None], self.sensitivity[:, None], self.per)[0])

    @property
    def auc50(self) -> float:
        """Area up to 50 false positives per image, divided by 50.

        Raises:
            UsageError: false positives are counted per cm2.
        """
        if self.per == "cm2":
            raise UsageError(
                expected="false positives per image, for AUC50",
                found="false positives per cm2",
                do=f"take the area, up to {self.limit:g} per cm2, or count them per image",
            )
        return self.area

    def sensitivity_at(self, false_positives: float) -> float:
        """Sensitivity at the lowest threshold with at most that many false positives per image or cm2.

        Raises:
            UsageError: a negative number.
        """
        if not false_positives >= 0:
            raise UsageError(
                expected="a number of false positives, 0 or more", found=str(false_positives), do="give another"
            )
        rates = np.array([false_positives], np.float64)
        return float(sensitivity_at(self.false_positives[:, None], self.sensitivity[:, None], rates)[0, 0])


def froc(images: Sequence[ImageScores], *, level: Level = "calcification", per: Per = "image") -> Froc:
    """The curve of a set of images.

    Args:
        images: matched by one rule; each once.
        level: what is to be found; calcification or cluster as the rule looks for them, or what holds them.
        per: how false positives are counted; see above.

    Raises:
        UsageError: an unknown level or way to count; an image listed twice; several rules, or one that does not go with
            the level; no target lesion; no image known to be normal where false positives are counted per image; an
            unknown area of the breast where per cm2; a lesion whose patient or side the level asks for is unknown.
    """
    tally = Tally.of(images, level=level, per=per)
    false_positives, sensitivity = tally.of_images(np.ones((len(images), 1)))
    return Froc(
        tally.thresholds,
        false_positives[:, 0],
        sensitivity[:, 0],
        lesions=tally.target_images.size,
        normal_images=sum(image.normal for image in images),
        denominator=float(tally.shares.sum()),
        per=per,
    )


@dataclass(frozen=True, eq=False)
class Tally:
    """What a set's curve is counted from, by falling score: the same for the set as it is and for its resamples.

    A target is one thing to be found at the level of the curve: a lesion, or what holds lesions.
    """

    #: (points,) infinity, then the distinct scores, falling.
    thresholds: Array
    #: (targets,) an image that each lies in.
    target_images: Indices
    #: (found,) targets that any detection hits, the best score first.
    found: Indices
    #: (points,) how many of ``found`` score at or above each threshold.
    found_upto: Indices
    #: (false,) image of each false positive that counts, the highest score first.
    false_images: Indices
    #: (points,) how many of them score at or above each threshold.
    false_upto: Indices
    #: (images,) what each adds to the denominator: 1, or its cm2; 0 where its false positives do not count.
    shares: Array

    @classmethod
    def of(cls, images: Sequence[ImageScores], *, level: Level, per: Per) -> Tally:
        """Sort what was found and what is false (errors: :func:`froc`)."""
        _check_set(images, level, per)
        held = [image.lesions.size for image in images]
        owner = targets_of_lesions([image.truth for image in images], held, level)
        targets, first = np.unique(owner, return_index=True)
        best = np.full(targets.size, -np.inf)
        np.maximum.at(best, owner, np.concatenate([image.best for image in images]))
        found = np.argsort(-best, kind="stable")[: np.isfinite(best).sum()]

        judged, shares = _denominator(images, per)
        marks = np.concatenate([image.false_positives for image in images])
        mark_images = np.repeat(np.arange(len(images)), [image.false_positives.size for image in images])
        counts = judged[mark_images]
        falling = np.argsort(-marks[counts], kind="stable")

        # The public code begins and ends its curve at whatever is listed, counted or not.
        entering = np.concatenate([best[found], marks if per == "legacy" else marks[counts]])
        thresholds = np.append(np.inf, np.unique(entering)[::-1])
        return cls(
            thresholds=thresholds,
            target_images=np.repeat(np.arange(len(images)), held)[first],
            found=found,
            found_upto=np.searchsorted(-best[found], -thresholds, side="right"),
            false_images=mark_images[counts][falling],
            false_upto=np.searchsorted(-marks[counts][falling], -thresholds, side="right"),
            shares=shares,
        )

    def where_found(self) -> Tally:
        """The same at those points only where sensitivity rises, and (0, 0): enough for areas and sensitivities.

        Most points merely add a false positive. Not for the legacy area, which is no step function.
        """
        rises = np.diff(self.found_upto, prepend=-1) > 0
        return dataclasses.replace(
            self,
            thresholds=self.thresholds[rises],
            found_upto=self.found_upto[rises],
            false_upto=self.false_upto[rises],
        )

    def of_images(self, weights: Array) -> tuple[Array, Array]:
        """Curves of the set with each image counted ``weights`` (images, curves) times."""
        points, images = self.thresholds.size, self.shares.size
        entering = np.searchsorted(self.false_upto, np.arange(self.false_images.size), side="right")
        steps = csr_array(
            (np.ones(entering.size), (entering, self.false_images)), shape=(points + 1, images)
        )  # a last row for those that no point is low enough for
        false = (steps[:points] @ weights).cumsum(axis=0)
        return self._curves(weights[self.target_images], false, self.shares @ weights)

    def of_detections(self, targets: Array, false: Array) -> tuple[Array, Array]:
        """Curves of the set with its ``targets`` (targets, curves) and ``false`` positives (false, curves) so often."""
        return self._curves(targets, _cumulated(false, self.false_upto), np.full(targets.shape[1], self.shares.sum()))

    def _curves(self, targets: Array, false: Array, denominator: Array) -> tuple[Array, Array]:
        """False positives and sensitivity, both (points, curves); NaN where a curve is not defined.

        Args:
            targets: (targets, curves) how often each counts.
            false: (points, curves) false positives at or above each threshold.
            denominator: (curves,) what they are divided by.
        """
        total = targets.sum(axis=0)
        defined = (total > 0) & (denominator > 0)
        sensitivity = _cumulated(targets[self.found], self.found_upto) / np.where(defined, total, np.nan)
        return false / np.where(defined, denominator, np.nan), sensitivity


def area_under(false_positives: Array, sensitivity: Array, per: Per) -> Array:
    """(curves,) area up to ``LIMIT[per]``, divided by it, of (points, curves); legacy as defined above."""
    limit = LIMIT[per]
    if per == "legacy":
        return _legacy_area(false_positives[1:], sensitivity[1:], limit)  # it has no point at (0, 0)
    level_to_the_end = np.full_like(false_positives[:1], np.inf)
    edges = np.minimum(np.concatenate([false_positives, level_to_the_end]), limit)
    area: Array = (sensitivity * np.diff(edges, axis=0)).sum(axis=0) / limit
    return area


def _legacy_area(false_positives: Array, sensitivity: Array, limit: float) -> Array:
    reached_before = false_positives[:-1] <= limit  # it stops at the first point beyond
    widths = np.where(reached_before, np.diff(false_positives, axis=0), 0.0)
    heights = (sensitivity[1:] + sensitivity[:-1]) / 2
    # From 0: its first point, whose width has no trapezium, counts too.
    reached = false_positives[:1].sum(axis=0) + widths.sum(axis=0)
    defined = reached_before.any(axis=0) & (reached > 0)
    area: Array = (widths * heights).sum(axis=0) / np.where(defined, reached, np.nan)
    return area


def sensitivity_at(false_positives: Array, sensitivity: Array, rates: Array) -> Array:
    """(rates, curves) sensitivity of (points, curves) at the lowest threshold with at most so many false positives."""
    points, curves = false_positives.shape
    # Shifted clear of each other, the curves lie on one rising line, and a single search serves them all.
    shift = (max(np.nanmax(false_positives, initial=0.0), rates.max()) + 1.0) * np.arange(curves)
    line = (np.nan_to_num(false_positives) + shift).T.ravel()
    last = np.searchsorted(line, rates[:, None] + shift, side="right") - 1 - points * np.arange(curves)
    return np.take_along_axis(sensitivity, last, axis=0)


def _cumulated(weights: Array, upto: Indices) -> Array:
    """(points, curves) sum of the first ``upto`` (points,) of ``weights`` (items, curves)."""
    nothing = np.zeros_like(weights[:1], shape=(1, weights.shape[1]))
    total: Array = np.concatenate([nothing, weights.cumsum(axis=0)])[upto]
    return total


def _check_set(images: Sequence[ImageScores], level: Level, per: Per) -> None:
    check_known("level", level, get_args(Level))
    check_known("way to count false positives", per, get_args(Per))
    check_listed_once([image.truth for image in images])
    rules = list(dict.fromkeys(image.rule for image in images))
    if len(rules) > 1:
        raise UsageError(
            expected="images matched by one rule", found=" and ".join(rule.name for rule in rules), do="choose one"
        )
    if not any(image.lesions.size for image in images):
        raise UsageError(
            expected="a target lesion, to draw a FROC",
            found=f"none in {len(images)} images",
            do="add some to the truth, or choose another rule or split",
        )
    if per != "cm2" and not any(image.normal for image in images):
        raise UsageError(
            expected="an image marked normal, for false positives per normal image",
            found=f"none in {len(images)} images",
            do="add some to the truth, or count false positives by the area of the breast (--per cm2)",
        )
    if level in ("calcification", "cluster") and rules[0].lesions != level:
        raise UsageError(
            expected=f"a rule that looks for the lesions of the level {level}",
            found=f"{rules[0].name}, which looks for those of the level {rules[0].lesions}",
            do=f"choose the level {rules[0].lesions}, or another rule",
        )


def _denominator(images: Sequence[ImageScores], per: Per) -> tuple[NDArray[np.bool_], Array]:
    """(images,) whether an image's false positives count, and what it adds to what they are divided by."""
    judged = np.array([image.normal for image in images], np.bool_)
    if per == "legacy":
        return judged, np.array([image.lesions.size + image.false_positives.size > 0 for image in images], np.float64)
    if per == "image":
        return judged, judged.astype(np.float64)
    if not judged.any():
        judged[:] = True
    unknown = next((i for i, counted in zip(images, judged, strict=True) if counted and not i.breast_area_cm2), None)
    if unknown is not None:
        raise UsageError(
            expected="the area of the breast, for false positives per cm2",
            found="none" if unknown.breast_area_cm2 is None else "0 cm2",
            do="add breast_area_cm2 to the truth, or count false positives per image (--per image)",
            where=unknown.truth.path,
        )
    return judged, np.array([(image.breast_area_cm2 or 0.0) for image in images], np.float64) * judged
