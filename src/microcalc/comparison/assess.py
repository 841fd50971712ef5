"""An evaluation put together: every number of every system, their differences, and what a reader has to know."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import microcalc
from microcalc.comparison.accounts import calibration, histogram, image_accounts, listed, shown
from microcalc.comparison.case_numbers import case_result, malignancy_result
from microcalc.comparison.differences import differences
from microcalc.comparison.estimates import Measure
from microcalc.comparison.lesion_numbers import froc_result, strata_of
from microcalc.comparison.records import Evaluation, Settings, SystemResult, TruthInfo
from microcalc.comparison.scored import ScoredSystem
from microcalc.evaluation.bootstrap import Resamples
from microcalc.output.words import count

#: Resampling fewer patients, or images, says little.
FEW_UNITS = 10


def assess(
    scored: Sequence[ScoredSystem],
    resamples: Resamples,
    settings: Settings,
    truth: TruthInfo,
    remarks: Sequence[str] = (),
) -> Evaluation:
    """Compute what an evaluation states.

    Args:
        scored: systems on the same images, under names of their own.
        resamples: of these images.
        settings: how they were scored.
        truth: what they were scored against.
        remarks: of what came before, such as pairing.

    Raises:
        UsageError: there is no curve: no normal image, no lesion asked for, or no area of a breast.
    """
    results, measures = [], {}
    for system in scored:
        result, measures[system.system.name] = _result(system, resamples, settings)
        results.append(result)
    return Evaluation(
        microcalc=microcalc.__version__,
        settings=settings,
        truth=truth,
        remarks=(*remarks, *_remarks(results, scored, resamples, settings, truth)),
        systems=tuple(results),
        differences=differences(measures),
    )


def _result(system: ScoredSystem, resamples: Resamples, settings: Settings) -> tuple[SystemResult, list[Measure]]:
    curve, of_lesions = froc_result(system.scores, resamples, settings, system.threshold)
    cases, of_cases = case_result(system, settings.level, resamples)
    result = SystemResult(
        name=system.system.name,
        source=system.system.source.name,
        sha256=system.system.sha256,
        detector=system.system.detector,
        listed=listed(system.images),
        shown=shown(system.images, system.threshold),
        froc=curve,
        cases=cases,
        malignancy=malignancy_result(system, resamples),
        histogram=histogram(system),
        reliability=calibration(system),
        strata=strata_of(system.scores, resamples, settings),
        images=image_accounts(system),
    )
    return result, [*of_lesions, *of_cases]


def _remarks(
    results: Sequence[SystemResult],
    scored: Sequence[ScoredSystem],
    resamples: Resamples,
    settings: Settings,
    truth: TruthInfo,
) -> Iterator[str]:
    if not truth.normal_images:
        yield (
            "No image is known to be normal, so false positives are counted on all images: "
            "calcifications that nobody listed count as false."
        )
    elif unused := sum(not (image.normal or image.lesions.size) for image in scored[0].scores):
        yield f"{count(unused, 'image')} with no lesion asked for, not known to be normal either: in no curve."
    units = resamples.weights.shape[1]
    if units == 1:
        yield f"There is one {resamples.unit} only, so there are no intervals by resampling."
    elif units < FEW_UNITS and settings.resample != "detection":
        yield f"Intervals rest on {count(units, settings.resample)} only: they are rough."
    if settings.resample == "detection" or (settings.resample == "image" and truth.patients != truth.images):
        yield (
            f"Intervals take each {settings.resample} for independent of all others; those of one patient are not, "
            "which makes intervals too narrow."
        )
    assumed = sum(image.spacing_assumed for image in scored[0].images)
    if assumed:
        yield f"Pixel spacing of 0.07 mm assumed for {count(assumed, 'image')}: neither truth nor findings give one."
    for system in results:
        yield from _end_of_curve(system, settings)
    if len(results) > 2:
        yield "P-values are not adjusted for several comparisons."


def _end_of_curve(system: SystemResult, settings: Settings) -> Iterator[str]:
    curve = system.froc
    if curve is not None and (last := max(curve.false_positives, default=0.0)) < curve.limit:
        yield (
            f"{system.name}: its file lists detections up to {last:.3g} false positives per "
            f"{'cm2' if settings.per == 'cm2' else 'image'}; from there to {curve.limit:g} its curve is taken as level."
        )
