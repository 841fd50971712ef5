"""The job behind ``microcalc train``: one run of a recipe on a data set, which leaves a model package.

A run goes in steps (:mod:`microcalc.training.steps`); what each step leaves lies in ``work/`` of the output folder, and
``resume`` goes on from there.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from microcalc.batch import MakeExecutor
from microcalc.datasets import open_data
from microcalc.datasets.spec import named
from microcalc.errors import UsageError
from microcalc.models import Package
from microcalc.models.extras import needs
from microcalc.patches.store import PatchStore
from microcalc.provenance import write_run_record
from microcalc.recipe import Recipe
from microcalc.training.job import PATCHES, Compute, Job, Trained
from microcalc.training.steps import OnStep

#: A way to train: writes the package.
Trainer = Callable[[Job[Any]], Trained]


def _cascade(job: Job[Any]) -> Trained:
    with needs("classic", "sklearn"):
        from microcalc.training.cascade_run import run
    return run(job)


def _on_patches(job: Job[Any]) -> Trained:
    with needs("train", "torch", "torchvision", "lightning", "timm", "onnx"):
        from microcalc.training.patch_run import run
    return run(job)


def _segmenter(job: Job[Any]) -> Trained:
    with needs("train", "torch", "onnx"):
        from microcalc.training.segmenter_run import run
    return run(job)


def _patch_map(job: Job[Any]) -> Trained:
    from microcalc.training.patch_map_run import run

    return run(job)


def _faster_rcnn(job: Job[Any]) -> Trained:
    with needs("train", "torch", "torchvision", "torchmetrics", "pycocotools", "onnx"):
        from microcalc.training.faster_rcnn_run import run
    return run(job)


#: Kind of recipe -> how it is trained. Nothing heavy is imported before it is asked for.
TRAINERS: dict[str, Trainer] = {
    "cascade": _cascade,
    "patch-classifier": _on_patches,
    "multi-task-segmenter": _on_patches,
    "segmenter": _segmenter,
    "patch-map": _patch_map,
    "faster-rcnn": _faster_rcnn,
}
#: Kinds that are trained or measured on whole mammograms, for which patches do not do.
_OF_IMAGES = ("cascade", "segmenter", "patch-map", "faster-rcnn")


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
    compute: Compute | None = None,
) -> Package:
    """Train by a recipe and write the model package, its figures and ``run.json``.

    Args:
        recipe: what to do.
        data: SPEC of :func:`~microcalc.datasets.open_data`, with the parts train and validation; a part test is
            measured once, at the end. ``patches:FOLDER``: patches that are cut already, for a network. None: a smoke
            run, which draws its own.
        out: folder for ``package/``, ``figures/``, ``run.json`` and ``work/``; made where missing.
        smoke: with the recipe's smoke changes, in about a minute: shows that everything runs, and nothing else.
        seed: of everything random; None: the recipe's.
        make_executor: makes the pool that reads images; None: they are read here.
        resume: go on with an interrupted run into the same folder.
        on_step: told of each step.
        compute: what networks are fitted on; None: a GPU where there is one.

    Returns:
        The package.

    Raises:
        UsageError: no data, no split, too few patients, or, to go on with, another run in the folder.
        MicrocalcError: the data cannot be read.
    """
    recipe = recipe.smoke() if smoke else recipe
    store = Path(data.removeprefix(PATCHES)).expanduser() if data and data.startswith(PATCHES) else None
    compute = compute or Compute()
    _check(recipe, data, store, seed, compute, smoke=smoke)
    started, begun = time.perf_counter(), datetime.now(UTC)
    name = _called(data, store)
    job = Job(
        recipe=recipe,
        table=None if data is None or store else open_data(data, make_executor=make_executor),
        store=store,
        data=name,
        synthetic=data is None or name.startswith("bench:"),
        smoke=smoke,
        out=out,
        seed=recipe.seed if seed is None else seed,
        make_executor=make_executor,
        resume=resume,
        on_step=on_step,
        compute=compute,
    )
    package, steps, device = TRAINERS[recipe.kind](job)
    facts = {
        "started": begun.isoformat(timespec="seconds"),
        "device": device,
        "seconds": round(time.perf_counter() - started, 1),
        "package_sha256": package.sha256,
        "steps": [step.model_dump(mode="json", exclude_none=True) for step in steps.done],
    }
    write_run_record(out / "run.json", steps.settings, facts)
    return package


def _check(
    recipe: Recipe, data: str | None, store: Path | None, seed: int | None, compute: Compute, *, smoke: bool
) -> None:
    """Raise UsageError for arguments that make no sense together, before anything is read."""
    if data is None and not smoke:
        raise UsageError(expected="data to train on", found="none", do="name some (--data SPEC), or make a smoke run")
    if seed is not None and not 0 <= seed < 2**32:  # what every library behind it takes
        raise UsageError(expected="a seed from 0 to 4294967295", found=str(seed), do="give a smaller one")
    if store is not None and recipe.kind in _OF_IMAGES:
        raise UsageError(
            expected=f"whole mammograms, for a {recipe.kind}", found=repr(data), do="give the data set itself"
        )
    if compute.classifiers and recipe.kind != "patch-map":
        raise UsageError(
            expected=f"no classifiers for a {recipe.kind}",
            found="--classifiers",
            do="leave them out, or train a patch map",
        )


def _called(data: str | None, store: Path | None) -> str:
    """What cards and figures call the data: of patches, the data set that they were cut from, where that is known."""
    if data is None:
        return "synthetic smoke set"
    return (store and PatchStore.open(store).manifest.data) or named(data)
