"""A training run of a network on patches, step by step.

Patches cut or opened; a network fitted on those of the training part and watched on validation; thresholds and
calibration from validation. Only when all that is fixed are the test patches looked at, once, for the report.
"""

from __future__ import annotations

import dataclasses
import time

from microcalc.models.card import CARD
from microcalc.models.network_files import write_network_package
from microcalc.models.torch_network import torch_device
from microcalc.output import remove
from microcalc.recipe import MultiTaskSegmenterRecipe
from microcalc.recipe.patch_classifier import PatchRecipe
from microcalc.training.fit import Fitted, check, fit, predict
from microcalc.training.job import Job, Trained
from microcalc.training.marks import Marks, find_marks
from microcalc.training.outcome import outcome, write_outcome
from microcalc.training.parts import Part, Parts, open_parts
from microcalc.training.predictions import Predictions
from microcalc.training.steps import Step, Steps

#: Steps beside the epochs: patches, validation, test, package.
_OTHER_STEPS = 4


def run(job: Job[PatchRecipe]) -> Trained:
    """Train a network and write its package (see :func:`microcalc.training.run.train`)."""
    check(job)  # first: a wrong call costs an earlier run in the folder nothing
    steps = _steps(job)
    remove(job.out / "package" / CARD)  # without one, no package of an earlier run is taken for this one's
    started = time.perf_counter()
    parts = open_parts(job)
    _note(steps, "patches", started)
    fitted = _fitted(job, parts, steps)
    validation = _predicted(job, fitted, parts.validation, steps)
    test = None if parts.test is None else _predicted(job, fitted, parts.test, steps)
    started = time.perf_counter()
    marks = _marks(job, fitted, parts)
    found = outcome(job, parts, fitted, validation, test, marks)
    write_outcome(found, job.out)
    package = write_network_package(job.out / "package", found.card, fitted.module)
    _note(steps, "package", started)
    return Trained(package, steps, str(torch_device(job.compute.device)))


def _steps(job: Job[PatchRecipe]) -> Steps:
    """The run's steps, which are told of in one count with the epochs: as many as there may be follow the patches."""
    epochs = job.recipe.fitting.stopping.epochs

    def tell(step: Step, done: int, total: int) -> None:
        if job.on_step is not None:
            job.on_step(step, done + (epochs - 1 if done > 1 else 0), total)

    return dataclasses.replace(job, on_step=tell).steps(epochs + _OTHER_STEPS)


def _fitted(job: Job[PatchRecipe], parts: Parts, steps: Steps) -> Fitted:
    """The network; its epochs are told of as steps of the run, and keep their own account in ``history.json``."""

    def on_epoch(step: Step, done: int, epochs: int) -> None:
        if job.on_step is not None:
            job.on_step(step, done + 1, epochs + _OTHER_STEPS)

    started = time.perf_counter()
    fitted = fit(dataclasses.replace(job, on_step=on_epoch), parts)
    _note(steps, f"{fitted.stopped}; epoch {fitted.kept} is kept", started)
    return fitted


def _predicted(job: Job[PatchRecipe], fitted: Fitted, part: Part, steps: Steps) -> Predictions:
    """What the network says of a part, asked once."""
    path = steps.folder / f"{part.split}.npz"
    if steps.has(part.split):
        return Predictions.load(path, part)
    started = time.perf_counter()
    predictions = Predictions(part, predict(fitted.module, part, job.recipe, device=job.compute.device))
    predictions.save(path)
    _note(steps, part.split, started)
    return predictions


def _marks(job: Job[PatchRecipe], fitted: Fitted, parts: Parts) -> Marks | None:
    """What the network marks on validation patches; None where it only names their class."""
    recipe = job.recipe
    if not isinstance(recipe, MultiTaskSegmenterRecipe) or not recipe.maps:
        return None
    return find_marks(fitted.module, parts.validation, recipe, device=job.compute.device)


def _note(steps: Steps, name: str, started: float) -> None:
    """A step is done, now or by the earlier run that this one goes on from."""
    if not steps.has(name):
        steps.note(Step(name=name, seconds=round(time.perf_counter() - started, 2)))
