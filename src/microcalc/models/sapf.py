"""Scale-aware pyramid fusion: context of three ranges, chosen pixel by pixel (Feng et al. 2020, CPFNet)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from microcalc.models.batch_norm import batch_norm

#: Dilations of the three looks.
RATES = (1, 2, 4)


class ScaleAwarePyramidFusion(nn.Module):
    """Three looks by one 3 x 3 convolution of three dilations, fused two by two, and the input beside them.

    (n, width, h, w) -> (n, width, h, w). How much the looks count beside the input is learnt, from nought up: at the
    start the layer passes its input on.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.look = nn.Conv2d(width, width, kernel_size=3, bias=False)
        self.norms = nn.ModuleList(batch_norm(width) for _ in RATES)
        self.fusions = nn.ModuleList(_ScaleAware(width) for _ in RATES[1:])
        self.share = nn.Parameter(torch.zeros(1))
        self.last = nn.Sequential(nn.Conv2d(width, width, kernel_size=1, bias=False), batch_norm(width), nn.ReLU())

    def forward(self, inside: Tensor) -> Tensor:
        """Maps of the same size."""
        # one set of weights looks at all three ranges
        looks = (
            norm(functional.conv2d(inside, self.look.weight, padding=rate, dilation=rate))
            for norm, rate in zip(self.norms, RATES, strict=True)
        )
        fused = next(looks)
        for fusion, look in zip(self.fusions, looks, strict=True):
            fused = fusion(fused, look)
        outside: Tensor = self.last(functional.relu(self.share * fused + (1 - self.share) * inside))
        return outside


class _ScaleAware(nn.Module):
    """Two maps into one, weighted at every pixel by what stands in both."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weights = nn.Sequential(
            nn.Conv2d(2 * width, width, kernel_size=1),
            nn.ReLU(),
            nn.Conv2d(width, width // 2, kernel_size=3, padding=1),
            nn.ReLU(),
            nn.Conv2d(width // 2, 2, kernel_size=3, padding=1),
            nn.Softmax(dim=1),
        )

    def forward(self, near: Tensor, far: Tensor) -> Tensor:
        """(n, width, h, w) twice -> the same once."""
        first, second = self.weights(torch.cat([near, far], dim=1)).split(1, dim=1)
        fused: Tensor = first * near + second * far
        return fused
