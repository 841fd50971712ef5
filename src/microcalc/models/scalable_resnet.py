"""The scalable ResNet for small patches: as deep as the patch allows.

Cortina Uribe et al., section 2.3.1 and Figure 16: the blocks of ResNet, without its early downsampling, and 2, 3 or 4
downsampling stages for patches of 16, 32 or 64 px, so that the last feature map is always 4 x 4.
"""

from __future__ import annotations

import itertools

from torch import Tensor, nn
from torchvision.models.resnet import BasicBlock

from microcalc.models.he import he_start

#: Of the first convolution and the stages, as in ResNet-18; the paper gives no widths.
STEM = 64
WIDTHS = (64, 128, 256, 512)


class ScalableResNet(nn.Module):
    """A 3 x 3 convolution at full resolution, then stages of two basic blocks that each halve it.

    (n, channels, h, w) float32 -> (n, outputs) float32 logits, for any h and w.

    Args:
        channels: of the input.
        stages: 2, 3 or 4.
        outputs: logits.
        activation: after the first convolution; the blocks are torchvision's, with ReLU.
    """

    def __init__(self, channels: int, stages: int, outputs: int, activation: nn.Module) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, STEM, kernel_size=3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(STEM)
        self.activation = activation
        widths = (STEM, *WIDTHS[:stages])
        self.layers = nn.Sequential(*(_stage(*pair) for pair in itertools.pairwise(widths)))
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(widths[-1], outputs)
        he_start(self)

    def forward(self, images: Tensor) -> Tensor:
        """Logits."""
        logits: Tensor = self.fc(self.avgpool(self.features(images)).flatten(1))
        return logits

    def features(self, images: Tensor) -> Tensor:
        """(n, channels, h, w) -> (n, width, h / 2^stages, w / 2^stages), the last feature map."""
        found: Tensor = self.layers(self.activation(self.bn1(self.conv1(images))))
        return found


def _stage(channels: int, width: int) -> nn.Sequential:
    shortcut = nn.Sequential(nn.Conv2d(channels, width, kernel_size=1, stride=2, bias=False), nn.BatchNorm2d(width))
    return nn.Sequential(BasicBlock(channels, width, stride=2, downsample=shortcut), BasicBlock(width, width))
