"""Sampling: which patches an epoch has, in which order, drawn from the seed and the number of the epoch alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from microcalc.errors import UsageError
from microcalc.recipe.fitting import Sampling
from microcalc.training.parts import Part

Indices = NDArray[np.intp]


class Draw(NamedTuple):
    """The patches of a batch."""

    #: (n,) positions in the part.
    positions: Indices
    #: (n,) quarter turns, anticlockwise, that each is turned by first: 0 to 3.
    turns: Indices


class EpochSampler:
    """The batches of training, epoch by epoch.

    Equal part, sampling, batch, seed and epoch give equal batches, whatever was drawn before. Several processes, one a
    GPU, share every batch: each has an equal part of it, and all of them together what a single one would have, but for
    a few patches that stand in twice where an epoch's last batch cannot be shared out evenly.

        sampler = EpochSampler(part, recipe.fitting.sampling, recipe.fitting.batch, seed)
        sampler.epoch = 3
        for draw in sampler: ...

    Args:
        part: what is drawn from.
        sampling: of the recipe.
        batch: patches of a batch, over all processes.
        seed: another one, other draws.
        rank: which of the processes this is, from 0.
        world: how many there are.

    Raises:
        UsageError: the batch cannot be shared out evenly.
    """

    def __init__(self, part: Part, sampling: Sampling, batch: int, seed: int, *, rank: int = 0, world: int = 1) -> None:
        if batch % world:
            raise UsageError(
                expected=f"a batch that {world} GPUs share evenly",
                found=f"{batch} patches",
                do=f"use a number of GPUs that divides {batch}, or change the batch of the recipe",
            )
        #: Read when an epoch begins.
        self.epoch = 0
        self._sampling, self._batch, self._seed = sampling, batch, seed
        self._rank, self._world = rank, world
        self._positions, self._turns = _turned(part, sampling)
        self._classes = part.classes[self._positions]

    def __len__(self) -> int:
        """Batches of an epoch."""
        return len(self._starts(self.patches))

    def __iter__(self) -> Iterator[Draw]:
        order = self._order(np.random.default_rng([self._seed, self.epoch]))
        for start in self._starts(len(order)):
            batch = order[start : start + self._batch]
            share = -(-len(batch) // self._world)
            own = np.resize(batch, share * self._world)[self._rank :: self._world]
            yield Draw(self._positions[own], self._turns[own])

    def _starts(self, patches: int) -> range:
        """Of the batches. A last one of a single patch is left out: a batch norm learns nothing from one."""
        return range(0, patches - (patches % self._batch == 1 < self._batch), self._batch)

    @property
    def patches(self) -> int:
        """Of an epoch, each as often as it comes."""
        if self._sampling.batches is not None:
            return self._sampling.batches * self._batch
        if self._sampling.ratio is not None:
            positives = int((self._classes > 0).sum())
            return positives + self._negatives(positives)
        return len(self._positions)

    def _negatives(self, positives: int) -> int:
        assert self._sampling.ratio is not None
        return min(round(self._sampling.ratio * positives), int((self._classes == 0).sum()))

    def _order(self, rng: np.random.Generator) -> Indices:
        """(patches,) which of the patches, turned ones among them, an epoch has."""
        if self._sampling.balanced:
            return self._balanced(rng)
        pool = np.arange(len(self._positions))
        if self._sampling.ratio is not None:
            positives, negatives = np.flatnonzero(self._classes > 0), np.flatnonzero(self._classes == 0)
            drawn = rng.choice(negatives, self._negatives(len(positives)), replace=False)
            pool = np.concatenate([positives, drawn])
        rounds = -(-self.patches // len(pool))  # of all of them, where an epoch has more batches than that
        return np.concatenate([rng.permutation(pool) for _ in range(rounds)])[: self.patches]

    def _balanced(self, rng: np.random.Generator) -> Indices:
        """As many of each class, to within one, drawn with replacement."""
        classes, counts = np.unique(self._classes, return_counts=True)
        of_class = rng.permutation(np.resize(rng.permutation(len(classes)), self.patches))
        first = np.cumsum(counts) - counts
        drawn: Indices = np.argsort(self._classes, kind="stable")[first[of_class] + rng.integers(counts[of_class])]
        return drawn


def _turned(part: Part, sampling: Sampling) -> tuple[Indices, Indices]:
    """Positions and turns of all patches, and of those that also come turned by 90, 180 and 270 degrees."""
    every = np.arange(len(part))
    if sampling.turned_but is None:
        return every, np.zeros_like(every)
    turned = np.flatnonzero([patch.origin not in sampling.turned_but for patch in part.patches])
    turns = np.concatenate([np.zeros_like(every), np.repeat([1, 2, 3], len(turned))])
    return np.concatenate([every, np.tile(turned, 3)]), turns


def in_order(part: Part, batch: int) -> list[Draw]:
    """The batches of all patches of a part as it lists them: what validation and test are made of."""
    every = np.arange(len(part))
    return [Draw(own, np.zeros_like(own)) for own in np.split(every, range(batch, len(every), batch))]
