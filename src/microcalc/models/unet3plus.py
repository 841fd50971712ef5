"""UNet 3+ and MuTMuS-UNet3+, which tells benign from malignant calcifications at every scale.

UNet 3+ (Huang et al. 2020, ICASSP, section 2): every level of the decoder sees the levels of the encoder that are as
fine or finer, pooled, and all coarser ones, enlarged. Terrassin et al., section 3.1, put scale-aware pyramid fusion at
the bottleneck and an atrous pyramid into the decoder, and let the bottleneck and every level of the decoder answer
both tasks: maps of benign and malignant calcifications, and the class of the patch.
"""

from __future__ import annotations

import itertools
from typing import NamedTuple

import torch
from torch import Tensor, nn

from microcalc.models.aspp import AtrousPyramid
from microcalc.models.batch_norm import batch_norm
from microcalc.models.he import he_start
from microcalc.models.sapf import ScaleAwarePyramidFusion
from microcalc.recipe.multi_task_segmenter import LEVELS, UNet3PlusSpec


class Answer(NamedTuple):
    """What the network says at one scale."""

    #: (n, maps, h / 2^k, w / 2^k) float32 logits of calcifications; None: the network has only the task of classes.
    maps: Tensor | None
    #: (n, classes) float32 logits.
    classes: Tensor


def build_unet3plus(spec: UNet3PlusSpec, maps: int = 2, classes: int = 3) -> UNet3Plus:
    """The network with random weights. Seed torch before (``torch.manual_seed``) to get the same ones again.

    Args:
        spec: of the recipe.
        maps: how many things are outlined.
        classes: of the patch.
    """
    return UNet3Plus(spec, maps, classes)


class UNet3Plus(nn.Module):
    """(n, channels, h, w) float32, h and w multiples of 16 -> what the finest scale says.

    That is what is exported and run; :meth:`scales` is what is fitted.

    Args:
        spec: of the recipe.
        maps: how many things are outlined.
        classes: of the patch.
    """

    def __init__(self, spec: UNet3PlusSpec, maps: int, classes: int) -> None:
        super().__init__()
        pairs = itertools.pairwise((spec.channels, *spec.widths))
        self.encoder = nn.ModuleList(_two_convolutions(*pair) for pair in pairs)
        self.pool = nn.MaxPool2d(2)
        self.bottleneck = ScaleAwarePyramidFusion(spec.widths[-1]) if spec.sapf else nn.Identity()
        #: Coarsest level first, as they are worked out.
        self.decoder = nn.ModuleList()
        coarser = [spec.widths[-1]]
        for level in reversed(range(LEVELS - 1)):
            self.decoder.append(_Decoder(level, (*spec.widths[: level + 1], *coarser), spec))
            coarser.insert(0, LEVELS * spec.skip)
        answering = coarser if spec.multi_scale else coarser[:1]
        self.heads = nn.ModuleList(_Head(width, maps if spec.multi_task else 0, classes) for width in answering)
        he_start(self, "fan_in")  # by outputs, half of all pixels of the two maps would start at 0 or 1

    def forward(self, images: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        """Logits of maps (n, maps, h, w) and classes (n, classes); of classes alone where that is the one task."""
        answer: Answer = self.heads[0](self._features(images)[0])
        return answer.classes if answer.maps is None else (answer.maps, answer.classes)

    def scales(self, images: Tensor) -> list[Answer]:
        """What every scale that answers says, finest first."""
        features = self._features(images)[: len(self.heads)]
        return [head(maps) for head, maps in zip(self.heads, features, strict=True)]

    def _features(self, images: Tensor) -> list[Tensor]:
        """Of each scale, finest first, the bottleneck last."""
        fine, features = [], images
        for level, block in enumerate(self.encoder):
            features = block(self.pool(features) if level else features)
            fine.append(features)
        coarse = [self.bottleneck(fine.pop())]
        for block in self.decoder:
            coarse.insert(0, block(fine, coarse))
            fine.pop()
        return coarse


class _Decoder(nn.Module):
    """One level of the decoder: a 3 x 3 convolution of each input at the level's size, and one layer over them all.

    Args:
        level: 0 the finest.
        channels: of the inputs, finest first: levels of the encoder down to this one, then all coarser ones.
        spec: of the recipe.
    """

    def __init__(self, level: int, channels: tuple[int, ...], spec: UNet3PlusSpec) -> None:
        super().__init__()
        self.resize = nn.ModuleList(_brought(other, level) for other in range(LEVELS))
        self.skips = nn.ModuleList(_convolution(inside, spec.skip) for inside in channels)
        width = LEVELS * spec.skip
        self.join = nn.Sequential(AtrousPyramid(width, width, spec.aspp), batch_norm(width), nn.ReLU())

    def forward(self, fine: list[Tensor], coarse: list[Tensor]) -> Tensor:
        """Levels of the encoder down to this one, and all coarser ones -> (n, 5 skip, h / 2^level, w / 2^level)."""
        inputs = zip(self.resize, self.skips, (*fine, *coarse), strict=True)
        joined: Tensor = self.join(torch.cat([skip(resize(features)) for resize, skip, features in inputs], dim=1))
        return joined


class _Head(nn.Module):
    """Both tasks at one scale: a 3 x 3 convolution for the maps, and classes of the features' maxima.

    Maxima, as in the classification-guided module of UNet 3+: specks of a few pixels would vanish in a mean, which
    would also depend on the size of the tile.
    """

    def __init__(self, channels: int, maps: int, classes: int) -> None:
        super().__init__()
        self.maps = nn.Conv2d(channels, maps, kernel_size=3, padding=1) if maps else None
        self.classes = nn.Linear(channels, classes)

    def forward(self, features: Tensor) -> Answer:
        """Of (n, channels, h, w)."""
        return Answer(None if self.maps is None else self.maps(features), self.classes(features.amax((2, 3))))


def _brought(level: int, to: int) -> nn.Module:
    """Brings maps from 2^-level to 2^-to of the image's size."""
    if level < to:
        return nn.MaxPool2d(2 ** (to - level))
    return nn.Upsample(scale_factor=2 ** (level - to), mode="bilinear") if level > to else nn.Identity()


def _convolution(channels: int, width: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(channels, width, kernel_size=3, padding=1, bias=False), batch_norm(width), nn.ReLU())


def _two_convolutions(channels: int, width: int) -> nn.Sequential:
    return nn.Sequential(_convolution(channels, width), _convolution(width, width))
