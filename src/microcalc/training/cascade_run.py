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
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from microcalc import findings
from microcalc.batch import death, work
from microcalc.comparison.choice import check_defined
from microcalc.comparison.drawing import write_figures
from microcalc.datasets import Record, Table
from microcalc.errors import MicrocalcError, ReadError, UsageError, WriteError
from microcalc.models import Metric, write_package
from microcalc.models.card import CARD
from microcalc.models.cascade import WEIGHTS, Cascade
from microcalc.output import image_key, remove, replacing
from microcalc.recipe import CascadeRecipe
from microcalc.training.cascade_card import make_card
from microcalc.training.classifiers import Curve, TableRow, compare, curves
from microcalc.training.figures import drawings
from microcalc.training.grid import GridRow, search
from microcalc.training.haar_selection import Ranking, rank
from microcalc.training.job import Job, Trained
from microcalc.training.measure import Measured, MeasuredPool
from microcalc.training.pool import Pool
from microcalc.training.samples import RULE, Indices, Samples, sample
from microcalc.training.smoke_studies import smoke_studies
from microcalc.training.stages import Stages, calibrate, choose_points, fit_stages
from microcalc.training.steps import Step, Steps
from microcalc.training.systems import CASCADE, pairs, scores
from microcalc.training.tables import write_tables
from microcalc.truth import Split

#: Steps beside the images: haar, classifiers, curves, grid, stages, validation, test.
_OTHER_STEPS = 7
_CHOSEN_ON = "thresholds and calibration were chosen on these very images"


class Compared(findings.Record):
    """Table 2."""

    rows: tuple[TableRow, ...]


class Curves(findings.Record):
    """Figure 12."""

    rows: tuple[Curve, ...]


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


def run(job: Job[CascadeRecipe]) -> Trained:
    """Train the cascade and write its package (see :func:`microcalc.training.run.train`)."""
    recipe = job.recipe
    table = smoke_studies(job.out / "work" / "data", job.make_executor) if job.table is None else job.table
    test = table.filter(lambda truth: truth.split == "test")
    parts = [table.split("train"), table.split("validation")]
    _check_trainable(parts[0], recipe)
    for part in filter(None, (parts[1], test)):
        check_defined([record.truth for record in part], "calcification", RULE, "image")
    steps = job.steps(sum(map(len, parts)) + len(test) + _OTHER_STEPS)
    remove(job.out / "package" / CARD)  # without one, no package of an earlier run is taken for this one's
    train, validation = (_pool(job, steps, part) for part in parts)
    ranking = _ranking(job, steps, train, validation)
    haar = np.array(ranking.order[: recipe.haar.kept if recipe.haar else 0], np.intp)
    compared = _compared(job, steps, train, haar)
    shown = _shown(job, steps, train, validation, haar)
    searched = _searched(job, steps, train, haar)
    cascade, stages = _stages(job, steps, train, validation, haar)
    seen = _measured(job, "validation", validation, cascade, haar)
    metrics = _metrics(job, steps, seen)
    marking = choose_points(seen.images[CASCADE], recipe.operating_points, job.data)
    measured = [seen]
    if test:  # from here on nothing is chosen any more
        measured.append(_measured(job, "test", _pool(job, steps, test), cascade, haar))
        metrics = (*_metrics(job, steps, measured[-1]), *metrics)
    reached = [metric for part in measured for metric in part.at(CASCADE, marking.operating_points)]
    write_figures(drawings(ranking, compared.rows, shown.rows, measured), job.out / "figures")
    tables = {"haar-plateau": ranking.plateau, "classifiers": compared.rows, "grid": searched.rows, "stages": [stages]}
    write_tables(job.out / "tables", {**tables, "metrics": [*metrics, *reached]})
    card = make_card(job, cascade, marking, (*metrics, *reached), train, steps)
    package = write_package(job.out / "package", card, {WEIGHTS: save(cascade.to_arrays())})
    return Trained(package, steps, "cpu")


def _check_trainable(train: Table, recipe: CascadeRecipe) -> None:
    """Raise UsageError, before hours of work, for fewer patients with calcifications than there are folds."""
    folds = {"comparison.folds": recipe.comparison.folds, "grid.folds": recipe.grid.folds}
    folds |= {"out_of_fold": recipe.out_of_fold}
    _check_patients(train, folds)
    if recipe.haar is not None:
        _check_patients(train[: recipe.haar.images], {"haar.folds": recipe.haar.folds})


def _check_patients(images: Table, folds: dict[str, int]) -> None:
    patients = {record.truth.patient for record in images if record.truth.calcifications}
    name, most = max(folds.items(), key=lambda item: item[1])
    if len(patients) < most:
        raise UsageError(
            expected=f"{most} patients with calcifications among {len(images)} training images, for {name}: {most}",
            found=str(len(patients)),
            do=f"give more patients, or a recipe with a smaller {name}",
        )


def _pool(job: Job[CascadeRecipe], steps: Steps, table: Table) -> Pool:
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
        len(images) - len(kept),
    )


def _sampled(image: _Image) -> Step:
    started = time.perf_counter()
    recipe, reason = image.recipe, None
    try:
        sample(image.record, recipe.proposer.load(), recipe.spacing_mm, recipe.families).save(image.path)
    except WriteError:
        raise
    except MicrocalcError as error:
        reason = error.reason
    return Step(name=image.step, seconds=round(time.perf_counter() - started, 2), failed=reason)


def _died(image: _Image) -> Step:
    return Step(name=image.step, seconds=0.0, failed=death(image.record.truth.path).reason)


def _ranking(job: Job[CascadeRecipe], steps: Steps, train: Pool, validation: Pool) -> Ranking:
    parameters, ratio = job.recipe.haar, job.recipe.ratio
    if parameters is None:
        return Ranking(order=(), importance=(), plateau=())
    return steps.record("haar", Ranking, lambda: rank(train, validation, parameters, ratio, job.seed))


def _compared(job: Job[CascadeRecipe], steps: Steps, train: Pool, haar: Indices) -> Compared:
    recipe = job.recipe

    def make() -> Compared:
        rows = compare(
            train, haar, comparison=recipe.comparison, ratio=recipe.ratio, kind=recipe.normalisation, seed=job.seed
        )
        return Compared(rows=rows)

    return steps.record("classifiers", Compared, make)


def _shown(job: Job[CascadeRecipe], steps: Steps, train: Pool, validation: Pool, haar: Indices) -> Curves:
    recipe = job.recipe

    def make() -> Curves:
        rows = curves(train, validation, haar, recipe.comparison, recipe.ratio, recipe.normalisation, job.seed)
        return Curves(rows=rows)

    return steps.record("curves", Curves, make)


def _searched(job: Job[CascadeRecipe], steps: Steps, train: Pool, haar: Indices) -> Search:
    recipe = job.recipe

    def make() -> Search:
        return Search(rows=search(train, haar, recipe.grid, recipe.ratio, recipe.normalisation, job.seed))

    return steps.record("grid", Search, make)


def _stages(
    job: Job[CascadeRecipe], steps: Steps, train: Pool, validation: Pool, haar: Indices
) -> tuple[Cascade, Stages]:
    """Both stages, calibrated, and their account."""
    weights = steps.folder / WEIGHTS

    def make() -> Stages:
        cascade, stages = fit_stages(train, validation, haar, job.recipe, job.seed)
        with replacing(weights) as file:
            file.write(save(cascade.to_arrays()))
        return stages

    stages = steps.record("stages", Stages, make)
    try:
        arrays = load_file(weights)
    except (OSError, SafetensorError) as error:
        raise ReadError(
            expected="the weights that the step stages of the earlier run has left",
            found=f"none that can be read ({type(error).__name__})",
            do="leave --resume out",
            where=weights,
        ) from error
    cascade = Cascade.from_arrays(arrays, job.recipe.families)
    return calibrate(cascade, validation, haar, job.recipe.calibration), stages


def _measured(job: Job[CascadeRecipe], split: Split, pool: Pool, cascade: Cascade, haar: Indices) -> MeasuredPool:
    """A part of the data, scored by the proposer and by all that Figure 14 compares."""
    of_each = scores(pool, cascade, haar, job.recipe.proposer.name)
    return MeasuredPool.of(pool, split, job.data, of_each, job.seed, _CHOSEN_ON if split == "validation" else None)


def _metrics(job: Job[CascadeRecipe], steps: Steps, part: Measured) -> tuple[Metric, ...]:
    return steps.record(part.split, Metrics, lambda: Metrics(rows=part.metrics(pairs(job.recipe.proposer.name)))).rows
