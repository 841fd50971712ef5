"""The loss of two tasks at several scales: Terrassin et al., section 3.2, equations 1 to 4."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import adaptive_max_pool2d

from microcalc.models.unet3plus import Answer
from microcalc.recipe.fitting import Loss
from microcalc.training.losses import patch_losses


class MultiTaskLosses(NamedTuple):
    """Of each patch, the mean over scales."""

    #: (n,) float32, equation 1.
    classes: Tensor
    #: (n,) float32, equations 2 and 3; None: the network has no maps.
    maps: Tensor | None

    @property
    def both(self) -> Tensor:
        """(n,) float32: the mean of the two tasks (equation 4), or that of the one there is."""
        return self.classes if self.maps is None else (self.classes + self.maps) / 2


def multi_task_losses(loss: Loss, answers: Sequence[Answer], classes: Tensor, masks: Tensor | None) -> MultiTaskLosses:
    """The losses of each patch of a batch.

    Args:
        loss: of the classes.
        answers: of the network, one a scale.
        classes: (n,) int64.
        masks: (n, maps, h, w) bool, or 0 and 1: where calcifications are, at the patches' own size; None: nobody
            looks at them, since the network has no maps.
    """
    of_classes = torch.stack([patch_losses(loss, answer.classes, classes) for answer in answers]).mean(0)
    maps = [answer.maps for answer in answers if answer.maps is not None]
    if not maps:
        return MultiTaskLosses(of_classes, None)
    assert masks is not None  # parts have seen to it
    return MultiTaskLosses(of_classes, torch.stack([map_losses(one, masks) for one in maps]).mean(0))


def map_losses(logits: Tensor, masks: Tensor) -> Tensor:
    """(n,) float32: one less Dice of a patch with calcifications, mean absolute error of one without.

    Sums run over the pixels of all maps together: of the map of the other kind, in which nothing is marked, Dice alone
    would be 0 whatever stands there. Coarser maps are compared with the maximum of the mask over each of their
    pixels, so that no speck is too small to be asked for.

    Args:
        logits: (n, maps, h', w') of any floating type; worked on as float32.
        masks: (n, maps, h, w) bool, or 0 and 1.
    """
    found = logits.float().sigmoid()
    wanted = adaptive_max_pool2d(masks.float(), found.shape[2:])
    over = (1, 2, 3)
    marked = (found**2).sum(over) + (wanted**2).sum(over)
    # Above 1 with any pixel marked: of the others alone, where 0 / 0 would spoil gradients that nobody asks for.
    dice = 2 * (found * wanted).sum(over) / marked.clamp(min=1)
    error = (found - wanted).abs().mean(over)
    return torch.where(wanted.amax(over) > 0, 1 - dice, error)
