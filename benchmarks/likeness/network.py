"""Two-sample test by a small convolutional network on patches, normalised as a detector would see them. Needs torch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from likeness.folds import Auc, Fold, Sets, over_folds, units_of

#: Fixed before any phantom was compared: patches of a set to train on (drawn from its pictures), passes, batch.
TRAIN_PATCHES, EPOCHS, BATCH = 800, 5, 50
LEARNING_RATE, SEED = 2e-3, 0
_CHANNELS = (16, 32, 64)


def separate_by_network(folds: Sequence[Fold]) -> Auc:
    """How well the second set is told from the first by a network trained anew in each fold."""
    torch.manual_seed(SEED)
    results = []
    for fold in folds:
        model = _train(*(_balanced(part, np.random.default_rng(SEED)) for part in fold.train))
        patches, labels = _all(fold.test)
        units = units_of([s.patch_corners for part in fold.test for s in part])
        results.append((_scores(model, patches), labels, units))
    return over_folds(results)


def _balanced(part: Sequence, rng: np.random.Generator) -> NDArray[np.float32]:
    """``TRAIN_PATCHES`` of a set's patches, with repeats where it has fewer."""
    patches = np.concatenate([s.patches for s in part])
    chosen = rng.choice(len(patches), TRAIN_PATCHES, replace=len(patches) < TRAIN_PATCHES)
    return patches[chosen].astype(np.float32)


def _all(sets: Sets) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    parts = [np.concatenate([s.patches for s in part]).astype(np.float32) for part in sets]
    return np.concatenate(parts), np.repeat([False, True], [len(part) for part in parts])


def _network() -> nn.Module:
    """Three stages of two convolutions each; group normalisation, for batches of two origins would give them away."""
    layers: list[nn.Module] = []
    before = 1
    for channels in _CHANNELS:
        for stride in (2, 1):
            layers += [nn.Conv2d(before, channels, 3, stride, 1), nn.GroupNorm(4, channels), nn.ReLU()]
            before = channels
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.2), nn.Linear(before, 1))


def _train(first: NDArray[np.float32], second: NDArray[np.float32]) -> nn.Module:
    patches = torch.from_numpy(np.concatenate((first, second)))[:, None]
    labels = torch.repeat_interleave(torch.tensor([0.0, 1.0]), TRAIN_PATCHES)
    model = _network()
    optimiser = torch.optim.AdamW(model.parameters(), LEARNING_RATE, weight_decay=1e-2)
    steps = EPOCHS * len(patches) // BATCH
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, LEARNING_RATE, total_steps=steps)
    for _ in range(EPOCHS):
        for batch in torch.randperm(len(patches)).split(BATCH):
            seen = patches[batch]
            if torch.rand(()) < 0.5:
                seen = seen.flip(2)  # up and down only: the chest wall is always at the left
            loss = nn.functional.binary_cross_entropy_with_logits(model(seen)[:, 0], labels[batch])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
    return model.eval()


@torch.no_grad()
def _scores(model: nn.Module, patches: NDArray[np.float32]) -> NDArray[np.float64]:
    scores = [model(part[:, None])[:, 0] for part in torch.from_numpy(patches).split(256)]
    return torch.cat(scores).numpy().astype(np.float64)
