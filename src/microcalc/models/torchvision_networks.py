"""The networks that torchvision has, for one or three channels."""

from __future__ import annotations

import torchvision
from torch import Tensor, nn

from microcalc.recipe import Network


def from_torchvision(network: Network, outputs: int) -> nn.Module:
    """torchvision's own network of that name, with its names of layers and its random start.

    For one channel its first convolution is summed over the three: it gives what it gave for a grey image three times.
    """
    module: nn.Module = torchvision.models.get_model(network.name, weights=None, num_classes=outputs)
    if network.channels == 1:
        _, first = first_convolution(module)
        first.in_channels, first.weight = 1, nn.Parameter(summed_over_channels(first.weight.detach()))
    return module


def first_convolution(module: nn.Module) -> tuple[str, nn.Conv2d]:
    """Name and layer of the first convolution, the one that sees the image."""
    return next((name, layer) for name, layer in module.named_modules() if isinstance(layer, nn.Conv2d))


def summed_over_channels(weight: Tensor) -> Tensor:
    """(out, 3, k, k) weights of a first convolution on colours as (out, 1, k, k) on grey."""
    return weight.sum(dim=1, keepdim=True)
