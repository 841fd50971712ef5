"""The loss of patches: cross-entropy of one output a class, or binary cross-entropy of one output."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from microcalc.recipe.fitting import Loss


def class_weights(loss: Loss, classes: Tensor) -> Tensor:
    """(n,) float32: what each patch of ``classes`` (n,) counts in the mean."""
    if loss.weights is None:
        return torch.ones_like(classes, dtype=torch.float32)
    return torch.tensor(loss.weights, dtype=torch.float32, device=classes.device)[classes]


def patch_losses(loss: Loss, logits: Tensor, classes: Tensor) -> Tensor:
    """(n,) float32: the loss of each patch, without class weights.

    The loss of a batch is their mean by :func:`class_weights`, sum(w l) / sum(w): for cross-entropy the mean that
    ``torch.nn.CrossEntropyLoss`` takes, for binary cross-entropy the like.

    Args:
        loss: which.
        logits: (n, outputs) of the network, of any floating type; worked on as float32.
        classes: (n,) int64.
    """
    exact = logits.float()
    if loss.kind == "binary-cross-entropy":
        return functional.binary_cross_entropy_with_logits(exact[:, 0], classes.float(), reduction="none")
    return functional.cross_entropy(exact, classes, reduction="none")


def called(logits: Tensor) -> Tensor:
    """(n,) int64: the class with the highest probability; of one output the second class above 0."""
    return (logits[:, 0] > 0).long() if logits.shape[1] == 1 else logits.argmax(dim=1)
