"""A training run of a segmenter, step by step.

A bank of phantoms is rendered, and a network fitted to windows drawn from it. What it finds on the validation images
gives calibration and operating points. Only when all that is fixed are the test images looked at, once, beside other
detectors, for the numbers on the card.
"""

from __future__ import annotations

import functools
import time

import torch

from microcalc.errors import UsageError
from microcalc.models.card import CARD
from microcalc.models.network_files import write_network_package
from microcalc.models.recipe_networks import segmenter_network
from microcalc.models.torch_network import torch_device
from microcalc.output import remove
from microcalc.recipe import SegmenterRecipe
from microcalc.synthesis import StudyPlan, plan_studies
from microcalc.synthesis.bank import Bank, build_bank
from microcalc.training.assessment import assess, held_out
from microcalc.training.bank_draws import BankDraws
from microcalc.training.job import Job, Trained
from microcalc.training.map_fit import LAST, MapFit, fit_maps
from microcalc.training.phases import Phases
from microcalc.training.segmenter_card import Fitted, make_card
from microcalc.training.smoke_studies import smoke_plans
from microcalc.training.steps import Step
from microcalc.training.window_batches import WindowBatches

_IF_UNREADABLE = "give more steps (fitting.steps), a lower company.above, or more validation images"
#: Processes that draw windows while the network works.
_WORKERS = 1
_BREASTS = 2


def run(job: Job[SegmenterRecipe]) -> Trained:
    """Train a segmenter and write its package (see :func:`microcalc.training.run.train`)."""
    device = _device(job)
    parts = held_out(job)
    phases = Phases(job, _sizes(job) | parts.looks(job.recipe))
    remove(job.out / "package" / CARD)  # without one, no package of an earlier run is taken for this one's
    bank = _bank(job, phases)
    fit = _fit(job, bank, phases, device)
    fitted = _fitted(bank, fit)
    raw = write_network_package(job.out / "work" / "uncalibrated", make_card(job, fitted, None), fit.module)
    reading = assess(job, phases, raw, parts, if_unreadable=_IF_UNREADABLE)
    package = write_network_package(job.out / "package", make_card(job, fitted, reading), fit.module)
    return Trained(package, phases.steps, str(device))


def _device(job: Job[SegmenterRecipe]) -> torch.device:
    """What the network is fitted on.

    Raises:
        UsageError: there is no such device, or more is asked for than this way to train can.
    """
    if job.compute.init is not None:
        raise UsageError(
            expected="a segmenter that starts at random",
            found=f"--init {job.compute.init.name}",
            do="leave it out, or go on from a package (microcalc finetune)",
        )
    if job.compute.gpus > 1:
        raise UsageError(expected="one device for a segmenter", found=f"--gpus {job.compute.gpus}", do="leave it out")
    return torch_device(job.compute.device)


def _sizes(job: Job[SegmenterRecipe]) -> dict[str, int]:
    """Breasts of the bank, and checkpoints."""
    fitting = job.recipe.fitting
    return {"bank": _BREASTS * len(_plans(job)), "fit": -(-fitting.steps // fitting.checkpoint_every)}


def _plans(job: Job[SegmenterRecipe]) -> list[StudyPlan]:
    """The patients of the bank."""
    wanted = job.recipe.bank
    if job.smoke:
        return smoke_plans("train")[: wanted.patients]
    return list(plan_studies(wanted.patients, seed=wanted.seed))


def _bank(job: Job[SegmenterRecipe], phases: Phases) -> Bank:
    """The bank, rendered as far as an earlier run has not: its breasts are the same whatever the run."""
    started = time.perf_counter()

    def on_breast(done: int, total: int) -> None:
        phases.tell("bank", done, Step(name=f"bank, breast {done} of {total}", seconds=time.perf_counter() - started))

    folder = job.out / "work" / "bank"
    bank = build_bank(folder, _plans(job), make_executor=job.make_executor, resume=True, on_breast=on_breast)
    phases.note("bank", time.perf_counter() - started)
    return bank


def _fit(job: Job[SegmenterRecipe], bank: Bank, phases: Phases, device: torch.device) -> MapFit:
    """The network, fitted as far as an earlier run has not fitted it."""
    recipe, checkpoint = job.recipe, job.out / "work" / LAST
    if not job.resume:
        remove(checkpoint)
    started = time.perf_counter()

    def on_steps(step: int, loss: float) -> None:
        done = -(-step // recipe.fitting.checkpoint_every)
        name = f"step {step} of {recipe.fitting.steps}, loss {loss:.3g}"
        phases.tell("fit", done, Step(name=name, seconds=time.perf_counter() - started))

    source = BankDraws(bank, recipe.windows.spacing_mm)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(job.seed)
        network = segmenter_network(recipe)
    windows = functools.partial(_windows, source, recipe, job.seed)
    workers = 0 if job.smoke else _WORKERS
    fitted = fit_maps(network, windows, recipe.fitting, checkpoint, device=device, workers=workers, on_steps=on_steps)
    phases.note("fit", fitted.seconds)
    return fitted


def _windows(source: BankDraws, recipe: SegmenterRecipe, seed: int, first: int) -> WindowBatches:
    return WindowBatches(
        source, recipe.windows, recipe.fitting.augmentation, seed, first=first, steps=recipe.fitting.steps
    )


def _fitted(bank: Bank, fit: MapFit) -> Fitted:
    views = bank.index.views
    return Fitted(
        seconds=fit.seconds,
        patients=len({view.patient for view in views}),
        views=len(views),
        coarsest_spacing_mm=max(view.spacing_mm for view in views),
    )
