"""ResNet-22, a ResNet for large mammograms, and its form with separable convolutions.

Wu et al. 2020 (IEEE Transactions on Medical Imaging 39, 1184-1194): narrow, with pre-activated blocks, five layers of
two, and a fast downsampling at the start. Walsh and Tardy 2023 (Diagnostics 13, 67) put separable convolutions in the
place of 3 x 3 ones. Both are baselines of Terrassin et al., section 4.2.
"""

from __future__ import annotations

import itertools

from torch import Tensor, nn

from microcalc.models.he import he_start

WIDTHS = (16, 32, 64, 128, 256)


class ResNet22(nn.Module):
    """(n, channels, s, s) float32 -> (n, outputs) float32 logits, for s of at least 11.

    Args:
        channels: of the input.
        outputs: logits.
        separable: whether 3 x 3 convolutions are split into one a channel and a 1 x 1 over channels.
    """

    def __init__(self, channels: int, outputs: int, *, separable: bool) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, WIDTHS[0], kernel_size=7, stride=2, bias=False)
        self.maxpool = nn.MaxPool2d(kernel_size=3, stride=2)
        pairs = itertools.pairwise((WIDTHS[0], *WIDTHS))
        self.layers = nn.Sequential(
            *(
                _layer(inside, width, stride=1 if number == 0 else 2, separable=separable)
                for number, (inside, width) in enumerate(pairs)
            )
        )
        self.bn = nn.BatchNorm2d(WIDTHS[-1])
        self.relu = nn.ReLU()
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        # the hidden layer is part of the network of Wu et al.
        self.hidden = nn.Sequential(nn.Linear(WIDTHS[-1], WIDTHS[-1]), nn.ReLU())
        self.fc = nn.Linear(WIDTHS[-1], outputs)
        he_start(self)

    def forward(self, images: Tensor) -> Tensor:
        """Logits."""
        features = self.relu(self.bn(self.layers(self.maxpool(self.conv1(images)))))
        logits: Tensor = self.fc(self.hidden(self.avgpool(features).flatten(1)))
        return logits


class PreActivatedBlock(nn.Module):
    """Batch norm, ReLU and convolution, twice, beside a shortcut (He et al. 2016).

    The shortcut is the input as it is, or, in the first block of a layer, a 1 x 1 convolution of the first activation.
    """

    def __init__(self, channels: int, width: int, stride: int, *, shortcut: bool, separable: bool) -> None:
        super().__init__()
        convolution = _separable if separable else _convolution
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv1 = convolution(channels, width, stride)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv2 = convolution(width, width, 1)
        self.relu = nn.ReLU()
        self.shortcut = nn.Conv2d(channels, width, kernel_size=1, stride=stride, bias=False) if shortcut else None

    def forward(self, inside: Tensor) -> Tensor:
        """(n, channels, h, w) -> (n, width, h / stride, w / stride)."""
        active = self.relu(self.bn1(inside))
        beside = inside if self.shortcut is None else self.shortcut(active)
        features: Tensor = self.conv2(self.relu(self.bn2(self.conv1(active))))
        return features + beside


def _layer(channels: int, width: int, *, stride: int, separable: bool) -> nn.Sequential:
    return nn.Sequential(
        PreActivatedBlock(channels, width, stride, shortcut=True, separable=separable),
        PreActivatedBlock(width, width, 1, shortcut=False, separable=separable),
    )


def _convolution(channels: int, width: int, stride: int) -> nn.Module:
    return nn.Conv2d(channels, width, kernel_size=3, stride=stride, padding=1, bias=False)


def _separable(channels: int, width: int, stride: int) -> nn.Module:
    """One 3 x 3 filter a channel, its batch norm, and a 1 x 1 convolution."""
    return nn.Sequential(
        nn.Conv2d(channels, channels, kernel_size=3, stride=stride, padding=1, groups=channels, bias=False),
        nn.BatchNorm2d(channels),
        nn.Conv2d(channels, width, kernel_size=1, bias=False),
    )
