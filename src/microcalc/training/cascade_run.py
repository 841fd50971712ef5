"""A training run of the cascade, step by step (Cortina Uribe et al., section 2.2).

Samples of training and validation images; Haar-like features chosen; classifiers compared (Table 2); grid searched; the
two stages trained; calibration and operating points on validation; figures. Only when all that is fixed are the test
images looked at, once, for the numbers on the card.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save
from scipy.special import expit

from microcalc import findings
from microcalc.batch import work
from microcalc.datasets import Record, Table
from microcalc.errors import MicrocalcError, UsageError, WriteError
from microcalc.models import Metric, Package, write_package
from microcalc.models.cascade import WEIGHTS, Cascade
from microcalc.output import image_key, replacing
from microcalc.recipe import CascadeRecipe
from microcalc.training.card import make_card
from microcalc.training.cascade import Stages, calibrate, choose_points, fit_stages
from microcalc.training.classifiers import TableRow, compare
from microcalc.training.figures import drawings
from microcalc.training.grid import GridRow, search
from microcalc.training.haar_selection import Ranking, rank
from microcalc.training.job import Job
from microcalc.training.measure import Measured
from microcalc.training.pool import Pool
from microcalc.training.samples import Indices, Samples, sample
from microcalc.training.steps import Step, Steps
from microcalc.truth import Split

#: Steps beside the images: haar, classifiers, grid, stages, validation, test.
_OTHER_STEPS = 6
_CHOSEN_ON = "thresholds and calibration were chosen on these very images"


class Comparison(findings.Record):
    """Table 2."""

    rows: tuple[TableRow, ...]


class Search(findings.Record):
    """The grid, the best machine first."""

    rows: tuple[GridRow, ...]


class Metrics(findings.Record):
    """What all systems reach on one part of the data."""

    rows: tuple[Metric, ...]


@dataclass(frozen=True, eq=False)
class _Image:
    """One image to sample: all that a worker process needs to know."""

    record: Record
    recipe: CascadeRecipe
    #: Where its samples go.
    path: Path

    @property
    def step(self) -> str:
        """Its name among the steps."""
        return f"samples of {self.record.truth.path}"


def run(job: Job) -> tuple[Package, Steps]:
    """Train the cascade and write its package (see :func:`microcalc.training.run.train`)."""
    reference = job.recipe.proposer.name
    test = job.table.filter(lambda truth: truth.split == "test")
    parts = [job.table.split("train"), job.table.split("validation")]
    for part in (parts[1], test):
        _check_measurable(part)
    steps = job.steps(sum(map(len, parts)) + len(test) + _OTHER_STEPS)
    train, validation = (_pool(job, steps, part) for part in parts)
    ranking = _ranking(job, steps, train, validation)
    haar = np.array(ranking.order[: job.recipe.haar.kept if job.recipe.haar else 0], np.intp)
    compared = _compared(job, steps, train, haar)
    _searched(job, steps, train, haar)
    cascade = _stages(job, steps, train, validation, haar)
    seen = _measured(job, "validation", validation, cascade, haar)
    rows = steps.record("validation", Metrics, lambda: Metrics(rows=seen.metrics(reference))).rows
    marking = choose_points(seen.images("cascade"), job.recipe.operating_points, job.data)
    for drawing in drawings(ranking, compared.rows, seen):
        with replacing(job.out / "figures" / f"{drawing.name}.svg") as file:
            file.write(drawing.svg.encode())
    if test:  # from here on nothing is chosen any more
        unseen = _measured(job, "test", _pool(job, steps, test), cascade, haar)
        rows = (*steps.record("test", Metrics, lambda: Metrics(rows=unseen.metrics(reference))).rows, *rows)
    card = make_card(job, cascade, marking, rows, train, steps)
    return write_package(job.out / "package", card, {WEIGHTS: save(cascade.to_arrays())}), steps


def _check_measurable(part: Table) -> None:
    """Raise UsageError, before hours of work, for images on which no FROC can be drawn in the end."""
    normal = sum(bool(record.truth.normal) for record in part)
    lesions = sum(len(record.truth.calcifications) for record in part)
    if part and not (normal and lesions):
        raise UsageError(
            expected="calcifications and normal images in the parts validation and test, to measure on",
            found=f"{lesions} calcifications and {normal} images marked normal in one of them",
            do="change the split, or mark normal images as such in the truth",
        )


def _pool(job: Job, steps: Steps, table: Table) -> Pool:
    """Samples of every image of a part; an image that cannot be read is left out, and the step says why.

    Raises:
        UsageError: not one image could be read.
    """
    images = [_Image(r, job.recipe, steps.folder / "samples" / f"{image_key(r.truth.path)}.npz") for r in table]
    left = [image for image in images if not steps.has(image.step)]
    for _, step in work(left, _sampled, _died, job.make_executor):
        steps.note(step)
    failed = {step.name for step in steps.done if step.failed is not None}
    kept = [image for image in images if image.step not in failed]
    if not kept:
        raise UsageError(
            expected="images that can be read",
            found=f"none of {len(images)}",
            do="check the data (microcalc data check)",
        )
    return Pool(
        tuple(image.record for image in kept),
        tuple(Samples.load(image.path) for image in kept),
        job.recipe.families,
    )


def _sampled(image: _Image) -> Step:
    started = time.perf_counter()
    recipe, reason = image.recipe, None
    spacing_mm = None if recipe.spacing_mm == "native" else recipe.spacing_mm
    try:
        sample(image.record, recipe.proposer.load(), spacing_mm, recipe.families).save(image.path)
    except WriteError:
        raise
    except MicrocalcError as error:
        reason = error.reason
    return Step(name=image.step, seconds=round(time.perf_counter() - started, 2), failed=reason)


def _died(image: _Image) -> Step:
    return Step(name=image.step, seconds=0.0, failed="the process that read it died: a damaged file, or no memory")


def _ranking(job: Job, steps: Steps, train: Pool, validation: Pool) -> Ranking:
    parameters, ratio = job.recipe.haar, job.recipe.ratio
    if parameters is None:
        return Ranking(order=(), importance=(), plateau=())
    return steps.record("haar", Ranking, lambda: rank(train, validation, parameters, ratio, job.seed))


def _compared(job: Job, steps: Steps, train: Pool, haar: Indices) -> Comparison:
    recipe = job.recipe

    def make() -> Comparison:
        rows = compare(train, haar, folds=recipe.folds, ratio=recipe.ratio, kind=recipe.normalisation, seed=job.seed)
        return Comparison(rows=rows)

    return steps.record("classifiers", Comparison, make)


def _searched(job: Job, steps: Steps, train: Pool, haar: Indices) -> Search:
    recipe = job.recipe

    def make() -> Search:
        return Search(rows=search(train, haar, recipe.grid, recipe.ratio, recipe.normalisation, job.seed))

    return steps.record("grid", Search, make)


def _stages(job: Job, steps: Steps, train: Pool, validation: Pool, haar: Indices) -> Cascade:
    """Both stages, calibrated."""
    weights = steps.folder / WEIGHTS

    def make() -> Stages:
        cascade, stages = fit_stages(train, validation, haar, job.recipe, job.seed)
        with replacing(weights) as file:
            file.write(save(cascade.to_arrays()))
        return stages

    steps.record("stages", Stages, make)
    cascade = Cascade.from_arrays(load_file(weights), job.recipe.families)
    return calibrate(cascade, validation, haar, job.recipe.calibration)


def _measured(job: Job, split: Split, pool: Pool, cascade: Cascade, haar: Indices) -> Measured:
    """A part of the data, scored by the proposer and by all that Figure 14 compares."""
    systems = {
        "single SVM": lambda features: expit(cascade.first.decide(features)),
        "fine-tuned SVM": lambda features: expit(cascade.second.decide(features)),
        "cascade": cascade.scores,
    }
    scores = {job.recipe.proposer.name: [one.proposed for one in pool.samples]} | pool.scores(haar, systems)
    return Measured(pool, split, job.data, scores, job.seed, _CHOSEN_ON if split == "validation" else None)
