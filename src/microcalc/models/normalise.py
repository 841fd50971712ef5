"""Patches made ready for a network: blurred, resized, normalised, as a recipe's ``input`` says; the one place for it.

Blurring and resizing are linear, and go along rows as along columns: both together are one small matrix M, and a patch
P becomes M P M'. So do means over the boxes around its pixels. :mod:`microcalc.training.normalise_tensor` does the same
on a graphics card, with the same matrices.
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from microcalc.errors import UsageError
from microcalc.recipe import PatchInput

Patches = NDArray[np.float32]

#: Mean and standard deviation of ImageNet's red, green and blue (torchvision's documentation of its weights).
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_DEVIATION = (0.229, 0.224, 0.225)
#: A patch whose values span less is constant: one step of 16 bits is 15 times as much, rounding a tenth.
FLAT = 1e-6
#: Least standard deviation that ``local-moments`` divide by: well below the noise of any detector, so that air, which
#: has none, is not blown up.
LEAST_DEVIATION = 1e-3


def prepare(patches: Patches, spec: PatchInput, channels: int) -> Patches:
    """Patches as the network sees them.

    ``z-score`` and ``min-max`` make zeros of a constant patch, and ``max`` of one that is 0 throughout.

    Args:
        patches: (n, cut_px, cut_px) 0..1, as read.
        spec: what to do.
        channels: 1, or 3 for the grey patch three times.

    Returns:
        (n, channels, network_px, network_px), contiguous.

    Raises:
        UsageError: another shape, or values outside 0..1.
    """
    if patches.ndim != 3 or patches.shape[1:] != (spec.cut_px, spec.cut_px):
        raise UsageError(
            expected=f"patches (n, {spec.cut_px}, {spec.cut_px})",
            found=f"{patches.shape}",
            do="cut them at the size that the model was trained on",
        )
    if patches.size and not (patches.min() >= 0 and patches.max() <= 1):
        raise UsageError(
            expected="patches of values 0..1, as read",
            found=f"{patches.min():g} to {patches.max():g}",
            do="leave scaling to the model",
        )
    matrix = sampling_matrix(spec)
    if spec.context is not None:
        patches = _by_moments(patches, spec)
    elif matrix is not None:
        patches = np.asarray(matrix @ patches @ matrix.T, np.float32)
    grey = _normalised(patches, spec)[:, np.newaxis]
    if spec.normalisation == "imagenet":
        mean, deviation = (values[:, np.newaxis, np.newaxis] for values in imagenet(channels))
        return (grey - mean) / deviation
    return np.ascontiguousarray(np.repeat(grey, channels, axis=1), np.float32)


def prepare_tile(wide: Patches, spec: PatchInput) -> Patches:
    """A part of an image as a network with a context sees it: a patch cut out of it is what the patch would be.

    Args:
        wide: (rows, columns) 0..1, of at least ``moments_px``.
        spec: with a context.

    Returns:
        (rows - moments_px + 1, columns - moments_px + 1), the pixels whose whole box lies in it.
    """
    assert spec.context is not None
    box = spec.context.moments_px
    inside = (slice(box // 2, -(box // 2)),) * 2
    return moving_z_score(wide, box)[inside]


def moving_z_score(image: Patches, box_px: int) -> Patches:
    """(rows, columns) of an image, each pixel by mean and standard deviation of the box around it.

    Beyond the image's edges lies its reflection. While it is made, this takes some 30 bytes a pixel: 64 bits, for a
    variance is the small difference of two large numbers.
    """
    mean, square = (filtered(image, cv2.CV_64F, (box_px, box_px)) for filtered in (cv2.boxFilter, cv2.sqrBoxFilter))
    deviation = np.sqrt(np.maximum(square - mean**2, LEAST_DEVIATION**2))
    return np.asarray((image - mean) / deviation, np.float32)


@lru_cache(maxsize=16)
def box_matrix(spec: PatchInput) -> NDArray[np.float64]:
    """(network_px, cut_px), which averages a column of pixels over the boxes around its inner ones. Read-only."""
    assert spec.context is not None
    box = spec.context.moments_px
    place = np.arange(spec.cut_px) - np.arange(spec.network_px)[:, np.newaxis]
    matrix: NDArray[np.float64] = ((place >= 0) & (place < box)) / box
    matrix.setflags(write=False)
    return matrix


@lru_cache(maxsize=16)
def sampling_matrix(spec: PatchInput) -> NDArray[np.float32] | None:
    """(network_px, size_px), which blurs and resizes a column of pixels; None: neither is asked for.

    The blur is Gaussian, mirrored at the border; shrinking averages over areas, enlarging is linear. Read-only.
    """
    if spec.blur_sigma_px is None and spec.resize_px in (None, spec.size_px):
        return None
    matrix: NDArray[np.float64] = np.eye(spec.size_px)
    if spec.blur_sigma_px is not None:
        matrix = gaussian_filter1d(matrix, spec.blur_sigma_px, axis=0, mode="reflect")
    if spec.network_px != spec.size_px:
        way = cv2.INTER_AREA if spec.network_px < spec.size_px else cv2.INTER_LINEAR
        matrix = np.asarray(cv2.resize(matrix, (spec.size_px, spec.network_px), interpolation=way), np.float64)
    rounded: NDArray[np.float32] = matrix.astype(np.float32)
    rounded.setflags(write=False)
    return rounded


def imagenet(channels: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Mean and standard deviation (channels,) of ImageNet; of one grey channel, the averages over the three."""
    mean, deviation = np.array(IMAGENET_MEAN, np.float32), np.array(IMAGENET_DEVIATION, np.float32)
    if channels == 1:
        return mean.mean(keepdims=True), deviation.mean(keepdims=True)
    return mean, deviation


def _by_moments(patches: Patches, spec: PatchInput) -> Patches:
    """Each inner pixel by mean and standard deviation of the box around it."""
    matrix, wide = box_matrix(spec), patches.astype(np.float64)
    mean, square = matrix @ wide @ matrix.T, matrix @ wide**2 @ matrix.T
    border = (spec.cut_px - spec.network_px) // 2
    inner = wide[:, border:-border, border:-border]
    return np.asarray((inner - mean) / np.sqrt(np.maximum(square - mean**2, LEAST_DEVIATION**2)), np.float32)


def _normalised(patches: Patches, spec: PatchInput) -> Patches:
    """Each patch by its own values, where the recipe says so."""
    low, high = patches.min(axis=(1, 2), keepdims=True), patches.max(axis=(1, 2), keepdims=True)
    offset, scale, span = np.zeros_like(low), high, high - low
    match spec.normalisation:
        case "max":
            span = high
        case "min-max":
            offset, scale = low, span
        case "z-score":
            offset, scale = patches.mean(axis=(1, 2), keepdims=True), patches.std(axis=(1, 2), keepdims=True)
        case _:
            return patches
    flat = span <= FLAT
    return np.where(flat, np.float32(0), (patches - offset) / np.where(flat, np.float32(1), scale))
