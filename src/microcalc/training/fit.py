"""Fitting a network to training patches, watched on validation patches."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import lightning.pytorch as lightning
import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.multiprocessing.spawn import ProcessException

from microcalc.errors import MicrocalcError
from microcalc.models.state_dicts import read_state_dict
from microcalc.models.torch_network import torch_device
from microcalc.output import remove
from microcalc.recipe.patch_classifier import PatchRecipe
from microcalc.training.checkpoints import BEST, LAST, Checkpoint
from microcalc.training.devices import Devices, choose
from microcalc.training.epoch_end import EpochEnd
from microcalc.training.history import HISTORY, EpochRow, History, kept_epoch, stop_reason
from microcalc.training.job import Job
from microcalc.training.loading import as_float, loader
from microcalc.training.logs import check_loggers, make_loggers, quiet
from microcalc.training.memory import is_out_of_memory, out_of_memory
from microcalc.training.module import PatchModule, at_once
from microcalc.training.normalise_tensor import prepare_tensor
from microcalc.training.parts import Part, Parts
from microcalc.training.sampling import EpochSampler, in_order
from microcalc.training.tasks import task_of


@dataclass(frozen=True, eq=False)
class Fitted:
    """A fitted network, and how it came about."""

    #: With the weights of the epoch that is kept; on the processor, in evaluation mode.
    module: nn.Module
    history: tuple[EpochRow, ...]
    #: The epoch that is kept, from 1.
    kept: int
    #: Why training ended.
    stopped: str
    #: Where the weights started, in words.
    start: str
    #: Name of the network.
    network: str
    #: Patches drawn in all epochs, each as often as it came.
    patches: int

    @property
    def seconds(self) -> float:
        """Of all epochs."""
        return sum(row.seconds for row in self.history)

    @property
    def waiting(self) -> float:
        """Share of them in which the network waited for data."""
        return sum(row.seconds * row.waiting for row in self.history) / self.seconds


def check(job: Job[PatchRecipe]) -> None:
    """Make sure, before there are patches, that what a job asks for is there: device, logs, weights to start from.

    Raises:
        UsageError: it is not; or the weights are those of another network.
        ReadError: the file of weights cannot be read.
    """
    compute, recipe = job.compute, job.recipe
    choose(compute.device, compute.gpus, recipe.fitting.precision)
    check_loggers(compute.loggers)
    goes_on = job.resume and (job.out / "work" / LAST).exists()
    if not goes_on and (compute.init is not None or task_of(recipe).fetches):
        _network(job, None)


def fit(job: Job[PatchRecipe], parts: Parts) -> Fitted:
    """Fit the network of a recipe, epoch by epoch, or go on where an interrupted run has stopped.

    After every epoch ``work/`` of the run holds ``checkpoints/last.ckpt``, all that the next one follows from,
    ``checkpoints/best.safetensors``, the weights of the epoch that is kept, and ``history.json``; ``logs/`` the same
    history for other tools. Equal jobs on equal parts give equal histories, interrupted or not, on one machine with one
    number of threads.

    Args:
        job: recipe, folder, seed, and what to compute on; its ``on_step`` is told of every epoch.
        parts: patches to train on, and to validate on.

    Raises:
        UsageError: a device that is not there, or weights of another network to start or to go on from.
        MicrocalcError: the loss is no number any more, or memory has run out; epochs done before are kept.
        KeyboardInterrupt: Ctrl-C; epochs done before are kept.
    """
    devices = choose(job.compute.device, job.compute.gpus, job.recipe.fitting.precision)
    work, stopping = job.out / "work", job.recipe.fitting.stopping
    earlier = _earlier(work, resume=job.resume)
    network, start = _network(job, earlier)
    rows = () if earlier is None else earlier.history
    if stop_reason(stopping, [row.validation_loss for row in rows]) is None:
        module = PatchModule(network, job.recipe, parts, job.seed, rows)
        _train(job, module, EpochEnd(work, start, earlier), devices)
        rows = Checkpoint.read(work / LAST).history  # of the processes that have trained
    stopped = stop_reason(stopping, [row.validation_loss for row in rows])
    assert stopped is not None
    kept = kept_epoch(stopping, rows)
    # Again: a kill may have come between the last checkpoint and this.
    History(epochs=rows, kept=kept, stopped=stopped).write(work / HISTORY)
    network.load_state_dict(read_state_dict(work / BEST)[0])
    fitting = job.recipe.fitting
    drawn = len(rows) * EpochSampler(parts.train, fitting.sampling, fitting.batch, job.seed).patches
    return Fitted(network.cpu().eval(), rows, kept, stopped, start, task_of(job.recipe).network, drawn)


def predict(module: nn.Module, part: Part, recipe: PatchRecipe, *, device: str = "auto") -> NDArray[np.float32]:
    """What a network says of the classes of the patches of a part.

    Args:
        module: left on the processor, in evaluation mode.
        part: of the data.
        recipe: of the network.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.

    Returns:
        (m, outputs) float32 logits, in the part's order.
    """
    place, task = torch_device(device), task_of(recipe)
    module.to(place).eval()
    outputs = []
    with torch.inference_mode():
        for batch in loader(part, in_order(part, at_once(recipe.fitting))):
            patches = prepare_tensor(as_float(batch["pixels"].to(place)), recipe.input, task.channels)
            outputs.append(task.classes(module, patches).float().cpu().numpy())
    module.cpu()
    return np.concatenate(outputs)


def _earlier(work: Path, *, resume: bool) -> Checkpoint | None:
    """What an interrupted run has left; without ``resume`` it is removed, and never taken for this run's."""
    if not resume:
        for name in (LAST, BEST, HISTORY):
            remove(work / name)
    return Checkpoint.read(work / LAST) if (work / LAST).exists() else None


def _network(job: Job[PatchRecipe], earlier: Checkpoint | None) -> tuple[nn.Module, str]:
    """The network with the weights to go on from, and where they started."""
    task = task_of(job.recipe)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(job.seed % 2**63)  # torch takes no larger one
        network = task.make()
    if earlier is None:
        return network, task.start(network, job.compute.init)
    earlier.give_weights(network, task.network, job.out / "work" / LAST)
    return network, earlier.start


def _train(job: Job[PatchRecipe], module: PatchModule, end: EpochEnd, devices: Devices) -> None:
    """Train the epochs that are left."""
    fitting, fits = job.recipe.fitting, True
    with _as_it_was(), end.telling(job.on_step, processes=devices.count):
        trainer = lightning.Trainer(
            accelerator=devices.accelerator,
            devices=devices.devices,
            strategy=devices.strategy,
            precision=devices.precision,
            max_epochs=fitting.stopping.epochs - len(module.rows),
            callbacks=[end],
            logger=make_loggers(job.compute.loggers, job.out / "logs", job.recipe),
            deterministic="warn",
            default_root_dir=job.out,
            use_distributed_sampler=False,  # the sampler shares batches out itself, and repeats
            num_sanity_val_steps=0,
            log_every_n_steps=1,
            enable_checkpointing=False,  # EpochEnd does that
            enable_progress_bar=False,
            enable_model_summary=False,
        )
        try:
            trainer.fit(module)
        except ProcessException as error:
            raise _died(error, devices) from error
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            fits = False
    if not fits:  # asked here, where nothing holds on any more to the memory of the step that failed
        raise out_of_memory(module.network, job.recipe, devices.device)


@contextlib.contextmanager
def _as_it_was() -> Iterator[None]:
    """Leave the process as it was found: its random numbers, its log, and what Ctrl-C means.

    Lightning makes Ctrl-C the end of the process, and the process deaf to the next one.
    """
    handler = signal.getsignal(signal.SIGINT)
    strict, only_warns = (
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
    )
    try:
        with quiet(), torch.random.fork_rng(devices=[]):
            yield
    except SystemExit as error:
        signal.signal(signal.SIGINT, handler)
        raise KeyboardInterrupt from error
    finally:
        torch.use_deterministic_algorithms(strict, warn_only=only_warns)


def _died(error: ProcessException, devices: Devices) -> MicrocalcError:
    """The error of a run one of whose processes has met one: the last line of what it says."""
    return MicrocalcError(
        expected=f"training on {devices.count} GPUs to go on",
        found=str(error).strip().splitlines()[-1],
        do="mend that, and go on with --resume: epochs done before are kept",
    )
