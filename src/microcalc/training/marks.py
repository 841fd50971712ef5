"""Marks: the calcifications that a network outlines on patches, and whether they are any.

What a segmenter's scores are worth is judged mark by mark, as a detector lists them. On a patch with lesions a mark is
a hit where its centre lies on one, and else left out: calcium that nobody asks for, such as large or faint specks, is
on no mask. On a patch of the negative class every mark is false.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from microcalc.detectors.specks import specks
from microcalc.evaluation.segmentation import dilate
from microcalc.models.torch_network import torch_device
from microcalc.recipe import MultiTaskSegmenterRecipe
from microcalc.training.loading import as_float, loader
from microcalc.training.module import at_once
from microcalc.training.normalise_tensor import prepare_tensor
from microcalc.training.parts import Part
from microcalc.training.sampling import in_order

#: Lowest probability of a pixel that a mark is made of.
_FLOOR = 0.05


@dataclass(frozen=True, eq=False)
class Marks:
    """N marks on the patches of a part."""

    #: What is outlined, one a map.
    kinds: tuple[str, ...]
    #: (N,) the maps' maxima, from ``floor`` to 1.
    scores: NDArray[np.float64]
    #: (N,) whether each lies on a lesion.
    hits: NDArray[np.bool_]
    #: Patches of the negative class, on which the others were counted.
    negatives: int
    #: Nothing lower was looked at.
    floor: float


def find_marks(module: nn.Module, part: Part, recipe: MultiTaskSegmenterRecipe, *, device: str = "auto") -> Marks:
    """The marks of a network that outlines calcifications.

    Args:
        module: left on the processor, in evaluation mode.
        part: patches of a protocol with masks.
        recipe: of the network.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
    """
    place, scores, hits = torch_device(device), [np.empty(0)], [np.empty(0, np.bool_)]
    module.to(place).eval()
    with torch.inference_mode():
        for batch in loader(part, in_order(part, at_once(recipe.fitting)), masks=True):
            raw = as_float(batch["pixels"].to(place))
            maps = module(prepare_tensor(raw, recipe.input, recipe.network.channels))[0]
            maps = maps.float().sigmoid().cpu().numpy()
            truths = batch["masks"].any(1).numpy()
            for index, maps_of, truth in zip(batch["indices"].tolist(), maps, truths, strict=True):
                found, on_lesion = _judged(maps_of, truth, part.pitches_mm[index])
                counted = on_lesion if part.classes[index] else np.ones_like(on_lesion)
                scores.append(found[counted])
                hits.append(on_lesion[counted])
    module.cpu()
    return Marks(recipe.maps, np.concatenate(scores), np.concatenate(hits), int((part.classes == 0).sum()), _FLOOR)


def _judged(
    maps: NDArray[np.float32], truth: NDArray[np.bool_], spacing_mm: float
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """(n,) the marks' scores, and which lie on a lesion, whose single pixels are grown as the paper grows them."""
    found = specks(maps.max(axis=0), spacing_mm, _FLOOR)
    columns, rows = np.rint(found.centres).astype(np.intp).T
    return found.scores, dilate(truth)[rows, columns]
