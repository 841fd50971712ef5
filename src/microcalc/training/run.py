"""The job behind ``microcalc train``: one run of a recipe on a data set, which leaves a model package.

A run goes in steps (:mod:`microcalc.training.steps`); what each step leaves lies in ``work/`` of the output folder, and
``resume`` goes on from there.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from microcalc.batch import MakeExecutor
from microcalc.datasets import Table, open_data
from microcalc.errors import UsageError
from microcalc.models import Package
from microcalc.provenance import write_run_record
from microcalc.recipe import Recipe
from microcalc.training.job import Job
from microcalc.training.steps import OnStep, Steps
from microcalc.truth import Split

#: Patients of a smoke run: split, no calcium, and a seed that gives a breast that is found on so small a picture.
_SMOKE_PATIENTS: tuple[tuple[Split, bool, int], ...] = (
    ("train", False, 3),
    ("train", False, 8),
    ("validation", False, 6),
    ("validation", True, 7),
    ("test", False, 1),
    ("test", True, 9),
)


def _cascade(job: Job) -> tuple[Package, Steps]:
    try:
        from microcalc.training.cascade_run import run
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "sklearn":
            raise
        raise UsageError(
            expected="the package scikit-learn, to train a cascade",
            found="none",
            do='install it with: pip install "microcalc[classic]"',
        ) from error
    return run(job)


#: Kind of recipe -> how it is trained. Nothing heavy is imported before it is asked for.
TRAINERS: dict[str, Callable[[Job], tuple[Package, Steps]]] = {"cascade": _cascade}


def train(
    recipe: Recipe,
    data: str | None,
    out: Path,
    *,
    smoke: bool = False,
    seed: int | None = None,
    make_executor: MakeExecutor | None = None,
    resume: bool = False,
    on_step: OnStep | None = None,
) -> Package:
    """Train by a recipe and write the model package, its figures and ``run.json``.

    Args:
        recipe: what to do.
        data: SPEC of :func:`~microcalc.datasets.open_data`, with the parts train and validation; a part test is
            measured once, at the end. None: a smoke run, which draws its own.
        out: folder for ``package/``, ``figures/``, ``run.json`` and ``work/``; made where missing.
        smoke: with the recipe's smoke changes, in about a minute: shows that everything runs, and nothing else.
        seed: of everything random; None: the recipe's.
        make_executor: makes the pool that reads images; None: they are read here.
        resume: go on with an interrupted run into the same folder.
        on_step: told of each step.

    Returns:
        The package.

    Raises:
        UsageError: no data, no split, too few patients, or another run in the folder.
        MicrocalcError: the data cannot be read.
    """
    recipe = recipe.smoke() if smoke else recipe
    if data is None and not smoke:
        raise UsageError(expected="data to train on", found="none", do="name some (--data SPEC), or make a smoke run")
    started, begun = time.perf_counter(), datetime.now(UTC)
    table = (
        _smoke_data(out / "work" / "data", make_executor)
        if data is None
        else open_data(data, make_executor=make_executor)
    )
    job = Job(
        recipe,
        table,
        "synthetic smoke set" if data is None else _named(data),
        data is None or data.startswith("bench:"),
        smoke,
        out,
        recipe.seed if seed is None else seed,
        make_executor,
        resume,
        on_step,
    )
    package, steps = TRAINERS[recipe.kind](job)
    facts = {
        "started": begun.isoformat(timespec="seconds"),
        "device": "cpu",
        "seconds": round(time.perf_counter() - started, 1),
        "package_sha256": package.sha256,
        "steps": [step.model_dump(mode="json", exclude_none=True) for step in steps.done],
    }
    write_run_record(out / "run.json", steps.settings, facts)
    return package


def _named(spec: str) -> str:
    """``truth:some/where/bench`` is called truth:bench: where a folder lies is nobody's business."""
    kind, _, place = spec.partition(":")
    return f"{kind}:{Path(place).name}"


def _smoke_data(folder: Path, make_executor: MakeExecutor | None) -> Table:
    """Little synthetic patients on every side of a split, drawn once."""
    from microcalc.synthesis import StudyPlan, synthesize

    plans = [
        StudyPlan(
            f"smoke-{number}",
            number,
            seed,
            normal,
            split,
            device="direct-70",
            density="B",
            spacing_mm=0.1,
            shape=(900, 640),
        )
        for number, (split, normal, seed) in enumerate(_SMOKE_PATIENTS, 1)
    ]
    synthesize(plans, folder, make_executor=make_executor, resume=True)
    return Table.from_truth(folder)
