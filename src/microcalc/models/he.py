"""Random start of our own networks."""

from __future__ import annotations

from typing import Literal

from torch import nn


def he_start(module: nn.Module, mode: Literal["fan_in", "fan_out"] = "fan_out") -> None:
    """Draw the weights of all convolutions for layers with ReLU (He et al. 2015).

    Args:
        module: whose convolutions.
        mode: whose number decides the spread: ``fan_out``, outputs, as torchvision does for ResNet; ``fan_in``, inputs,
            where some convolutions have far fewer outputs than inputs, whose values would be large at the start.
    """
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, mode=mode, nonlinearity="relu")
