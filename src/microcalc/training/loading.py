"""Loading: whole batches of patches, from the store to the network, and how long it waits for them."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from microcalc.patches.store import WHITE
from microcalc.training.parts import Part
from microcalc.training.sampling import Draw

#: ``pixels`` (n, 1, s, s) uint16, ``classes`` (n,) int64, ``indices`` (n,) int64, positions in the part; where they are
#: asked for and the protocol has them, ``masks`` (n, channels, s, s) bool.
Batch = dict[str, Tensor]


class PatchBatches(Dataset[Batch]):
    """The patches of a part, a batch at a time; may be pickled: every worker opens the store itself."""

    def __init__(self, part: Part, *, masks: bool = False) -> None:
        self._part, self._masks = part, masks

    def __getitem__(self, draw: Draw) -> Batch:
        """The batch of a draw."""
        rows = self._part.indices[draw.positions]
        batch = {
            "pixels": torch.from_numpy(_turned(self._part.store.pixels(rows), draw.turns)[:, None]),
            "classes": torch.from_numpy(self._part.classes[draw.positions].astype(np.int64)),
            "indices": torch.from_numpy(draw.positions.astype(np.int64)),
        }
        masks = self._part.store.masks(rows) if self._masks else None
        return batch if masks is None else batch | {"masks": torch.from_numpy(_turned(masks, draw.turns))}


def _turned(patches: NDArray[Any], turns: NDArray[np.intp]) -> NDArray[Any]:
    """(n, ..., s, s) patches, each turned by its quarter turns, in place."""
    for turn in np.unique(turns[turns > 0]).tolist():
        patches[turns == turn] = np.rot90(patches[turns == turn], turn, axes=(-2, -1))
    return patches


def loader(
    part: Part, draws: Iterable[Draw], *, masks: bool = False, workers: int = 0, pin_memory: bool = False
) -> DataLoader[Batch]:
    """Batches of a part, in the order of the draws.

    Args:
        part: what is read.
        draws: an :class:`~microcalc.training.sampling.EpochSampler`, or
            :func:`~microcalc.training.sampling.in_order`; asked anew for each epoch.
        masks: with those of the patches.
        workers: processes that read; 0: the caller reads, which for small patches is faster.
        pin_memory: for a GPU to copy from while it works.
    """
    return DataLoader(
        PatchBatches(part, masks=masks),
        sampler=draws,
        batch_size=None,
        num_workers=workers,
        persistent_workers=workers > 0,
        pin_memory=pin_memory,
    )


def as_float(pixels: Tensor) -> Tensor:
    """(n, 1, s, s) uint16 pixels as stored -> float32 in 0..1, on their own device."""
    return pixels.to(torch.float32) / WHITE


class WaitMeter:
    """Batches of a loader, and the share of an epoch's time spent waiting for them.

    batches = WaitMeter(loader(part, sampler))
    for batch in batches: ...
    batches.share                                        # of the epoch just ended
    """

    def __init__(self, batches: DataLoader[Batch]) -> None:
        self._batches = batches
        #: Seconds of the present epoch, or of the last one: all of them, and those of waiting.
        self.seconds, self.waited = 0.0, 0.0

    def __len__(self) -> int:
        return len(self._batches)

    def __iter__(self) -> Iterator[Batch]:
        begun = time.perf_counter()
        self.seconds = self.waited = 0.0
        batches = iter(self._batches)
        while True:
            asked = time.perf_counter()
            batch = next(batches, None)
            now = time.perf_counter()
            self.seconds, self.waited = now - begun, self.waited + now - asked
            if batch is None:
                return
            yield batch

    @property
    def share(self) -> float:
        """0..1; NaN before the first epoch."""
        return self.waited / self.seconds if self.seconds else float("nan")
