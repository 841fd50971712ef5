"""Fitting a network that maps calcium to windows that never come twice."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from microcalc.errors import MicrocalcError, ReadError
from microcalc.models.state_dicts import DAMAGED
from microcalc.output import replacing
from microcalc.recipe.segmenter import MapFitting
from microcalc.training.map_loss import map_loss
from microcalc.training.optimising import make_optimiser, set_rate
from microcalc.training.window_batches import Batch, WindowBatches, batches

#: What a run goes on from, in its ``work/``.
LAST = "checkpoints/last.ckpt"
#: Told of the steps done, and of their mean loss since it was last told.
OnSteps = Callable[[int, float], None]


@dataclass(frozen=True, eq=False)
class MapFit:
    """A fitted network."""

    #: With the running average of the weights; on the processor, in evaluation mode.
    module: nn.Module
    #: Mean training loss of every ``checkpoint_every`` steps.
    losses: tuple[float, ...]
    seconds: float


def fit_maps(
    network: nn.Module,
    data: Callable[[int], WindowBatches],
    fitting: MapFitting,
    checkpoint: Path,
    *,
    device: torch.device,
    workers: int,
    on_steps: OnSteps | None = None,
) -> MapFit:
    """Fit a network, or go on from the checkpoint where there is one.

    Args:
        network: (n, 1, s, s) -> (n, 1, s, s) logits, with the weights to begin with.
        data: the batches from a step on.
        fitting: how.
        checkpoint: written every ``fitting.checkpoint_every`` steps, whole or not at all.
        device: to compute on.
        workers: processes that draw windows.
        on_steps: told at every checkpoint.

    Raises:
        MicrocalcError: the loss is no number any more; earlier checkpoints are kept.
        ReadError: the checkpoint is damaged, or that of another network.
    """
    state = _Fit(network.to(device).to(memory_format=torch.channels_last), fitting)
    state.go_on(checkpoint)
    loss_sum, begun = 0.0, time.perf_counter()
    for step, batch in enumerate(batches(data(state.step), workers), state.step + 1):
        loss_sum += state.learn({name: part.to(device) for name, part in batch.items()})
        if step % fitting.checkpoint_every == 0 or step == fitting.steps:
            now = time.perf_counter()
            steps = (step - 1) % fitting.checkpoint_every + 1
            state.note(loss_sum / steps, now - begun, checkpoint)
            if on_steps is not None:
                on_steps(step, state.losses[-1])
            loss_sum, begun = 0.0, now
    return MapFit(state.average.cpu().eval(), tuple(state.losses), state.seconds)


class _Fit:
    """A network on its way: its weights and their running average, the optimiser, and what has been."""

    def __init__(self, network: nn.Module, fitting: MapFitting) -> None:
        self.network, self.fitting = network.train(), fitting
        self.average = copy.deepcopy(network)
        self.optimiser = make_optimiser(network, fitting.optimiser)
        self.step, self.seconds = 0, 0.0
        self.losses: list[float] = []

    def learn(self, batch: Batch) -> float:
        """One step; the loss."""
        set_rate(self.optimiser, self.fitting.optimiser.learning_rate * _rate(self.step, self.fitting))
        self.optimiser.zero_grad()
        images = batch["images"].contiguous(memory_format=torch.channels_last)
        loss = map_loss(self.network(images), batch["target"], batch["weights"], self.fitting.focal)
        if not torch.isfinite(loss):
            raise MicrocalcError(
                expected="a finite loss",
                found=f"{loss.item()} in step {self.step + 1}",
                do="choose a lower learning rate (--set fitting.optimiser.learning_rate=...)",
            )
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        self.optimiser.step()
        self.step += 1
        self._follow()
        return loss.item()

    @torch.no_grad()
    def _follow(self) -> None:
        """Move the average: quickly at first, when there is nothing worth keeping."""
        kept = min(self.fitting.average, (1 + self.step) / (10 + self.step))
        pairs = zip(self.average.state_dict().values(), self.network.state_dict().values(), strict=True)
        for mean, value in pairs:
            if mean.is_floating_point():
                mean.lerp_(value, 1 - kept)
            else:
                mean.copy_(value)

    def note(self, loss: float, seconds: float, checkpoint: Path) -> None:
        """Keep all that the next step follows from."""
        self.losses.append(loss)
        self.seconds += seconds
        kept = {
            "step": self.step,
            "seconds": self.seconds,
            "losses": self.losses,
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
        }
        with replacing(checkpoint) as file:
            torch.save(kept, file)

    def go_on(self, checkpoint: Path) -> None:
        """Take over what an earlier run has kept, if there is anything."""
        if not checkpoint.exists():
            return
        try:
            kept: dict[str, Any] = torch.load(checkpoint, map_location="cpu", weights_only=True)
            self.network.load_state_dict(kept["network"])
            self.average.load_state_dict(kept["average"])
            self.optimiser.load_state_dict(kept["optimiser"])
            self.step, self.seconds, self.losses = kept["step"], kept["seconds"], kept["losses"]
        except (OSError, KeyError, *DAMAGED) as error:
            raise ReadError(
                expected="the checkpoint of an earlier run of this recipe, to go on from",
                found=f"a damaged one, or another network's ({type(error).__name__})",
                do="begin anew without --resume",
                where=checkpoint,
            ) from error


def _rate(step: int, fitting: MapFitting) -> float:
    """Share of the learning rate in a step: a line up, then a cosine down to nought."""
    rising = max(1.0, fitting.warm_up * fitting.steps)
    if step < rising:
        return (step + 1) / rising
    return 0.5 * (1 + math.cos(math.pi * (step - rising) / max(1.0, fitting.steps - rising)))
