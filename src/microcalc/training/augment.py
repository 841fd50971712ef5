"""Augmentation: random changes of a batch of training patches, and of their masks with them, where the batch lies."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Generator, Tensor

from microcalc.recipe.fitting import Augmentation, Operation
from microcalc.training.augment_operations import GEOMETRY, GREY_LEVELS, Draws


def augment(
    patches: Tensor, masks: Tensor | None, spec: Augmentation, generator: Generator
) -> tuple[Tensor, Tensor | None]:
    """Change every patch in its own way; all of a batch at once, on its device.

    The state of the generator decides: the same state, the same changes.

    Args:
        patches: (n, 1, s, s) float32 in 0..1, as read: before any resizing or normalisation; left as they are.
        masks: (n, channels, s, s) of any type, moved as their patches are; None: there are none.
        spec: of the recipe.
        generator: of random numbers, on any device.

    Returns:
        Patches and masks of the same shapes, types and ranges.
    """
    for operation, flags in _drawn(len(patches), spec, generator):
        draws = _draws(len(patches), operation, generator, patches.device)
        rows = flags.nonzero()[:, 0].to(patches.device)
        if not len(rows):
            continue
        own = Draws(draws.strength[rows], draws.place[rows])
        if operation.name in GEOMETRY:
            move = GEOMETRY[operation.name]
            if masks is not None:
                moved = move(masks[rows].float(), own, "nearest").to(masks.dtype)
                masks = masks.index_copy(0, rows, moved)
            changed = move(patches[rows], own, "bilinear")
        else:
            changed = GREY_LEVELS[operation.name](patches[rows], own, generator).clamp(0, 1)
        patches = patches.index_copy(0, rows, changed)
    return patches, masks


def _drawn(count: int, spec: Augmentation, generator: Generator) -> Iterator[tuple[Operation, Tensor]]:
    """Every operation, and (count,) which patches get it."""
    changed = _random(count, generator) < spec.probability
    for operations, one_of in ((spec.operations, spec.one_of), (spec.then_one_of, bool(spec.then_one_of))):
        if one_of:
            weights = torch.tensor([operation.probability for operation in operations], device=generator.device)
            chosen = torch.multinomial(weights, count, replacement=True, generator=generator)
        for number, operation in enumerate(operations):
            gets = chosen == number if one_of else _random(count, generator) < operation.probability
            yield operation, changed & gets


def _draws(count: int, operation: Operation, generator: Generator, device: torch.device) -> Draws:
    low, high = operation.low or 0.0, operation.high or 0.0
    drawn = torch.rand(count, 4, generator=generator, device=generator.device).to(device)
    return Draws(low + (high - low) * drawn[:, :2], drawn[:, 2:])


def _random(count: int, generator: Generator) -> Tensor:
    """(count,) in 0..1."""
    return torch.rand(count, generator=generator, device=generator.device)
