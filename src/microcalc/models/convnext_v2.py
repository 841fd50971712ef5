"""ConvNeXt V2 Atto, and two narrower forms of it: timm's network with other widths.

Woo et al. 2023; Terrassin et al., section 4.2: Zepto and Yocto have 20 % and 40 % fewer filters.
"""

from __future__ import annotations

import timm
from torch import nn

from microcalc.recipe import Network

#: Filters of the four stages; Atto's are timm's own.
WIDTHS = {
    "convnextv2_atto": (40, 80, 160, 320),
    "convnextv2_zepto": (32, 64, 128, 256),
    "convnextv2_yocto": (24, 48, 96, 192),
}


def convnext_v2(network: Network, outputs: int) -> nn.Module:
    """timm's network of that name, with its names of layers and its random start."""
    module: nn.Module = timm.create_model(
        "convnextv2_atto", dims=WIDTHS[network.name], in_chans=network.channels, num_classes=outputs
    )
    return module
