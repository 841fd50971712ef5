"""What each augmentation does to patches, a strength of its own for each patch.

Geometry moves patches and their masks alike and keeps their size; what lies beyond the border is the patch in a mirror
there. Grey levels stay within 0..1.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Generator, Tensor
from torch.nn.functional import affine_grid, grid_sample

from microcalc.recipe.fitting import OperationName

#: Between pixels: patches are interpolated, masks are not.
Between = Literal["bilinear", "nearest"]
#: Narrower blurs than this many px leave a patch as it is.
_NO_BLUR = 1e-3
#: Of the blur that sharpening takes off, px.
_SHARPENING_PX = 2.0


@dataclass(frozen=True, eq=False)
class Draws:
    """What is drawn for each of n patches."""

    #: (n, 2) from low to high of the operation, whose unit it has; the second is the shear's along y.
    strength: Tensor
    #: (n, 2) in 0..1: which of the ways, or where.
    place: Tensor


def _horizontal_flip(patches: Tensor, draws: Draws, between: Between) -> Tensor:
    """Left and right exchanged."""
    return patches.flip(-1)


def _vertical_flip(patches: Tensor, draws: Draws, between: Between) -> Tensor:
    """Top and bottom exchanged."""
    return patches.flip(-2)


def _transpose(patches: Tensor, draws: Draws, between: Between) -> Tensor:
    """Rows and columns exchanged."""
    return patches.transpose(-1, -2)


def _quarter_turns(patches: Tensor, draws: Draws, between: Between) -> Tensor:
    """Turned by 0, 90, 180 or 270 degrees, each as likely."""
    turns = (4 * draws.place[:, 0]).long()
    ways = torch.stack([patches.rot90(turn, (-2, -1)) for turn in range(4)])
    return ways[turns, torch.arange(len(patches), device=patches.device)]


def _rotation(patches: Tensor, draws: Draws, between: Between) -> Tensor:
    """Turned about the middle by degrees, anticlockwise."""
    angle = draws.strength[:, 0].deg2rad()
    return _sampled(patches, angle.cos(), -angle.sin(), angle.sin(), angle.cos(), between)


def _affine(patches: Tensor, draws: Draws, between: Between) -> Tensor:
    """Sheared about the middle by degrees along x, and by others along y."""
    along_x, along_y = draws.strength.deg2rad().tan().unbind(1)
    whole = torch.ones_like(along_x)
    return _sampled(patches, whole, along_x, along_y, whole, between)


def _resized_crop(patches: Tensor, draws: Draws, between: Between) -> Tensor:
    """A square of a share of the area, anywhere in the patch, resized to the whole."""
    side = draws.strength[:, 0].sqrt()
    none = torch.zeros_like(side)
    middle = (2 * draws.place - 1) * (1 - side)[:, None]
    return _sampled(patches, side, none, none, side, between, middle)


def _sampled(
    patches: Tensor, xx: Tensor, xy: Tensor, yx: Tensor, yy: Tensor, between: Between, middle: Tensor | None = None
) -> Tensor:
    """Patches whose pixel at (x, y), from -1 to 1, is taken from (xx x + xy y, yx x + yy y) about a middle.

    Args:
        patches: (n, channels, s, s) float32.
        xx: (n,), as are the next three.
        middle: (n, 2) x, y; None: that of the patch.
    """
    to = torch.zeros_like(patches[:, 0, :2, 0]) if middle is None else middle
    matrix = torch.stack([torch.stack([xx, xy, to[:, 0]], 1), torch.stack([yx, yy, to[:, 1]], 1)], 1)
    grid = affine_grid(matrix, list(patches.shape), align_corners=False)
    return grid_sample(patches, grid, mode=between, padding_mode="reflection", align_corners=False)


def _brightness(patches: Tensor, draws: Draws, generator: Generator) -> Tensor:
    """Grey levels times a factor."""
    return patches * _each(draws)


def _contrast(patches: Tensor, draws: Draws, generator: Generator) -> Tensor:
    """Differences from the patch's mean times a factor."""
    mean = patches.mean((-2, -1), keepdim=True)
    return mean + (patches - mean) * _each(draws)


def _gamma(patches: Tensor, draws: Draws, generator: Generator) -> Tensor:
    """Grey levels to the power of an exponent."""
    return patches ** _each(draws)


def _blur(patches: Tensor, draws: Draws, generator: Generator) -> Tensor:
    """Gaussian blur of a standard deviation in px; at a border, the mean of what there is."""
    return _blurred(patches, _each(draws).clamp(min=_NO_BLUR))


def _sharpening(patches: Tensor, draws: Draws, generator: Generator) -> Tensor:
    """Unsharp masking: a share of what a Gaussian blur takes away is added."""
    fine = patches - _blurred(patches, torch.full_like(_each(draws), _SHARPENING_PX))
    return patches + fine * _each(draws)


def _blurred(patches: Tensor, sigma_px: Tensor) -> Tensor:
    at = torch.arange(patches.shape[-1], device=patches.device)
    apart = (at[:, None] - at) / sigma_px
    weights = (-0.5 * apart**2).softmax(-1)  # of every pixel of a row, for each pixel of it
    return weights @ patches @ weights.mT


def _noise(patches: Tensor, draws: Draws, generator: Generator) -> Tensor:
    """White Gaussian noise of a standard deviation in units of the grey levels' 0..1."""
    drawn = torch.randn(patches.shape, generator=generator, device=generator.device)
    return patches + drawn.to(patches.device) * _each(draws)


def _inversion(patches: Tensor, draws: Draws, generator: Generator) -> Tensor:
    """Dark and bright exchanged."""
    return 1 - patches


def _each(draws: Draws) -> Tensor:
    """(n, 1, 1, 1) the strength."""
    return draws.strength[:, 0, None, None, None]


#: (n, channels, s, s) float32 patches or masks, draws, between -> the same shape.
GEOMETRY: dict[OperationName, Callable[[Tensor, Draws, Between], Tensor]] = {
    "horizontal-flip": _horizontal_flip,
    "vertical-flip": _vertical_flip,
    "transpose": _transpose,
    "quarter-turns": _quarter_turns,
    "rotation": _rotation,
    "affine": _affine,
    "resized-crop": _resized_crop,
}
#: (n, 1, s, s) float32 patches in 0..1, draws, where noise comes from -> the same shape, not yet clipped to 0..1.
GREY_LEVELS: dict[OperationName, Callable[[Tensor, Draws, Generator], Tensor]] = {
    "brightness": _brightness,
    "contrast": _contrast,
    "gamma": _gamma,
    "blur": _blur,
    "sharpening": _sharpening,
    "noise": _noise,
    "inversion": _inversion,
}
