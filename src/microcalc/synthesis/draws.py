"""Training draws: patches as inference would see them, exposed anew from the tissue that a bank keeps.

Calcium adds to attenuation before the detector's blur, noise and look are drawn per patch, and the finished grey goes
through the resampling and normalisation of inference. Nothing is pasted into a finished picture.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from microcalc.breast import Frame
from microcalc.breast.frame import NO_CHANGE
from microcalc.errors import UsageError
from microcalc.synthesis.bank_view import OVERVIEW_MM, BankView, PooledShadow, Region
from microcalc.synthesis.calcification import Shadow
from microcalc.synthesis.device import Device, draw_device
from microcalc.synthesis.phantom import Tissue
from microcalc.synthesis.stamp import Stamp, apply_stamps
from microcalc.synthesis.visibility import LOCAL_MEAN_MM, VISIBLE, WINDOW_MM

Array = NDArray[np.float32]

#: A site lies within this part of the patch's side from its middle.
_JITTER = 0.35
#: Calcium is set at least so deep below the skin line, mm (less where the patch holds nothing deeper).
_DEEP_MM = 1.0
#: The background's response to a speck is sampled every so many mm.
_SAMPLE_MM = 0.35
#: Steps of exposure per ln unit on the overview: a shorter table is quicker made, and percentiles come out the same.
_OVERVIEW_STEPS = 1000.0
#: How far from the skin line the breast counts for its own scale, mm: the rim has grey levels of its own.
RIM_MM = 3.0
#: Where the 5th and 95th percentile of the breast come to lie: leaves room for air below, for calcium above.
_DARK, _BRIGHT = 0.15, 0.55


@dataclass(frozen=True, eq=False)
class Patch:
    """One draw; the fields are those of ``Draws`` without their first axis."""

    pixels: Array
    mask: NDArray[np.int8]
    label: int
    truth: Array
    spacing_mm: float


def draw_patch(
    view: BankView,
    lesions: BankView | None,
    site: int,
    *,
    size_px: int,
    spacing_mm: float,
    rng: np.random.Generator,
) -> Patch:
    """Draw one patch around a site of ``view``, with a lesion out of the pool of ``lesions`` (None: no calcium).

    Raises:
        UsageError: the patch is larger than the breast.
    """
    device = draw_device(rng, name=view.record.device, spacing_mm=view.record.spacing_mm, shape=view.record.shape)
    device = dataclasses.replace(device, intent="presentation")
    factor = spacing_mm / view.record.spacing_mm
    factor = factor if factor >= NO_CHANGE else 1.0  # as in Frame: never enlarged
    inner = _around(view, site, int(np.ceil(size_px * factor)), rng)
    background_px = round(WINDOW_MM / device.spacing_mm)  # small patches, too, have it for their SNR
    outer = _grown(inner, max(device.reach_px, (background_px - size_px) // 2), view.kept)
    tissue = view.tissue(outer)
    calcium = [] if lesions is None else _place_lesion(lesions, inner, outer, tissue, view.record.spacing_mm, rng)
    noise = device.unit_noise(tissue.attenuation.shape, rng)
    grey, background = expose_window(view, device, outer, tissue, noise, [pooled.shadow for pooled in calcium])
    touching = [pooled for pooled in calcium if _overlap(pooled.shadow.region, inner)]
    snr = measure_snrs(touching, background, device)
    frame = Frame(grey.shape, _crop(inner, outer), factors=(factor, factor), spacing_mm=factor * device.spacing_mm)
    pixels = normalise(_as_read(grey, device), wide_area(view, device))
    classes = _classes(touching, snr)
    centres = _centres(touching) - (outer[1].start, outer[0].start)
    mask = _mask(touching, classes, centres, frame, outer, size_px)
    truth = np.column_stack((frame.to_working(centres), snr)).astype(np.float32)
    inside = np.all((truth[:, :2] > -0.5) & (truth[:, :2] < size_px - 0.5), axis=1)
    return Patch(
        frame.apply(pixels)[:size_px, :size_px],
        mask,
        _label(touching, snr),
        truth[inside],
        factor * device.spacing_mm,
    )


def expose_window(
    view: BankView, device: Device, window: Region, tissue: Tissue, noise: Array, shadows: Sequence[Shadow]
) -> tuple[NDArray[np.uint16], Array]:
    """Upright grey of a window of the view, and its exposed ln attenuation without the calcium.

    ``tissue`` and ``noise`` are the window's. Farther than ``device.reach_px`` from its edges (the view's own apart)
    the grey is that of the whole view.
    """
    corner = {"row": window[0].start, "column": window[1].start}
    attenuation = tissue.attenuation.copy()
    apply_stamps(attenuation, view.stamps, "attenuation", **corner)
    background = exposed = device.expose(device.blur(attenuation), noise, view.record.reference)
    if shadows:
        calcium = (Stamp("calcium", shadow.row, shadow.column, shadow.contrast, "attenuation") for shadow in shadows)
        apply_stamps(attenuation, calcium, "attenuation", **corner)
        exposed = device.expose(device.blur(attenuation), noise, view.record.reference)
    grey = device.present(exposed, tissue)
    apply_stamps(grey, view.stamps, "grey", **corner, white=device.full)
    return grey, background


def wide_area_scale(overview: Array, breast: NDArray[np.bool_]) -> tuple[float, float]:
    """5th and 95th percentile of the whole breast, its rim apart, on an overview of about ``OVERVIEW_MM``.

    Neither a cluster nor a speck can move them. The room that normalises for models will own this and ``normalise``.

    Args:
        overview: (rows, columns), grey in 0..1.
        breast: (rows, columns), where the breast is, without the ``RIM_MM`` under its skin line.
    """
    dark, bright = np.percentile(overview[breast], (5, 95))
    return float(dark), float(bright)


def normalise(pixels: Array, scale: tuple[float, float]) -> Array:
    """Grey on the scale of :func:`wide_area_scale`, clipped to 0..1."""
    dark, bright = scale
    gain = (_BRIGHT - _DARK) / max(bright - dark, 1e-3)
    normalised: Array = pixels * np.float32(gain)
    normalised += np.float32(_DARK - gain * dark)
    return np.clip(normalised, 0, 1, out=normalised)


def wide_area(view: BankView, device: Device) -> tuple[float, float]:
    """The scale of the whole view as this device shows it; noise and sharpening average out on the overview."""
    look = dataclasses.replace(device.look, steps=_OVERVIEW_STEPS, unsharp=0.0)
    coarse = dataclasses.replace(device, spacing_mm=OVERVIEW_MM, look=look)
    grey = coarse.present(view.overview.attenuation, view.overview)
    return wide_area_scale(_as_read(grey, device), view.overview.skin_distance > RIM_MM)


def _as_read(grey: NDArray[np.uint16], device: Device) -> Array:
    """Upright grey in 0..1, as ``Mammogram.pixels`` has it once the stored file is read."""
    return grey.astype(np.float32) / np.float32(device.full)


def _around(view: BankView, site: int, side: int, rng: np.random.Generator) -> Region:
    """A square of the kept part that holds the site somewhere about its middle."""
    corner = view.places[site] - side / 2 + rng.uniform(-_JITTER, _JITTER, 2) * side
    first = np.array([part.start for part in view.kept])
    last = np.array([part.stop for part in view.kept]) - side
    if np.any(last < first):
        raise UsageError(
            expected="patches that fit into every breast",
            found=f"{side} x {side} pixels for {view.record.name}",
            do="choose a smaller size_px or spacing_mm",
        )
    row, column = np.clip(np.rint(corner).astype(int), first, last).tolist()
    return slice(row, row + side), slice(column, column + side)


def _grown(region: Region, margin: int, limits: Region) -> Region:
    rows, columns = (
        slice(max(part.start - margin, limit.start), min(part.stop + margin, limit.stop))
        for part, limit in zip(region, limits, strict=True)
    )
    return rows, columns


def _crop(inner: Region, outer: Region) -> tuple[int, int, int, int]:
    """``inner`` as a frame's crop (x0, y0, x1, y1) of ``outer``."""
    (rows, columns), (row, column) = inner, (part.start for part in outer)
    return columns.start - column, rows.start - row, columns.stop - column, rows.stop - row


def _place_lesion(
    lesions: BankView,
    inner: Region,
    outer: Region,
    tissue: Tissue,
    spacing_mm: float,
    rng: np.random.Generator,
) -> list[PooledShadow]:
    """A lesion of the pool with one of its specks anywhere in ``inner``; specks beyond the skin are left out."""
    chosen = lesions.pool[rng.choice(len(lesions.pool), p=lesions.odds)]
    members = [pooled for pooled in lesions.pool if pooled.lesion == chosen.lesion]
    anchor = members.index(chosen)
    left, top, right, bottom = _crop(inner, outer)
    depth = tissue.skin_distance[top:bottom, left:right]
    y, x = np.nonzero(depth >= min(_DEEP_MM, float(depth.max())))
    target = rng.integers(len(x))
    corner = np.array([part.start for part in reversed(outer)])
    centres = _centres(members)
    shift = np.rint(corner + np.array((x[target] + left, y[target] + top)) - centres[anchor]).astype(int)
    within = np.rint(centres + shift - corner).astype(int)
    x, y = np.clip(within, 0, np.array(tissue.skin_distance.shape)[::-1] - 1).T
    radius = 0.5 * spacing_mm * np.array([max(pooled.shadow.contrast.shape) for pooled in members])
    kept = tissue.skin_distance[y, x] > radius
    kept[anchor] = True
    placed = [_moved(pooled, shift) for pooled, keep in zip(members, kept, strict=True) if keep]
    return [pooled for pooled in placed if _overlap(pooled.shadow.region, outer)]


def _moved(pooled: PooledShadow, shift: NDArray[np.int_]) -> PooledShadow:
    """The calcification elsewhere, by whole pixels x, y."""
    x, y = shift.tolist()
    shadow = pooled.shadow
    return dataclasses.replace(
        pooled, shadow=Shadow(shadow.row + y, shadow.column + x, shadow.contrast, shadow.polygon + shift)
    )


def _overlap(one: Region, other: Region) -> bool:
    return all(a.start < b.stop and b.start < a.stop for a, b in zip(one, other, strict=True))


def _centres(calcium: Sequence[PooledShadow]) -> NDArray[np.float64]:
    """(k, 2) x, y: middles of the outlines' boxes, pixels of the view."""
    boxes = [(pooled.shadow.polygon.min(axis=0) + pooled.shadow.polygon.max(axis=0)) / 2 for pooled in calcium]
    return np.array(boxes, np.float64).reshape(-1, 2)


def measure_snrs(calcium: Sequence[PooledShadow], background: Array, device: Device) -> NDArray[np.float64]:
    """Matched-filter SNR of each calcification, NaN for those to be ignored anyway.

    The same figure as ``matched_filter_snr``, against the patch with its margin, with the background's response sampled
    at some places instead of computed at all of them: far faster for many specks on one background.
    """
    snr = np.full(len(calcium), np.nan)
    asked = [index for index, pooled in enumerate(calcium) if not pooled.ignored]
    if not asked:
        return snr
    sigma = LOCAL_MEAN_MM / device.spacing_mm
    largest = max(max(calcium[index].shadow.contrast.shape) for index in asked)
    side = min(largest + 2 * round(2.5 * sigma), *background.shape)
    # One below the other in one image: the zeros around each keep them apart.
    column = np.concatenate([_centred(calcium[index].shadow.contrast, side) for index in asked])
    signals = device.blur(column)
    matched = signals - cv2.GaussianBlur(signals, (0, 0), sigma, borderType=cv2.BORDER_CONSTANT)
    every = max(1, round(_SAMPLE_MM / device.spacing_mm))
    windows = np.lib.stride_tricks.sliding_window_view(background - background.mean(), (side, side))
    samples = windows[::every, ::every].reshape(-1, side * side)
    signals, matched = (image.reshape(len(asked), side * side) for image in (signals, matched))
    snr[asked] = (signals * matched).sum(axis=1) / (matched @ samples.T).std(axis=1)
    return snr


def _centred(contrast: Array, side: int) -> Array:
    """The contrast in the middle of a square of zeros."""
    image = np.zeros((side, side), np.float32)
    row, column = ((side - size) // 2 for size in contrast.shape)
    image[row : row + contrast.shape[0], column : column + contrast.shape[1]] = contrast
    return image


def _classes(calcium: Sequence[PooledShadow], snr: NDArray[np.float64]) -> list[int]:
    """Values of the mask: 1 benign, 2 malignant, -1 not asked of a detector."""
    return [1 + pooled.malignant if value >= VISIBLE else -1 for pooled, value in zip(calcium, snr, strict=True)]


def _label(calcium: Sequence[PooledShadow], snr: NDArray[np.float64]) -> int:
    """2 malignant, 1 benign, by what can be seen or is large; -1 calcium, but none of that; 0 none."""
    known = [1 + pooled.malignant for pooled, value in zip(calcium, snr, strict=True) if not value < VISIBLE]
    return max(known, default=-1 if calcium else 0)


def _mask(
    calcium: Sequence[PooledShadow],
    classes: Sequence[int],
    centres: NDArray[np.float64],
    frame: Frame,
    outer: Region,
    size_px: int,
) -> NDArray[np.int8]:
    """Classes of the calcium above half its maximum, in working pixels; every speck has one pixel at least."""
    mask = np.zeros((size_px, size_px), np.int8)
    middles = np.rint(frame.to_working(centres)).astype(int)
    for value in (-1, 1, 2):  # what can be seen covers what cannot
        chosen = [index for index, found in enumerate(classes) if found == value]
        if not chosen:
            continue
        image = np.zeros(frame.original_shape, np.float32)
        above = [_above_half(calcium[index].shadow) for index in chosen]
        apply_stamps(image, above, "attenuation", row=outer[0].start, column=outer[1].start)
        mask[frame.apply_mask(image > 0)[:size_px, :size_px]] = value
        x, y = middles[chosen].T
        inside = (x >= 0) & (x < size_px) & (y >= 0) & (y < size_px)
        mask[y[inside], x[inside]] = value
    return mask


def _above_half(shadow: Shadow) -> Stamp:
    above = (shadow.contrast >= shadow.contrast.max() / 2).astype(np.float32)
    return Stamp("calcium", shadow.row, shadow.column, above, "attenuation")
