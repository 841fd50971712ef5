"""The Lightning module that fits a network to patches."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable
from typing import Any

import lightning.pytorch as lightning
import numpy as np
import torch
from lightning.pytorch.core.optimizer import LightningOptimizer
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.utils.data import DataLoader

from microcalc.errors import MicrocalcError
from microcalc.evaluation.classification import auc
from microcalc.models.freezing import keep_frozen
from microcalc.models.probabilities import class_probabilities, target_scores
from microcalc.recipe import Fitting
from microcalc.recipe.patch_classifier import PatchRecipe
from microcalc.training.augment import augment
from microcalc.training.history import EpochRow, learning_rate
from microcalc.training.loading import Batch, WaitMeter, as_float, loader
from microcalc.training.losses import called, class_weights
from microcalc.training.normalise_tensor import prepare_tensor
from microcalc.training.optimising import make_optimiser, set_rate
from microcalc.training.parts import Part, Parts
from microcalc.training.sampling import Draw, EpochSampler, in_order
from microcalc.training.tasks import Asked, Task, task_of

#: Processes that read patches while a GPU works; without one they would only take time from the network.
_WORKERS = 2


class PatchModule(lightning.LightningModule):
    """A network, how it is fitted and on what, and the history of its epochs.

    Whatever is random in a step (augmentation, dropout) is drawn from a seed of its own, made from those of the run,
    the epoch, the step and the process: an epoch is the same whether or not the run was interrupted before it.

    Args:
        network: of the recipe, with the weights to begin with.
        recipe: how it is fitted.
        parts: patches to train and to validate on.
        seed: of the run.
        rows: the epochs done before.
    """

    def __init__(
        self, network: nn.Module, recipe: PatchRecipe, parts: Parts, seed: int, rows: Iterable[EpochRow]
    ) -> None:
        super().__init__()
        self.network = network
        self.recipe = recipe
        self.task = task_of(recipe)
        self.seed = seed
        self._parts = parts
        #: Of the epochs done, in this run and before it.
        self.rows = list(rows)
        # The loss of a batch is a weighted mean, which parts of a batch have to be added up to by hand.
        self.automatic_optimization = False

    @property
    def losses(self) -> list[float]:
        """Validation losses of the epochs done."""
        return [row.validation_loss for row in self.rows]

    @property
    def optimiser(self) -> Optimizer:
        """At work, as torch has it."""
        found = self.optimizers(use_pl_optimizer=False)
        assert isinstance(found, Optimizer)
        return found

    def train(self, mode: bool = True) -> PatchModule:
        """As of any module, but frozen batch norms stay in inference mode."""
        super().train(mode)
        keep_frozen(self.network)
        return self

    def configure_optimizers(self) -> Optimizer:
        """The recipe's optimiser."""
        return make_optimiser(self.network, self.recipe.fitting.optimiser)

    def train_dataloader(self) -> WaitMeter:
        """This process's part of every batch, drawn anew each epoch."""
        fitting, trainer = self.recipe.fitting, self.trainer
        self._sampler = EpochSampler(
            self._parts.train,
            fitting.sampling,
            fitting.batch,
            self.seed,
            rank=trainer.global_rank,
            world=trainer.world_size,
        )
        self._batches = WaitMeter(self._loader(self._parts.train, self._sampler))
        return self._batches

    def val_dataloader(self) -> DataLoader[Batch]:
        """All validation patches, in every process: what is decided by them is decided alike."""
        draws = in_order(self._parts.validation, at_once(self.recipe.fitting))
        return self._loader(self._parts.validation, draws)

    def on_train_epoch_start(self) -> None:
        """Begin a row of the history."""
        self._sampler.epoch = len(self.rows)
        set_rate(self.optimiser, learning_rate(self.recipe.fitting, self.losses))
        #: Of the epoch's patches so far: loss times weight, weight, right calls, number.
        self._sums = torch.zeros(4, dtype=torch.float64, device=self.device)
        self._validated: list[tuple[Tensor, Tensor, Tensor]] = []
        self._started = time.perf_counter()

    def training_step(self, batch: Batch, step: int) -> None:
        """One step of the optimiser, on a whole batch.

        Raises:
            MicrocalcError: the loss is not finite any more.
        """
        fitting, classes = self.recipe.fitting, batch["classes"]
        of_network, of_augmentation = _seeds(self.seed, len(self.rows) + 1, step, self.global_rank)
        torch.manual_seed(of_network)
        with torch.autocast(self.device.type, enabled=False):
            generator = torch.Generator().manual_seed(of_augmentation)
            raw, masks = augment(as_float(batch["pixels"]), batch.get("masks"), fitting.augmentation, generator)
            asked = Asked(prepare_tensor(raw, self.recipe.input, self.task.channels), classes, masks)
        optimiser = self.optimizers()
        assert isinstance(optimiser, LightningOptimizer)
        optimiser.zero_grad()
        logits, losses = back_propagate(self.network, asked, self.task, fitting, self.manual_backward)
        if not torch.isfinite(losses).all():
            raise self._diverged(f"in step {step + 1}")
        optimiser.step()
        weights = class_weights(fitting.loss, classes)
        right = (called(logits) == classes).sum()
        self._sums += torch.stack([(weights * losses).sum(), weights.sum(), right, right.new_tensor(len(classes))])

    def validation_step(self, batch: Batch, step: int) -> None:
        """Keep the outputs and losses of the patches of a batch."""
        with torch.autocast(self.device.type, enabled=False):
            patches = prepare_tensor(as_float(batch["pixels"]), self.recipe.input, self.task.channels)
        logits, losses = self.task.judge(self.network, Asked(patches, batch["classes"], batch.get("masks")))
        self._validated.append((logits.float(), losses, batch["classes"]))

    def finished_row(self) -> EpochRow:
        """The row of the epoch that ends here, the same in all processes.

        Raises:
            MicrocalcError: the validation loss is not finite.
        """
        sums = self.trainer.strategy.reduce(self._sums, reduce_op="sum").tolist()
        logits, losses, classes = (torch.cat(parts) for parts in zip(*self._validated, strict=True))
        weights = class_weights(self.recipe.fitting.loss, classes)
        loss = float((weights * losses).sum() / weights.sum())
        if not math.isfinite(loss):
            raise self._diverged("on validation")
        area, remark = self._validation_auc(logits, classes)
        seconds = time.perf_counter() - self._started
        row = EpochRow(
            epoch=len(self.rows) + 1,
            train_loss=sums[0] / sums[1],
            validation_loss=loss,
            train_accuracy=sums[2] / sums[3],
            validation_accuracy=float((called(logits) == classes).double().mean()),
            validation_auc=area,
            learning_rate=self.optimiser.param_groups[0]["lr"],
            seconds=round(seconds, 3),
            waiting=round(self._batches.waited / seconds, 4),
            remark=remark,
        )
        # Everything that follows is decided by the row: no process may have another one.
        return self.trainer.strategy.broadcast(row)

    def _loader(self, part: Part, draws: Iterable[Draw]) -> DataLoader[Batch]:
        on_gpu = self.device.type == "cuda"
        workers = _WORKERS if on_gpu else 0
        return loader(part, draws, masks=self.task.outlined > 0, workers=workers, pin_memory=on_gpu)

    def _validation_auc(self, logits: Tensor, classes: Tensor) -> tuple[float | None, str | None]:
        spec = self.recipe.patches
        target = spec.targets[0]
        positive = np.array([one.name in target.classes for one in spec.classes])[classes.cpu().numpy()]
        if positive.all() or not positive.any():
            return None, f"no AUC: validation patches are all of one side of {target.name}"
        scores = target_scores(class_probabilities(logits.cpu().numpy()), spec.classes, target)
        return auc(positive, scores), None

    def _diverged(self, where: str) -> MicrocalcError:
        rate = self.optimiser.param_groups[0]["lr"]
        done = len(self.rows)
        kept = f"epochs 1 to {done} are kept in work/checkpoints" if done else "no epoch was finished before it"
        return MicrocalcError(
            expected="a loss that is a finite number",
            found=f"one that is not, {where} of epoch {done + 1}, at learning rate {rate:g}",
            do=f"try a lower rate, such as --set fitting.optimiser.learning_rate={rate / 10:g}, or precision f32 "
            f"if it was another; {kept}",
        )


def at_once(fitting: Fitting) -> int:
    """Patches that the recipe has memory for at a time."""
    return math.ceil(fitting.batch / fitting.accumulate)


def back_propagate(
    network: nn.Module, asked: Asked, task: Task, fitting: Fitting, backward: Callable[[Tensor], Any]
) -> tuple[Tensor, Tensor]:
    """Add the gradients of a batch's loss, worked on in ``accumulate`` parts: but for batch norms as if in one.

    Args:
        network: to be trained.
        asked: the batch.
        task: how its answers are judged.
        fitting: class weights and parts.
        backward: goes back from a loss.

    Returns:
        Detached logits (n, outputs) and losses (n,).
    """
    weights = class_weights(fitting.loss, asked.classes)
    shares = (weights / weights.sum()).chunk(fitting.accumulate)
    outputs, losses = [], []
    for part, share in zip(asked.parts(fitting.accumulate), shares, strict=True):
        logits, each = task.judge(network, part)
        backward((share * each).sum())
        outputs.append(logits.detach())
        losses.append(each.detach())
    return torch.cat(outputs), torch.cat(losses)


def _seeds(*parts: int) -> list[int]:
    """Two seeds for torch out of several numbers."""
    drawn: list[int] = (np.random.SeedSequence(parts).generate_state(2, np.uint64) >> np.uint64(1)).tolist()
    return drawn
