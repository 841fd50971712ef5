"""What happens at the end of every epoch: it is kept, logged and told, and may be the last."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import lightning.pytorch as lightning

from microcalc.training.checkpoints import BEST, LAST, Checkpoint, write_weights
from microcalc.training.history import HISTORY, History, kept_epoch, stop_reason
from microcalc.training.logs import log_rows, log_settings, quieten
from microcalc.training.module import PatchModule
from microcalc.training.relay import across_processes
from microcalc.training.steps import OnStep, Step


class EpochEnd(lightning.Callback):
    """Keeps every epoch before the next one begins.

    Args:
        folder: ``work/`` of the run.
        start: where the weights started, in words.
        earlier: what an interrupted run has left.
    """

    def __init__(self, folder: Path, start: str, earlier: Checkpoint | None) -> None:
        self._folder = folder
        self._start = start
        self._earlier = earlier
        self._on_step: OnStep | None = None

    @contextlib.contextmanager
    def telling(self, on_step: OnStep | None, *, processes: int) -> Iterator[None]:
        """While this lasts, ``on_step`` is told of every epoch, in this process wherever the epoch was."""
        if on_step is None or processes == 1:
            self._on_step = on_step
            yield
            return
        with across_processes(on_step) as self._on_step:
            yield

    def setup(self, trainer: lightning.Trainer, module: lightning.LightningModule, stage: str) -> None:
        """Keep processes of several GPUs quiet, each of which begins with a log of its own."""
        if trainer.world_size > 1:
            quieten()

    def on_train_start(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        """Take over the optimiser's state, and log the epochs done before."""
        assert isinstance(module, PatchModule)
        if self._earlier is not None:
            module.optimiser.load_state_dict(self._earlier.optimiser)
            trainer.precision_plugin.load_state_dict(self._earlier.precision)
            self._earlier = None
        if trainer.is_global_zero:
            log_settings(trainer.loggers, module.recipe, module.seed)
            log_rows(trainer.loggers, module.rows)

    def on_train_epoch_end(self, trainer: lightning.Trainer, module: lightning.LightningModule) -> None:
        """End the epoch."""
        assert isinstance(module, PatchModule)
        row = module.finished_row()
        module.rows.append(row)
        stopping = module.recipe.fitting.stopping
        reason = stop_reason(stopping, module.losses)
        trainer.should_stop = reason is not None
        if not trainer.is_global_zero:
            return
        kept = kept_epoch(stopping, module.rows)
        if kept == row.epoch:
            write_weights(self._folder / BEST, module.network)
        self._checkpoint(trainer, module).write(self._folder / LAST)
        History(epochs=tuple(module.rows), kept=kept, stopped=reason).write(self._folder / HISTORY)
        log_rows(trainer.loggers, [row])
        if self._on_step is not None:
            self._on_step(Step(name=f"epoch {row.epoch}", seconds=row.seconds), row.epoch, stopping.epochs)

    def _checkpoint(self, trainer: lightning.Trainer, module: PatchModule) -> Checkpoint:
        return Checkpoint(
            network=module.task.network,
            start=self._start,
            weights=module.network.state_dict(),
            optimiser=module.optimiser.state_dict(),
            precision=trainer.precision_plugin.state_dict(),
            rows=[row.model_dump() for row in module.rows],
        )
