"""Numbers of the proposers, with their intervals, from what they do on each image."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from microcalc.benchmark.means import Means
from microcalc.benchmark.named import parse_proposer
from microcalc.benchmark.records import (
    CandidateComparison,
    Proposed,
    ProposerResult,
    Recall,
    Seconds,
)
from microcalc.comparison.assess import FEW_UNITS
from microcalc.comparison.lesion_numbers import few_units
from microcalc.datasets import Table
from microcalc.evaluation.bootstrap import Resamples, Unit, resample
from microcalc.evaluation.matching import parse_rule
from microcalc.evaluation.scores import ImageScores
from microcalc.evaluation.strata import strata
from microcalc.findings import Failure
from microcalc.output.words import count
from microcalc.truth import ImageTruth

Array = NDArray[np.float64]

#: Kinds of lesions that recall is given for, of those that :func:`~microcalc.evaluation.strata.strata` knows.
DIVISIONS = ("snr", "size")


def unit_of(truths: Sequence[ImageTruth]) -> Unit:
    """What intervals draw: patients where all are named, else images."""
    return "image" if any(truth.patient is None for truth in truths) else "patient"


def seconds_of(values: Sequence[float]) -> Seconds:
    """Median and 90 % of at least one image's seconds."""
    return Seconds(median=float(np.median(values)), ninetieth=float(np.quantile(values, 0.9)), images=len(values))


def summarise(proposed: Proposed, table: Table, *, draws: int, seed: int) -> CandidateComparison:
    """Every number of every proposer, on the same resamples.

    Args:
        proposed: what they do.
        table: the data set.
        draws: how many resamples.
        seed: of the resamples.
    """
    truth_of = {record.truth.path: record.truth for record in table}
    truths = [truth_of[image.path] for image in proposed.images]
    unit = unit_of(truths)
    resamples = resample(truths, unit=unit, draws=draws, seed=seed, accept_split=True)
    scores = {name: _scores(name, proposed, truths) for name in proposed.proposers}
    patients = {truth.patient for truth in truths}
    return CandidateComparison(
        rule=proposed.rule,
        resample=unit,
        draws=draws,
        seed=seed,
        images=len(truths),
        lesions=sum(len(image.lesions) for image in proposed.images),
        normal_images=sum(bool(truth.normal) for truth in truths),
        patients=None if None in patients else len(patients),
        remarks=tuple(_remarks(next(iter(scores.values())), resamples, proposed.failed)),
        proposers=tuple(_proposer(name, proposed, of, resamples) for name, of in scores.items()),
        failed=proposed.failed,
    )


def _scores(name: str, proposed: Proposed, truths: Sequence[ImageTruth]) -> tuple[ImageScores, ...]:
    """What a proposer finds, as that of a detector without scores: 1 for every lesion found."""
    nothing, rule = np.empty(0), parse_rule(proposed.rule)
    return tuple(
        ImageScores(
            truth=truth,
            lesions=np.array(image.lesions, np.intp),
            best=np.where(image.outcomes[name].found, 1.0, -np.inf),
            false_positives=nothing,
            highest=-np.inf,
            rule=rule,
        )
        for image, truth in zip(proposed.images, truths, strict=True)
    )


def _remarks(scores: Sequence[ImageScores], resamples: Resamples, failed: Sequence[Failure]) -> Iterator[str]:
    anything = any(image.lesions.size or image.normal for image in scores)
    if anything and (few := few_units(scores, resamples, FEW_UNITS)):
        yield f"Intervals rest on {few} only: rough, where there are any."
    if resamples.unit == "image":
        yield (
            "The truth does not name every patient: intervals take each image for independent of all others, "
            "which makes them too narrow where several are of one patient."
        )
    if failed:
        yield f"{count(len(failed), 'image')} could not be processed, and counted for no proposer."


def _proposer(name: str, proposed: Proposed, scores: Sequence[ImageScores], resamples: Resamples) -> ProposerResult:
    outcomes = [image.outcomes[name] for image in proposed.images]
    hits = _array(one.hits for one in outcomes)
    false = _array(one.false_positives for one in outcomes)
    lesions = _array(len(one.found) for one in outcomes)
    everywhere = np.ones(len(outcomes), bool)
    normal = np.array([image.normal for image in scores])
    mean = Means(resamples)
    return ProposerResult(
        name=name,
        proposer=parse_proposer(name),
        recall=mean.share(hits, lesions),
        sensitivity=mean.mean(_per(hits, lesions), lesions > 0, "images with a lesion"),
        fp_per_tp=mean.mean(_per(false, hits), hits > 0, "images with a lesion found"),
        fp_per_tp_median=mean.median(_per(false, hits), hits > 0, "images with a lesion found"),
        none_found=int(((lesions > 0) & (hits == 0)).sum()),
        fp_per_normal_image=mean.mean(false, normal, "normal images"),
        candidates=mean.mean(_array(one.candidates for one in outcomes), everywhere, "images"),
        covered=mean.mean(_array(one.covered for one in outcomes), everywhere, "images"),
        seconds=seconds_of([one.seconds for one in outcomes]),
        processor_seconds=seconds_of([one.processor_seconds for one in outcomes]),
        recall_by=tuple(_recall_by(scores, resamples)),
    )


def _array(values: Iterable[float]) -> Array:
    return np.fromiter(values, np.float64)


def _per(numerators: Array, denominators: Array) -> Array:
    """(images,) quotients; 0, and not to be counted, where there is nothing to divide by."""
    return np.divide(numerators, denominators, out=np.zeros_like(numerators), where=denominators > 0)


def _recall_by(scores: Sequence[ImageScores], resamples: Resamples) -> Iterator[Recall]:
    """Recall of each kind of lesion."""
    for part in strata(scores):
        if part.by in DIVISIONS:
            hits = _array(np.isfinite(image.best).sum() for image in part.images)
            lesions = _array(image.best.size for image in part.images)
            yield Recall(by=part.by, name=part.name, recall=Means(resamples).share(hits, lesions))
