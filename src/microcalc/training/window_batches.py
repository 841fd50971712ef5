"""Batches for a network that maps calcium: windows drawn, changed at random and made ready as inference does it."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from microcalc.errors import MicrocalcError
from microcalc.models.local_contrast import local_contrast
from microcalc.recipe.fitting import Augmentation
from microcalc.recipe.segmenter import Windows
from microcalc.training.augment import augment
from microcalc.training.draws import Drawn, Source

#: ``images`` (n, 1, s, s) float32 made ready; ``target`` (n, 1, s, s) int8: 1 calcium, 0 none, -1 not asked;
#: ``weights`` (n, 1, s, s) float32 of pixels with calcium.
Batch = dict[str, Tensor]
#: Pixels that a calcification counts for, whatever its size: small ones are as worth finding as large ones.
SPECK_PX = 6.0
#: The rim of a calcification is neither: it is not asked about.
_RIM = np.ones((3, 3), np.uint8)


class WindowBatches(Dataset[Batch]):
    """The batch of every step from ``first`` on; may be pickled, and equal seeds and steps give equal batches."""

    def __init__(
        self, source: Source, windows: Windows, augmentation: Augmentation, seed: int, *, first: int, steps: int
    ) -> None:
        self._source, self._windows, self._augmentation = source, windows, augmentation
        self._seed, self._first, self._steps = seed, first, steps

    def __len__(self) -> int:
        return self._steps - self._first

    def __getitem__(self, index: int) -> Batch:
        """The batch of one step."""
        if index >= len(self):
            raise IndexError(index)
        rng = np.random.default_rng([self._seed, self._first + index])
        wanted = self._windows
        drawn = self._source.draw(rng, wanted.batch, size_px=wanted.size_px, positive_share=wanted.positive_share)
        return prepared(drawn, self._augmentation, torch.Generator().manual_seed(int(rng.integers(2**63))))


def prepared(drawn: Drawn, augmentation: Augmentation, generator: torch.Generator) -> Batch:
    """Windows changed at random and made ready."""
    known = np.stack([drawn.target, drawn.breast.astype(np.int8)], axis=1)
    pixels, moved = augment(torch.from_numpy(drawn.pixels)[:, None], torch.from_numpy(known), augmentation, generator)
    assert moved is not None  # masks went in
    targets, breasts = moved[:, 0].numpy(), moved[:, 1].numpy() > 0
    windows = zip(pixels[:, 0].numpy(), breasts, drawn.spacing_mm.tolist(), strict=True)
    images = np.stack([local_contrast(image, breast, pitch) for image, breast, pitch in windows])
    return {
        "images": torch.from_numpy(images)[:, None],
        "target": torch.from_numpy(np.stack([_rimmed(target) for target in targets]))[:, None],
        "weights": torch.from_numpy(np.stack([_weights(target == 1) for target in targets]))[:, None],
    }


def batches(data: WindowBatches, workers: int) -> Iterator[Batch]:
    """The batches in order, drawn by so many processes while the network works.

    Raises:
        MicrocalcError: what the source raises, in whatever process.
    """
    if not len(data):
        return  # nor are processes started
    context = "spawn" if workers else None
    for drawn in DataLoader(_Told(data), batch_size=None, num_workers=workers, multiprocessing_context=context):
        if isinstance(drawn, MicrocalcError):
            raise drawn
        yield drawn


class _Told(Dataset[Batch | MicrocalcError]):
    """Batches, errors among them as values: out of a worker torch raises another error, with a traceback for text."""

    def __init__(self, data: WindowBatches) -> None:
        self._data = data

    def __len__(self) -> int:
        return len(self._data)

    def __getitem__(self, index: int) -> Batch | MicrocalcError:
        try:
            return self._data[index]
        except MicrocalcError as error:
            return error


def _rimmed(target: NDArray[np.int8]) -> NDArray[np.int8]:
    """The target, with the pixels beside calcium not asked about."""
    rim = cv2.dilate((target == 1).astype(np.uint8), _RIM) > 0
    return np.where(rim & (target == 0), np.int8(-1), target)


def _weights(calcium: NDArray[np.bool_]) -> NDArray[np.float32]:
    """What each pixel with calcium counts: every calcification ``SPECK_PX`` together."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(calcium.astype(np.uint8), connectivity=8)
    weights = (SPECK_PX / stats[:, cv2.CC_STAT_AREA]).astype(np.float32)
    weights[0] = 0
    of_pixels: NDArray[np.float32] = weights[labels]
    return of_pixels
