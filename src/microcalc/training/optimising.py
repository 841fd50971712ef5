"""The optimisers of recipes, by torch's names."""

from __future__ import annotations

from torch import nn
from torch.optim import SGD, Adam, AdamW, Optimizer

from microcalc.recipe.fitting import Optimiser


def make_optimiser(module: nn.Module, spec: Optimiser) -> Optimizer:
    """The optimiser of the module's parameters that are trained; frozen ones are no part of it."""
    parameters = [parameter for parameter in module.parameters() if parameter.requires_grad]
    if spec.kind == "sgd":
        return SGD(parameters, spec.learning_rate, momentum=spec.momentum, weight_decay=spec.weight_decay)
    kind = Adam if spec.kind == "adam" else AdamW
    return kind(parameters, spec.learning_rate, weight_decay=spec.weight_decay)


def set_rate(optimiser: Optimizer, rate: float) -> None:
    """Give all parameters the learning rate."""
    for group in optimiser.param_groups:
        group["lr"] = rate
