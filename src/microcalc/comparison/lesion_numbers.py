"""How many lesions a system finds, at how many false positives: the FROC of a set and of its strata."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from microcalc.comparison.estimates import Measure, alone, undefined
from microcalc.comparison.records import At, FrocResult, Settings, Stratum
from microcalc.comparison.wording import AREA
from microcalc.evaluation.bootstrap import FrocDraws, Resamples, froc_draws
from microcalc.evaluation.froc import POINTS, Froc, ImageScores, froc
from microcalc.evaluation.levels import Level, units_of_lesions
from microcalc.evaluation.strata import StratumPart, strata


def froc_result(
    images: Sequence[ImageScores], resamples: Resamples, settings: Settings, threshold: float | None = None
) -> tuple[FrocResult, list[Measure]]:
    """The curve of a set with its band, and its numbers for comparison: area first, then sensitivities.

    Args:
        images: of one system.
        resamples: of these images.
        settings: how they were scored.
        threshold: the detector's own, where it states one: the point it reaches is among those of the curve.

    Raises:
        UsageError: the curve is not defined on the set (:func:`microcalc.evaluation.froc.froc`).
    """
    level, per = settings.level, settings.per
    curve = froc(images, level=level, per=per)
    draws, why_none = _draws(images, resamples, settings)
    measures = _measures(curve, draws, why_none)
    area, *at = (measure.estimate() for measure in measures)
    stated = _stated(curve, threshold)
    banded = np.isfinite(draws.low)
    result = FrocResult(
        lesions=curve.lesions,
        normal_images=curve.normal_images,
        denominator=curve.denominator,
        limit=curve.limit,
        area=area,
        legacy_area=_legacy_area(images, level) if curve.normal_images else None,
        at=tuple(At(false_positives=p, sensitivity=s) for p, s in zip(POINTS[per], at, strict=True)),
        thresholds=tuple(curve.thresholds[stated].tolist()),
        false_positives=tuple(curve.false_positives[stated].tolist()),
        sensitivity=tuple(curve.sensitivity[stated].tolist()),
        band_at=tuple(draws.grid[banded].tolist()),
        band_low=tuple(draws.low[banded].tolist()),
        band_high=tuple(draws.high[banded].tolist()),
    )
    return result, measures


def _draws(images: Sequence[ImageScores], resamples: Resamples, settings: Settings) -> tuple[FrocDraws, str | None]:
    """What the resamples come to; NaN, with the reason, where they hold one patient's lesions or normal images only."""
    draws = froc_draws(images, resamples, level=settings.level, per=settings.per)
    if resamples.unit == "detection":
        return draws, None
    held = {"lesions": [image.lesions.size > 0 for image in images], "normal images": [i.normal for i in images]}
    why_none = alone({what: resamples.owner[of] for what, of in held.items()}, resamples.unit)
    if why_none is None:
        return draws, None
    names = ("area", "sensitivity", "low", "high")
    return dataclasses.replace(draws, **{name: np.full_like(getattr(draws, name), np.nan) for name in names}), why_none


def _measures(curve: Froc, draws: FrocDraws, why_none: str | None) -> list[Measure]:
    """The area, and the sensitivity at each of the stated rates of false positives."""
    area = Measure(AREA[curve.per], curve.area, draws.area, curve.lesions, why_none)
    return [
        area,
        *(
            Measure(f"sensitivity at {point:g}", curve.sensitivity_at(point), of, curve.lesions, why_none)
            for point, of in zip(POINTS[curve.per], draws.sensitivity.T, strict=True)
        ),
    ]


def _stated(curve: Froc, threshold: float | None) -> NDArray[np.bool_]:
    """(points,) those that the step function is made of: it rises there, or ends, or the detector's threshold is there.

    Most points only add a false positive; there may be as many as detections. The legacy curve, which is no step
    function, keeps them.
    """
    if curve.per == "legacy":
        return np.isfinite(curve.thresholds)
    stated = np.diff(curve.sensitivity, prepend=0.0) > 0
    stated[-1] = True
    if threshold is not None:
        stated[(curve.thresholds >= threshold).sum() - 1] = True
    stated[0] = False
    return stated


def _legacy_area(images: Sequence[ImageScores], level: Level) -> float | None:
    area = froc(images, level=level, per="legacy").area
    return None if math.isnan(area) else area


def strata_of(images: Sequence[ImageScores], resamples: Resamples, settings: Settings) -> tuple[Stratum, ...]:
    """Each part of the set scored by itself, on the resamples of the whole."""
    some_normal = any(image.normal for image in images)
    return tuple(_stratum(part, resamples, settings, some_normal) for part in strata(images))


def _stratum(part: StratumPart, resamples: Resamples, settings: Settings, some_normal: bool) -> Stratum:
    """One part; without normal images of its own only if the whole set has none, lest it be counted on others."""
    images, normal_images = part.images, sum(image.normal for image in part.images)
    held = [image.lesions.size for image in images]
    lesions = np.unique(units_of_lesions([image.truth for image in images], held, settings.level)).size
    if some_normal and not normal_images:
        area = at_one = undefined("no normal image in this part of the set", lesions)
    else:
        own = dataclasses.replace(resamples, owner=resamples.owner[part.positions])
        curve = froc(images, level=settings.level, per=settings.per)
        area, _, at_one, *_ = (measure.estimate() for measure in _measures(curve, *_draws(images, own, settings)))
    patients = {image.patient for image in images if image.lesions.size}
    return Stratum(
        by=part.by,
        name=part.name,
        patients=None if None in patients else len(patients),
        lesions=lesions,
        normal_images=normal_images,
        area=area,
        at_one=at_one,
    )
