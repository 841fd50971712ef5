"""A training run of a segmenter, step by step.

A bank of phantoms is rendered, and a network fitted to windows drawn from it. What it finds on the validation images
gives calibration and operating points. Only when all that is fixed are the test images looked at, once, beside other
detectors, for the numbers on the card.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import torch

from microcalc.comparison.choice import check_defined
from microcalc.comparison.drawing import Drawing, write_figures
from microcalc.datasets import Table
from microcalc.detection import Outcome
from microcalc.detectors import load_detector
from microcalc.errors import UsageError
from microcalc.evaluation.froc import froc
from microcalc.findings import Failure, ImageFindings, Report
from microcalc.models import Metric
from microcalc.models.card import CARD
from microcalc.models.network_files import write_network_package
from microcalc.models.recipe_networks import segmenter_network
from microcalc.models.torch_network import torch_device
from microcalc.output import remove
from microcalc.output.words import count
from microcalc.recipe import SegmenterRecipe
from microcalc.synthesis import StudyPlan, plan_studies
from microcalc.synthesis.bank import Bank, build_bank
from microcalc.training.bank_draws import BankDraws
from microcalc.training.calibrations import CALIBRATIONS
from microcalc.training.job import Job, Trained
from microcalc.training.map_fit import LAST, MapFit, fit_maps
from microcalc.training.measure import Measured
from microcalc.training.part_figures import froc_drawing, reliability_drawing
from microcalc.training.samples import RULE
from microcalc.training.scan import FINDINGS, Scan, accounts, scan
from microcalc.training.segmenter_card import Fitted, Reading, make_card
from microcalc.training.smoke_studies import smoke_plans, smoke_studies
from microcalc.training.stages import choose_points
from microcalc.training.steps import Step, Steps
from microcalc.training.tables import write_tables
from microcalc.training.window_batches import WindowBatches
from microcalc.truth import Split

_CHOSEN_ON = "thresholds and calibration were chosen on these very images"
#: Processes that draw windows while the network works.
_WORKERS = 1
_BREASTS = 2


def run(job: Job[SegmenterRecipe]) -> Trained:
    """Train a segmenter and write its package (see :func:`microcalc.training.run.train`)."""
    device, own = _device(job), job.recipe.name
    table = job.table
    if table is None:
        table = smoke_studies(job.out / "work" / "data", job.make_executor, ("validation", "test"))
    validation, test = table.split("validation"), table.filter(lambda truth: truth.split == "test")
    for part in filter(None, (validation, test)):
        check_defined([record.truth for record in part], "calcification", RULE, "image")
    for other in job.recipe.beside:
        load_detector(other)  # one that is not there is told of now, not after hours
    told = _Told(job, len(validation), len(test))
    remove(job.out / "package" / CARD)  # without one, no package of an earlier run is taken for this one's
    bank = _bank(job, told)
    fit = _fit(job, bank, told, device)
    fitted = _fitted(bank, fit)
    raw = write_network_package(job.out / "work" / "uncalibrated", make_card(job, fitted, None), fit.module)
    seen = accounts(validation, {own: _scanned(job, told, "validation", validation, raw.path)})
    reading = reading_of(job, seen[own])
    parts: dict[Split, dict[str, Scan]] = {"validation": seen}
    if test:  # from here on nothing is chosen any more
        detectors = {own: raw.path} | {name: name for name in job.recipe.beside}
        reports = {name: _scanned(job, told, name, test, detector) for name, detector in detectors.items()}
        parts = {"test": accounts(test, reports), **parts}
    measured = []
    for split, scans in parts.items():
        scans[own] = scans[own].rescored(reading.calibration)
        measured.append(_measured(job, split, scans))
    reading = reading._replace(metrics=tuple(itertools.chain(*(_metrics(own, one, reading) for one in measured))))
    drawings = (_drawings(own, one, parts[one.split][own]) for one in measured)
    write_figures(itertools.chain(*drawings), job.out / "figures")
    write_tables(job.out / "tables", {"metrics": reading.metrics})
    package = write_network_package(job.out / "package", make_card(job, fitted, reading), fit.module)
    return Trained(package, told.steps, str(device))


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


class _Told:
    """The run's steps, told of in one count: breasts of the bank, checkpoints, images looked at."""

    def __init__(self, job: Job[SegmenterRecipe], validation: int, test: int) -> None:
        recipe = job.recipe
        checkpoints = -(-recipe.fitting.steps // recipe.fitting.checkpoint_every)
        self.sizes = {"bank": _BREASTS * len(_plans(job)), "fit": checkpoints, "validation": validation}
        if test:
            self.sizes |= dict.fromkeys((recipe.name, *recipe.beside), test)
        self._on_step = job.on_step
        self.steps: Steps = dataclasses.replace(job, on_step=None).steps(len(self.sizes))

    def tell(self, phase: str, done: int, step: Step) -> None:
        """``done`` of a phase are."""
        if self._on_step is not None:
            before = itertools.takewhile(lambda name: name != phase, self.sizes)
            self._on_step(step, sum(self.sizes[name] for name in before) + done, sum(self.sizes.values()))

    def note(self, phase: str, seconds: float) -> None:
        """A phase is done, now or by the earlier run that this one goes on from."""
        if not self.steps.has(phase):
            self.steps.note(Step(name=phase, seconds=round(seconds, 2)))


def _plans(job: Job[SegmenterRecipe]) -> list[StudyPlan]:
    """The patients of the bank."""
    wanted = job.recipe.bank
    if job.smoke:
        return smoke_plans("train")[: wanted.patients]
    return list(plan_studies(wanted.patients, seed=wanted.seed))


def _bank(job: Job[SegmenterRecipe], told: _Told) -> Bank:
    """The bank, rendered as far as an earlier run has not: its breasts are the same whatever the run."""
    started = time.perf_counter()

    def on_breast(done: int, total: int) -> None:
        told.tell("bank", done, Step(name=f"bank, breast {done} of {total}", seconds=time.perf_counter() - started))

    folder = job.out / "work" / "bank"
    bank = build_bank(folder, _plans(job), make_executor=job.make_executor, resume=True, on_breast=on_breast)
    told.note("bank", time.perf_counter() - started)
    return bank


def _fit(job: Job[SegmenterRecipe], bank: Bank, told: _Told, device: torch.device) -> MapFit:
    """The network, fitted as far as an earlier run has not fitted it."""
    recipe, checkpoint = job.recipe, job.out / "work" / LAST
    if not job.resume:
        remove(checkpoint)
    started = time.perf_counter()

    def on_steps(step: int, loss: float) -> None:
        done = -(-step // recipe.fitting.checkpoint_every)
        name = f"step {step} of {recipe.fitting.steps}, loss {loss:.3g}"
        told.tell("fit", done, Step(name=name, seconds=time.perf_counter() - started))

    source = BankDraws(bank, recipe.windows.spacing_mm)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(job.seed)
        network = segmenter_network(recipe)
    windows = functools.partial(_windows, source, recipe, job.seed)
    workers = 0 if job.smoke else _WORKERS
    fitted = fit_maps(network, windows, recipe.fitting, checkpoint, device=device, workers=workers, on_steps=on_steps)
    told.note("fit", fitted.seconds)
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


def _scanned(job: Job[SegmenterRecipe], told: _Told, name: str, table: Table, detector: Path | str) -> Report:
    """What a detector finds on a part; asked once."""
    folder, started = told.steps.folder / "scans" / name, time.perf_counter()
    if told.steps.has(name):
        return Report.from_json(folder / FINDINGS)

    def on_outcome(outcome: Outcome, done: int, _: int) -> None:
        seconds = outcome.seconds if isinstance(outcome, ImageFindings) else 0.0
        failed = outcome.reason if isinstance(outcome, Failure) else None
        told.tell(name, done, Step(name=f"{name}, image {done} of {len(table)}", seconds=seconds, failed=failed))

    report = scan(
        table, str(detector), folder, make_executor=job.make_executor, resume=job.resume, on_outcome=on_outcome
    )
    told.note(name, time.perf_counter() - started)
    return report


def reading_of(job: Job[SegmenterRecipe], seen: Scan) -> Reading:
    """Calibration and operating points, from validation alone.

    Raises:
        UsageError: no mark is a hit there, or all are.
    """
    if seen.labels.all() or not seen.labels.any():
        raise UsageError(
            expected="hits and false marks on the validation images, to calibrate scores by",
            found=f"{count(int(seen.labels.sum()), 'hit')} among {count(seen.labels.size, 'mark')}",
            do="give more steps (fitting.steps), a lower company.above, or more validation images",
        )
    calibration = CALIBRATIONS[job.recipe.calibration](seen.labels, seen.scores)
    population = (
        f"marks on the validation images of {job.data}; of several on one calcification the first, none in regions to "
        "ignore"
    )
    points = choose_points(seen.rescored(calibration).images, job.recipe.operating_points, job.data)
    return Reading(calibration, population, points, ())


def _measured(job: Job[SegmenterRecipe], split: Split, scans: Mapping[str, Scan]) -> Measured:
    return Measured(
        {name: one.images for name, one in scans.items()},
        split,
        job.data,
        job.seed,
        remark=_CHOSEN_ON if split == "validation" else None,
        left_out=scans[job.recipe.name].left_out,
    )


def _metrics(own: str, measured: Measured, reading: Reading) -> Iterator[Metric]:
    yield from measured.metrics([(own, other) for other in measured.images if other != own])
    yield from measured.at(own, reading.marking.operating_points)


def _drawings(own: str, measured: Measured, seen: Scan) -> Iterator[Drawing]:
    """``froc-PART``, ``froc-PART-snr`` and ``reliability-PART``."""
    yield froc_drawing(f"froc-{measured.split}", "Side by side", measured.curves, measured)
    if measured.bands:
        bands = {f"SNR {band}": froc(images[own]) for band, images in measured.bands.items()}
        yield froc_drawing(f"froc-{measured.split}-snr", "By how well a calcification shows", bands, measured)
    yield reliability_drawing(seen.labels, seen.scores, measured)
