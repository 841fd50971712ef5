"""The network of the default detector: small, at full resolution, with a wide view at low cost.

Pixels enter as blocks of 2 x 2, so that nothing of a speck is lost and most of the work is done at half the resolution;
three coarser levels see a centimetre or two around at little cost; a last layer gives every pixel back its own logit.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

#: Share of pixels with calcium that the untrained network assumes: far from none, a few epochs are lost on learning it.
_PRIOR_LOGIT = -5.0


class SpeckNet(nn.Module):
    """(n, 1, rows, columns) float32 -> (n, 1, rows, columns) float32 logits of calcium.

    Sides are multiples of ``2 ** len(widths)``.

    Args:
        widths: channels at 1/2, 1/4, 1/8 ... of the resolution.
        depths: residual blocks on the way down, at each of them.
    """

    def __init__(self, widths: Sequence[int], depths: Sequence[int]) -> None:
        super().__init__()
        self.stem = _convolution(4, widths[0])
        inside = (widths[0], *widths)
        self.down = nn.ModuleList(
            nn.Sequential(
                *(() if level == 0 else (_convolution(inside[level], width, stride=2),)),
                *(Block(width) for _ in range(depth)),
            )
            for level, (width, depth) in enumerate(zip(widths, depths, strict=True))
        )
        pairs = list(zip(widths[1:], widths[:-1], strict=True))
        self.narrow = nn.ModuleList(nn.Conv2d(coarse, fine, 1, bias=False) for coarse, fine in pairs)
        self.up = nn.ModuleList(nn.Sequential(nn.BatchNorm2d(fine), nn.ReLU(), Block(fine)) for _, fine in pairs)
        self.last = nn.Conv2d(widths[0], 4, 1)
        nn.init.constant_(self.last.bias, _PRIOR_LOGIT)  # type: ignore[arg-type]  # there is a bias

    def forward(self, images: Tensor) -> Tensor:
        """Logits."""
        levels = [self.down[0](self.stem(functional.pixel_unshuffle(images, 2)))]
        for step in list(self.down)[1:]:
            levels.append(step(levels[-1]))
        found = levels.pop()
        for narrow, up in zip(reversed(self.narrow), reversed(self.up), strict=True):
            found = up(levels.pop() + functional.interpolate(narrow(found), scale_factor=2.0, mode="nearest"))
        return functional.pixel_shuffle(self.last(found), 2)


class Block(nn.Module):
    """Two convolutions beside a shortcut; (n, width, h, w) -> the same."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = _convolution(width, width)
        self.second = nn.Sequential(nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width))

    def forward(self, features: Tensor) -> Tensor:
        """Features, refined."""
        return torch.relu(features + self.second(self.first(features)))


def _convolution(inside: int, width: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inside, width, 3, stride=stride, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU()
    )
