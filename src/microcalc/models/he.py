"""Random start of our own networks."""

from __future__ import annotations

from torch import nn


def he_start(module: nn.Module) -> None:
    """Draw the weights of all convolutions for layers with ReLU (He et al. 2015), as torchvision does for ResNet."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
