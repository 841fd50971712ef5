"""Atrous spatial pyramid pooling: one layer that sees its input at several ranges (Chen et al. 2018, DeepLab)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class AtrousPyramid(nn.Module):
    """3 x 3 convolutions of several dilations side by side, their maps one after another.

    (n, channels, h, w) -> (n, width, h, w). Each branch has its share of the width, so that the layer has as many
    weights as the one convolution in whose place it stands.

    Args:
        channels: of the input.
        width: of the output, a multiple of the number of rates.
        rates: dilations; a branch sees 2 rate + 1 px of its level. 1 alone is one convolution.
    """

    def __init__(self, channels: int, width: int, rates: Sequence[int]) -> None:
        super().__init__()
        share = width // len(rates)
        self.branches = nn.ModuleList(
            nn.Conv2d(channels, share, kernel_size=3, padding=rate, dilation=rate, bias=False) for rate in rates
        )

    def forward(self, inside: Tensor) -> Tensor:
        """Maps of the same size."""
        return torch.cat([branch(inside) for branch in self.branches], dim=1)
