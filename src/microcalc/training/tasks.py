"""Tasks: what a network learns from patches, one class for each kind of recipe that is fitted to them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor, nn

from microcalc.models.freezing import freeze
from microcalc.models.networks import build
from microcalc.models.start import load_same, load_start
from microcalc.models.unet3plus import UNet3Plus, build_unet3plus
from microcalc.recipe import PatchClassifierRecipe
from microcalc.recipe.multi_task_segmenter import MultiTaskSegmenterRecipe
from microcalc.recipe.patch_classifier import PatchRecipe
from microcalc.training.losses import patch_losses
from microcalc.training.multi_task_loss import multi_task_losses


class Asked(NamedTuple):
    """A batch of patches, made ready, and what is true of them."""

    #: (n, channels, s, s) float32.
    patches: Tensor
    #: (n,) int64.
    classes: Tensor
    #: (n, outlined classes, s, s) bool; None where the task does without.
    masks: Tensor | None = None

    def parts(self, count: int) -> list[Asked]:
        """The batch in at most so many parts."""
        patches, classes = self.patches.chunk(count), self.classes.chunk(count)
        masks = [None] * len(patches) if self.masks is None else self.masks.chunk(count)
        return [Asked(*part) for part in zip(patches, classes, masks, strict=True)]


class Task(Protocol):
    """What a network is asked for."""

    @property
    def network(self) -> str:
        """Name of the network."""

    @property
    def channels(self) -> int:
        """Of its input."""

    @property
    def fetches(self) -> bool:
        """Whether the weights to start from may be missing, since they come from elsewhere."""

    @property
    def outlined(self) -> int:
        """How many masks it learns to draw; 0: none is asked for."""

    def make(self) -> nn.Module:
        """The network with random weights; those that are to stay as they are, frozen."""

    def start(self, module: nn.Module, init: Path | None) -> str:
        """Give the network the weights that it starts from, those of a file where one is named; in words.

        Raises:
            UsageError: they are those of another network, or cannot be fetched.
            ReadError: the file cannot be read.
        """

    def judge(self, module: nn.Module, asked: Asked) -> tuple[Tensor, Tensor]:
        """What the network says of the classes of a batch, (n, outputs) logits, and (n,) the loss of each patch."""

    def classes(self, module: nn.Module, patches: Tensor) -> Tensor:
        """The former alone, of (n, channels, s, s) patches made ready."""


@dataclass(frozen=True)
class OfClass:
    """To name the class of a patch."""

    recipe: PatchClassifierRecipe
    outlined: int = 0

    @property
    def network(self) -> str:
        """See :class:`Task`, as for all of these."""
        return self.recipe.network.name

    @property
    def channels(self) -> int:
        """1, or 3 for the grey patch three times."""
        return self.recipe.network.channels

    @property
    def fetches(self) -> bool:
        """Where the recipe starts from learnt weights."""
        return self.recipe.network.start != "random"

    def make(self) -> nn.Module:
        """One of :mod:`microcalc.models.networks`."""
        module = build(self.recipe.network, self.recipe.outputs, self.recipe.input)
        if self.recipe.network.frozen_through is not None:
            freeze(module, self.recipe.network.frozen_through)
        return module

    def start(self, module: nn.Module, init: Path | None) -> str:
        """As :func:`~microcalc.models.start.load_start` gives them."""
        return load_start(module, self.recipe.network, init=init)

    def judge(self, module: nn.Module, asked: Asked) -> tuple[Tensor, Tensor]:
        """By the recipe's cross-entropy."""
        logits = self.classes(module, asked.patches)
        return logits, patch_losses(self.recipe.fitting.loss, logits, asked.classes)

    def classes(self, module: nn.Module, patches: Tensor) -> Tensor:
        """All that the network says; of one that answers for every window, of the one window of each patch."""
        logits: Tensor = module(patches)
        return logits.flatten(1)


@dataclass(frozen=True)
class OfClassAndOutline:
    """To name the class of a patch and outline its calcifications, at every scale."""

    recipe: MultiTaskSegmenterRecipe
    network: str = "UNet 3+"
    fetches: bool = False

    @property
    def channels(self) -> int:
        """1."""
        return self.recipe.network.channels

    @property
    def outlined(self) -> int:
        """None where the recipe leaves that task out."""
        return len(self.recipe.maps)

    def make(self) -> nn.Module:
        """A UNet 3+, channels last in memory."""
        module = build_unet3plus(self.recipe.network, len(self.recipe.masks), self.recipe.outputs)
        return module.to(memory_format=torch.channels_last)  # a step then takes three quarters of the time

    def start(self, module: nn.Module, init: Path | None) -> str:
        """At random, unless a file is named."""
        return "random weights" if init is None else load_same(module, self.network, init)

    def judge(self, module: nn.Module, asked: Asked) -> tuple[Tensor, Tensor]:
        """Classes of the finest scale; losses of all scales."""
        assert isinstance(module, UNet3Plus)
        answers = module.scales(asked.patches)
        losses = multi_task_losses(self.recipe.fitting.loss, answers, asked.classes, asked.masks)
        return answers[0].classes, losses.both

    def classes(self, module: nn.Module, patches: Tensor) -> Tensor:
        """Of the finest scale."""
        logits: Tensor = module(patches)[1] if self.outlined else module(patches)
        return logits


#: Kind of recipe -> its task.
_TASKS: dict[str, Callable[[Any], Task]] = {"patch-classifier": OfClass, "multi-task-segmenter": OfClassAndOutline}


def task_of(recipe: PatchRecipe) -> Task:
    """What a recipe of a network that is trained on patches asks it for."""
    return _TASKS[recipe.kind](recipe)
