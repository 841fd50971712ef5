"""How many lesions a system finds, at how many false positives: the FROC of a set and of its strata."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from microcalc.comparison.estimates import Measured, estimate, undefined, why_no_interval
from microcalc.comparison.records import At, Estimate, FrocResult, Settings, Stratum
from microcalc.comparison.wording import AREA
from microcalc.errors import UsageError
from microcalc.evaluation.afroc import Jackknife, afroc
from microcalc.evaluation.bootstrap import FrocDraws, Resamples, froc_draws
from microcalc.evaluation.froc import POINTS, Froc, froc
from microcalc.evaluation.levels import Level, targets_of_lesions
from microcalc.evaluation.scores import ImageScores
from microcalc.evaluation.strata import StratumPart, strata
from microcalc.output.words import count

#: Patients, or images, that a stratum has an interval from.
_LEAST_UNITS = 5


def froc_result(
    images: Sequence[ImageScores], resamples: Resamples, settings: Settings, threshold: float | None = None
) -> tuple[FrocResult, list[Measured]]:
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
    measured = _measured(curve, draws, why_none)
    area, *at = (number.estimate() for number in measured)
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
    return result, measured


def _draws(images: Sequence[ImageScores], resamples: Resamples, settings: Settings) -> tuple[FrocDraws, str | None]:
    """What the resamples come to; NaN, with the reason, where they hold one patient's lesions or normal images only."""
    draws = froc_draws(images, resamples, level=settings.level, per=settings.per)
    if resamples.unit == "detection":
        return draws, None
    why_none = why_no_interval(units_holding(images, resamples), resamples.unit)
    if why_none is None:
        return draws, None
    return _undrawn(draws), why_none


def _undrawn(draws: FrocDraws) -> FrocDraws:
    names = ("area", "sensitivity", "low", "high")
    return dataclasses.replace(draws, **{name: np.full_like(getattr(draws, name), np.nan) for name in names})


def units_holding(images: Sequence[ImageScores], resamples: Resamples) -> dict[str, NDArray[np.intp]]:
    """Lesions and normal images -> the distinct patients, or images, that hold them: what an interval rests on."""
    held = {"lesions": [image.lesions.size > 0 for image in images], "normal images": [i.normal for i in images]}
    return {what: np.unique(resamples.owner[of]) for what, of in held.items()}


def few_units(images: Sequence[ImageScores], resamples: Resamples, enough: int) -> str | None:
    """ "2 patients with lesions", where an interval would rest on fewer than ``enough``; else None."""
    few, what = min((units.size, what) for what, units in units_holding(images, resamples).items() if units.size)
    return f"{count(few, resamples.unit)} with {what}" if few < enough else None


def _measured(curve: Froc, draws: FrocDraws, why_none: str | None) -> list[Measured]:
    """The area, and the sensitivity at each of the stated rates of false positives."""
    why_no_area = "no false positive, so the legacy area is over nothing" if math.isnan(curve.area) else why_none
    area = Measured(AREA[curve.per], curve.area, draws.area, curve.lesions, why_no_area)
    return [
        area,
        *(
            Measured(f"sensitivity at {point:g}", curve.sensitivity_at(point), of, curve.lesions, why_none)
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


def afroc_result(images: Sequence[ImageScores], resamples: Resamples) -> tuple[Estimate, Jackknife | None]:
    """The AFROC figure of merit, and what it is compared by; None where it is not defined."""
    lesions = sum(image.lesions.size for image in images)
    try:
        figure = afroc(images, unit="patient" if resamples.unit == "patient" else "image")
    except UsageError as error:
        return undefined(error, lesions), None
    why_none = "no interval: the same without any one case" if math.isnan(figure.low) else None
    return estimate(figure.value, (figure.low, figure.high), lesions, why_none), figure


def strata_of(images: Sequence[ImageScores], resamples: Resamples, settings: Settings) -> tuple[Stratum, ...]:
    """Each part of the set scored by itself, on the resamples of the whole.

    None by the legacy definition: in a part, images whose lesions are of others would leave what it divides by.
    """
    if settings.per == "legacy":
        return ()
    some_normal = any(image.normal for image in images)
    return tuple(_stratum(part, resamples, settings, some_normal) for part in strata(images))


def _stratum(part: StratumPart, resamples: Resamples, settings: Settings, some_normal: bool) -> Stratum:
    """One part; without normal images of its own only if the whole set has none, lest it be counted on others."""
    images, normal_images = part.images, sum(image.normal for image in part.images)
    held = [image.lesions.size for image in images]
    lesions = np.unique(targets_of_lesions([image.truth for image in images], held, settings.level)).size
    if some_normal and not normal_images:
        area = sensitivity = undefined("no normal image in this part of the set", lesions)
    else:
        own = resamples.part(part.positions)
        curve = froc(images, level=settings.level, per=settings.per)
        draws, why_none = _draws(images, own, settings)
        if own.unit != "detection" and (few := few_units(images, own, _LEAST_UNITS)):
            draws, why_none = _undrawn(draws), why_none or f"no interval: it would rest on {few} only"
        area, _, sensitivity, *_ = (number.estimate() for number in _measured(curve, draws, why_none))
    patients = {image.patient for image in images if image.lesions.size}
    return Stratum(
        by=part.by,
        name=part.name,
        patients=None if None in patients else len(patients),
        lesions=lesions,
        normal_images=normal_images,
        area=area,
        at=At(false_positives=POINTS[settings.per][1], sensitivity=sensitivity),
    )
