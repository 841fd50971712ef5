"""Fitting a Faster R-CNN to marked patches, watched on those of the validation part."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from microcalc.errors import MicrocalcError
from microcalc.models.faster_rcnn import RegionDetector, build_faster_rcnn
from microcalc.models.state_dicts import read_state_dict
from microcalc.output import remove
from microcalc.recipe import FasterRcnnRecipe, PatchInput
from microcalc.recipe.fitting import Sampling
from microcalc.training.box_history import BoxHistory, BoxRow, BoxScores, box_scores, kept_epoch
from microcalc.training.checkpoints import BEST, LAST, Checkpoint, write_weights
from microcalc.training.history import HISTORY, learning_rate, stop_reason
from microcalc.training.job import Job
from microcalc.training.loading import Batch, as_float, loader
from microcalc.training.marked_patches import MarkedPart, MarkedParts
from microcalc.training.normalise_tensor import prepare_tensor
from microcalc.training.optimising import make_optimiser, set_rate
from microcalc.training.phases import Phases
from microcalc.training.sampling import EpochSampler, in_order
from microcalc.training.steps import Step

#: The phase of a run that this is.
FIT = "fit"
#: Torch takes no larger seed.
_SEEDS = 2**63


@dataclass(frozen=True, eq=False)
class BoxFit:
    """A fitted network, and how it came about."""

    #: With the weights of the epoch that is kept; on the processor, in evaluation mode.
    module: RegionDetector
    history: BoxHistory
    #: Where the weights started, in words.
    start: str
    #: Patches drawn in all epochs, each as often as it came.
    patches: int

    @property
    def seconds(self) -> float:
        """Of all epochs."""
        return sum(row.seconds for row in self.history.epochs)


def check_start(job: Job[FasterRcnnRecipe]) -> None:
    """Make sure, before patches are cut, that the weights that a job starts from are there.

    Raises:
        UsageError: they are not; or they are those of another network.
        ReadError: the file of weights cannot be read.
    """
    begins = not (job.resume and (job.out / "work" / LAST).exists())
    if begins and (job.compute.init is not None or job.recipe.network.backbone.start != "random"):
        build_faster_rcnn(job.recipe, job.compute.init)


def fit_boxes(job: Job[FasterRcnnRecipe], parts: MarkedParts, phases: Phases, device: torch.device) -> BoxFit:
    """Fit the network of a recipe, epoch by epoch, or go on after the last epoch that an interrupted run has done.

    After each, ``work/`` of the run holds ``checkpoints/last.ckpt``, all that the next one follows from,
    ``checkpoints/best.safetensors``, the weights of the epoch that is kept, and ``history.json``. Equal jobs on equal
    parts give equal histories, interrupted or not, on one machine with one number of threads.

    Args:
        job: recipe, folder, seed, weights to start from.
        parts: to train on, and to validate on.
        phases: of the run; ``fit`` is told of each step of the optimiser.
        device: to compute on.

    Raises:
        UsageError: weights of another network to start or to go on from.
        MicrocalcError: the loss is no number any more, or nothing is boxed on validation; epochs before are kept.
    """
    work, stopping = job.out / "work", job.recipe.fitting.stopping
    if not job.resume:
        for name in (LAST, BEST, HISTORY):
            remove(work / name)
    run = _Fit(job, parts, phases, device)
    while (stopped := stop_reason(stopping, run.losses)) is None:
        run.epoch(work)
    history = BoxHistory(epochs=tuple(run.rows), kept=kept_epoch(run.rows), stopped=stopped)
    history.write(work / HISTORY)
    run.module.load_state_dict(read_state_dict(work / BEST)[0])
    phases.note(FIT, sum(row.seconds for row in run.rows))
    return BoxFit(run.module.cpu().eval(), history, run.start, len(run.rows) * run.sampler.patches)


def steps_of(recipe: FasterRcnnRecipe, parts: MarkedParts) -> int:
    """Steps of the optimiser, where training does not end early."""
    return recipe.fitting.stopping.epochs * len(_sampler(recipe, parts.train, seed=0))


def score_boxes(module: RegionDetector, part: MarkedPart, recipe: FasterRcnnRecipe, device: torch.device) -> BoxScores:
    """AP50 and AR of what a network boxes on a part; it is left in evaluation mode."""
    module.to(device).eval()
    with torch.inference_mode():
        found = (
            (boxes.cpu(), target)
            for windows, positions in _prepared(part, recipe, device)
            for boxes, target in zip(module(windows), part.targets(positions, torch.device("cpu")), strict=True)
        )
        return box_scores(found, recipe.scanning.score_floor)


class _Fit:
    """A network on its way: its weights, the optimiser, and the epochs done."""

    def __init__(self, job: Job[FasterRcnnRecipe], parts: MarkedParts, phases: Phases, device: torch.device) -> None:
        self._recipe, self._parts, self._phases, self._device, self._seed = job.recipe, parts, phases, device, job.seed
        checkpoint = job.out / "work" / LAST
        earlier = Checkpoint.read(checkpoint) if checkpoint.exists() else None
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(job.seed % _SEEDS)
            self.module, self.start = build_faster_rcnn(job.recipe, None if earlier else job.compute.init)
        self.rows: list[BoxRow] = []
        if earlier is not None:
            earlier.give_weights(self.module, job.recipe.name, checkpoint)
            self.start, self.rows = earlier.start, [BoxRow.model_validate(row) for row in earlier.rows]
        self.module.to(device)
        self._optimiser = make_optimiser(self.module, job.recipe.fitting.optimiser)
        if earlier is not None:
            self._optimiser.load_state_dict(earlier.optimiser)
        self.sampler = _sampler(job.recipe, parts.train, job.seed)

    @property
    def losses(self) -> list[float]:
        """Validation losses of the epochs done."""
        return [row.validation_loss for row in self.rows]

    def epoch(self, work: Path) -> None:
        """One more epoch, and all that the next one follows from into the folder."""
        begun, fitting = time.perf_counter(), self._recipe.fitting
        rate = learning_rate(fitting, self.losses)
        set_rate(self._optimiser, rate)
        self.sampler.epoch = len(self.rows)
        with torch.random.fork_rng():
            torch.manual_seed((self._seed + len(self.rows)) % _SEEDS)  # proposals are sampled
            train_loss = float(np.mean(list(self._train())))
            validation_loss = self._validation_loss()
        found = score_boxes(self.module, self._parts.validation, self._recipe, self._device)
        if np.isnan(found.ap50):
            raise MicrocalcError(
                expected="calcifications whose centres lie in a validation patch",
                found="none",
                do="give more validation images",
            )
        row = BoxRow(
            epoch=len(self.rows) + 1,
            train_loss=train_loss,
            validation_loss=validation_loss,
            ap50=found.ap50,
            recall=found.recall,
            learning_rate=rate,
            seconds=time.perf_counter() - begun,
        )
        self.rows.append(row)
        self._write(work)

    def _train(self) -> Iterator[float]:
        """Loss of each step of an epoch."""
        self.module.train()
        batches, done = len(self.sampler), len(self.rows) * len(self.sampler)
        for number, batch in enumerate(loader(self._parts.train.patches, self.sampler), 1):
            begun = time.perf_counter()
            loss = self._learn(batch)
            name = f"epoch {len(self.rows) + 1}, step {number} of {batches}, loss {loss:.3g}"
            self._phases.tell(FIT, done + number, Step(name=name, seconds=time.perf_counter() - begun))
            yield loss

    def _learn(self, batch: Batch) -> float:
        """A step of the optimiser, its batch worked on in parts; the loss."""
        self._optimiser.zero_grad()
        total, count = 0.0, len(batch["indices"])
        for chosen in torch.arange(count).tensor_split(min(self._recipe.fitting.accumulate, count)):
            windows = _windows(batch["pixels"][chosen], self._recipe, self._device)
            targets = self._parts.train.targets(batch["indices"][chosen], self._device)
            loss = sum(self.module(windows, targets).values()) * (len(chosen) / count)
            if not torch.isfinite(loss):
                raise MicrocalcError(
                    expected="a finite loss",
                    found=f"{loss.item()} in epoch {len(self.rows) + 1}",
                    do="choose a lower learning rate (--set fitting.optimiser.learning_rate=...)",
                )
            loss.backward()
            total += loss.item()
        self._optimiser.step()
        return total

    @torch.no_grad()
    def _validation_loss(self) -> float:
        """Mean loss of the validation patches, batch norms at rest."""
        self.module.train().backbone.eval()
        part, sums = self._parts.validation, 0.0
        for windows, positions in _prepared(part, self._recipe, self._device):
            losses = self.module(windows, part.targets(positions, self._device))
            sums += sum(loss.item() for loss in losses.values()) * len(windows)
        return sums / len(part)

    def _write(self, work: Path) -> None:
        kept = kept_epoch(self.rows)
        if kept == len(self.rows):
            write_weights(work / BEST, self.module)
        Checkpoint(
            network=self._recipe.name,
            start=self.start,
            weights=self.module.state_dict(),
            optimiser=self._optimiser.state_dict(),
            precision={},
            rows=[row.model_dump(mode="json") for row in self.rows],
        ).write(work / LAST)
        BoxHistory(epochs=tuple(self.rows), kept=kept, stopped=None).write(work / HISTORY)


def _sampler(recipe: FasterRcnnRecipe, part: MarkedPart, seed: int) -> EpochSampler:
    return EpochSampler(part.patches, Sampling(batches=recipe.fitting.batches), recipe.fitting.batch, seed)


def _prepared(part: MarkedPart, recipe: FasterRcnnRecipe, device: torch.device) -> Iterator[tuple[Tensor, Tensor]]:
    """Windows of all patches of a part, as many at a time as training has, and their positions in it."""
    for batch in loader(part.patches, in_order(part.patches, -(-recipe.fitting.batch // recipe.fitting.accumulate))):
        yield _windows(batch["pixels"], recipe, device), batch["indices"]


def _windows(pixels: Tensor, recipe: FasterRcnnRecipe, device: torch.device) -> Tensor:
    """(n, channels, s, s) as the network sees them, of (n, 1, s, s) as stored."""
    spec = PatchInput(size_px=recipe.patches.size_px, normalisation="z-score")
    return prepare_tensor(as_float(pixels.to(device)), spec, recipe.network.backbone.channels)
