"""Patches made ready for a network, on torch's device: :mod:`microcalc.models.normalise` again, for training."""

from __future__ import annotations

import torch
from torch import Tensor

from microcalc.models.normalise import FLAT, LEAST_DEVIATION, box_matrix, imagenet, sampling_matrix
from microcalc.recipe import PatchInput


def prepare_tensor(patches: Tensor, spec: PatchInput, channels: int) -> Tensor:
    """What :func:`microcalc.models.normalise.prepare` makes, to 1e-5, of patches that may have been augmented.

    Args:
        patches: (n, 1, cut_px, cut_px) float32.
        spec: what to do.
        channels: 1, or 3 for the grey patch three times.

    Returns:
        (n, channels, network_px, network_px) float32, on the same device.
    """
    matrix = sampling_matrix(spec)
    if spec.context is not None:
        patches = _by_moments(patches, spec)
    elif matrix is not None:
        rows = torch.tensor(matrix, device=patches.device)
        patches = rows @ patches @ rows.T
    patches = _normalised(patches, spec).expand(-1, channels, -1, -1)
    if spec.normalisation == "imagenet":
        mean, deviation = (torch.tensor(values, device=patches.device)[:, None, None] for values in imagenet(channels))
        patches = (patches - mean) / deviation
    return patches.contiguous()


def _by_moments(patches: Tensor, spec: PatchInput) -> Tensor:
    matrix, wide = torch.tensor(box_matrix(spec), device=patches.device), patches.double()
    mean, square = matrix @ wide @ matrix.T, matrix @ wide**2 @ matrix.T
    border = (spec.cut_px - spec.network_px) // 2
    inner = wide[:, :, border:-border, border:-border]
    return ((inner - mean) / (square - mean**2).clamp(min=LEAST_DEVIATION**2).sqrt()).float()


def _normalised(patches: Tensor, spec: PatchInput) -> Tensor:
    low, high = patches.amin((2, 3), keepdim=True), patches.amax((2, 3), keepdim=True)
    offset, scale, span = torch.zeros_like(low), high, high - low
    match spec.normalisation:
        case "max":
            span = high
        case "min-max":
            offset, scale = low, span
        case "z-score":
            scale, offset = torch.std_mean(patches, (2, 3), correction=0, keepdim=True)
        case _:
            return patches
    return torch.where(span <= FLAT, 0.0, (patches - offset) / torch.where(span <= FLAT, 1.0, scale))
