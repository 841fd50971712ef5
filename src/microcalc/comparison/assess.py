"""An evaluation put together: every number of every system, their differences, and what a reader has to know."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import microcalc
from microcalc.comparison.accounts import image_accounts, listed, shown
from microcalc.comparison.case_numbers import CHOSEN, areas, case_result, cases_at, malignancy_result
from microcalc.comparison.differences import Comparable, differences
from microcalc.comparison.lesion_numbers import afroc_result, few_units, froc_result, strata_of
from microcalc.comparison.records import Evaluation, Settings, SystemResult, TruthInfo
from microcalc.comparison.scored import ScoredSystem
from microcalc.comparison.scores import histogram, reliability_of
from microcalc.evaluation.bootstrap import Resamples
from microcalc.mammogram import TYPICAL_SPACING_MM
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
    assessed = [_result(system, resamples, settings) for system in scored]
    results = [result for result, _ in assessed]
    return Evaluation(
        microcalc=microcalc.__version__,
        settings=settings,
        truth=truth,
        remarks=(*remarks, *_remarks(results, scored, resamples, settings, truth)),
        systems=tuple(results),
        differences=differences([comparable for _, comparable in assessed]),
    )


def _result(system: ScoredSystem, resamples: Resamples, settings: Settings) -> tuple[SystemResult, Comparable]:
    curve, of_lesions = froc_result(system.scores, resamples, settings, system.threshold)
    merit, figure = afroc_result(system.scores, resamples)
    cases, case_level = cases_at(system, settings.level)
    of_cases = areas(cases, resamples)
    result = SystemResult(
        name=system.system.name,
        source=system.system.source.name,
        sha256=system.system.sha256,
        detector=system.system.detector,
        listed=listed(system.images),
        shown=shown(system.images, system.threshold),
        froc=curve,
        afroc=merit,
        cases=case_result(cases, case_level, of_cases, system.threshold),
        malignancy=malignancy_result(system, resamples),
        histogram=histogram(system),
        reliability=reliability_of(system),
        strata=strata_of(system.scores, resamples, settings),
        images=image_accounts(system),
    )
    return result, Comparable(system.system.name, (*of_lesions, *of_cases), figure, cases)


def _remarks(
    results: Sequence[SystemResult],
    scored: Sequence[ScoredSystem],
    resamples: Resamples,
    settings: Settings,
    truth: TruthInfo,
) -> Iterator[str]:
    yield from _of_false_positives(scored[0], settings, truth)
    yield from _of_intervals(scored[0], resamples, truth)
    assumed = sum(image.spacing_assumed for image in scored[0].images)
    if assumed:
        yield (
            f"Pixel spacing of {TYPICAL_SPACING_MM[0]:g} mm assumed for {count(assumed, 'image')}: "
            "neither truth nor findings give one."
        )
    for system in results:
        yield from _end_of_curve(system, settings)
        yield from _unreached(system)
    if len(results) > 2:
        yield "P-values are not adjusted for several comparisons."


def _of_false_positives(system: ScoredSystem, settings: Settings, truth: TruthInfo) -> Iterator[str]:
    if not truth.normal_images:
        yield (
            "No image is known to be normal, so false positives are counted on all images: "
            "calcifications that nobody listed count as false."
        )
    elif unused := sum(not (image.normal or image.lesions.size) for image in system.scores):
        place = "in no curve"
        if settings.per == "legacy":
            place = "those with a mark count among the images that false positives are divided by"
        yield f"{count(unused, 'image')} with no lesion asked for, not known to be normal either: {place}."
    if settings.per == "legacy":
        yield (
            "By the legacy definition there are no strata. Bands and sensitivities at stated rates are those of a step "
            "function; curve and area join its points by straight lines."
        )


def _of_intervals(system: ScoredSystem, resamples: Resamples, truth: TruthInfo) -> Iterator[str]:
    unit = resamples.unit
    if unit != "detection" and resamples.weights.shape[1] == 1:
        yield f"There is one {unit} only, so there are no intervals by resampling."
    elif unit != "detection" and (few := few_units(system.scores, resamples, FEW_UNITS)):
        yield f"Intervals rest on {few} only: rough, where there are any."
    if unit == "detection" or (unit == "image" and truth.patients != truth.images):
        yield (
            f"Intervals take each {unit} for independent of all others; those of one patient are not, "
            "which makes intervals too narrow."
        )


def _end_of_curve(system: SystemResult, settings: Settings) -> Iterator[str]:
    curve = system.froc
    last = max(curve.false_positives, default=0.0)
    if last < curve.limit:
        then = (
            f"the area is averaged up to there, not up to {curve.limit:g}"
            if settings.per == "legacy"
            else f"from there to {curve.limit:g} its curve is taken as level"
        )
        yield (
            f"{system.name}: its file lists detections up to {last:.3g} false positives per "
            f"{'cm2' if settings.per == 'cm2' else 'image'}; {then}."
        )


def _unreached(system: SystemResult) -> Iterator[str]:
    stated = {operation.name for operation in system.cases.operations}
    missing = [name for name in CHOSEN if name not in stated]
    if missing and system.cases.auc.value is not None:
        yield f"{system.name}: no threshold is stated for {', '.join(missing)}, which would lie beyond all its scores."
