"""Training draws: patches exposed anew from the tissue that a bank keeps.

Calcium adds to attenuation before the detector's blur, noise and look are drawn per patch, and the finished grey goes
through the reading and resampling of inference; then to one scale, linearly, so that it fits 0..1. Nothing is pasted
into a finished picture.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from microcalc.breast import Frame
from microcalc.breast.frame import NO_CHANGE
from microcalc.errors import UsageError
from microcalc.imageio.processing import presentation_look
from microcalc.imageio.remarks import Remarks
from microcalc.synthesis.annotation import FAINT, FAINT_ONE_IN
from microcalc.synthesis.bank_view import OVERVIEW_MM, RIM_MM, BankView, PooledShadow, Region
from microcalc.synthesis.calcification import Shadow
from microcalc.synthesis.device import Device, draw_device
from microcalc.synthesis.phantom import Tissue
from microcalc.synthesis.stamp import Stamp, apply_stamps
from microcalc.synthesis.visibility import LOCAL_MEAN_MM, VISIBLE, WINDOW_MM, robust_spread

Array = NDArray[np.float32]

#: A site lies within this part of the patch's side from its middle.
_JITTER = 0.35
#: Calcium is set at least so deep below the skin line, mm (less where the patch holds nothing deeper).
_DEEP_MM = 1.0
#: So many lesions are tried at most until one can be seen well.
_TRIES = 20
#: The background's response to a speck is sampled every so many mm.
_SAMPLE_MM = 0.35
#: Where the 5th and 95th percentile of the breast come to lie: leaves room for air below, for calcium above.
_DARK, _BRIGHT = 0.15, 0.55


@dataclass(frozen=True, eq=False)
class Patch:
    """One draw; the fields are those of ``Draws`` without their first axis."""

    pixels: Array
    breast: NDArray[np.bool_]
    mask: NDArray[np.int8]
    label: int
    truth: Array
    spacing_mm: float
    corner: tuple[int, int]


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
    record = view.record
    device = draw_device(rng, name=record.device, spacing_mm=record.spacing_mm, shape=record.shape, noise=record.noise)
    factor = spacing_mm / record.spacing_mm
    factor = factor if factor >= NO_CHANGE else 1.0  # as in Frame: never enlarged
    side = int(np.ceil(size_px * factor))
    inner = _around(view, site, side, rng)
    background_px = round(WINDOW_MM / device.spacing_mm)  # small patches, too, have it for their SNR
    window = Window.draw(view, device, _grown(inner, max(device.reach_px, (background_px - side) // 2), view.kept), rng)
    calcium, snr = ([], np.empty(0)) if lesions is None else _draw_calcium(lesions, window, inner, rng)
    grey = window.grey([pooled.shadow for pooled in calcium])
    shown = reading(view, device)
    frame = Frame(
        grey.shape, _crop(inner, window.region), factors=(factor, factor), spacing_mm=factor * record.spacing_mm
    )
    centres = _centres(calcium) - (window.region[1].start, window.region[0].start)
    truth = np.column_stack((frame.to_working(centres), snr)).astype(np.float32)
    inside = np.all((truth[:, :2] > -0.5) & (truth[:, :2] < size_px - 0.5), axis=1)
    return Patch(
        frame.apply(normalise(shown[grey], wide_area(view, device, shown)))[:size_px, :size_px],
        frame.apply_mask(window.tissue.skin_distance > 0)[:size_px, :size_px],
        _mask(calcium, _classes(calcium, snr), centres, frame, window.region, size_px),
        _label(calcium, snr),
        truth[inside],
        factor * record.spacing_mm,
        (inner[0].start, inner[1].start),
    )


@dataclass(frozen=True, eq=False)
class Window:
    """A window of a view, the unit that images it, and its noise.

    Farther than ``device.reach_px`` from its edges (the view's own apart) its grey is that of the whole view.
    """

    view: BankView
    device: Device
    #: Rows and columns of the view.
    region: Region
    tissue: Tissue
    #: Of unit variance.
    noise: Array

    @classmethod
    def draw(cls, view: BankView, device: Device, region: Region, rng: np.random.Generator) -> Window:
        """A window with noise drawn for it."""
        tissue = view.tissue(region)
        return cls(view, device, region, tissue, device.unit_noise(tissue.attenuation.shape, rng))

    @cached_property
    def background(self) -> Array:
        """Exposed ln attenuation of tissue alone: what calcium is judged against, here as in studies."""
        return self.device.expose(self._blurred, self.noise, self.view.record.reference)

    @cached_property
    def heard(self) -> Array:
        """The background as matched filters hear it."""
        return hear(self.background, self.device)

    def grey(self, shadows: Sequence[Shadow]) -> NDArray[np.uint16]:
        """Upright grey with confusers and the shadows of calcium."""
        row, column = (part.start for part in self.region)
        laid = np.zeros_like(self._blurred)
        calcium = (Stamp("calcium", shadow.row, shadow.column, shadow.contrast, "attenuation") for shadow in shadows)
        apply_stamps(laid, (*self.view.stamps, *calcium), "attenuation", row=row, column=column)
        exposed = self.background
        if laid.any():  # blur is linear
            exposed = self.device.expose(self._blurred + self.device.blur(laid), self.noise, self.view.record.reference)
        grey = self.device.present(exposed, self.tissue)
        apply_stamps(grey, self.view.stamps, "grey", row=row, column=column, white=self.device.full)
        return grey

    @cached_property
    def _blurred(self) -> Array:
        return self.device.blur(self.tissue.attenuation)


def reading(view: BankView, device: Device) -> Array:
    """What reading the view's stored file makes of each upright grey: (full + 1,) in 0..1, as ``Mammogram.pixels``."""
    if device.intent == "presentation":
        return np.linspace(0, 1, device.full + 1, dtype=np.float32)
    header = Dataset()
    header.PixelIntensityRelationship, header.PixelIntensityRelationshipSign = "LIN", -1  # more exposure, less grey
    counts = np.bincount(_overlook(device, view.overview).ravel(), minlength=device.full + 1)
    kept_px = view.planes[0].size
    counts[0] += (np.prod(view.record.shape) - kept_px) * view.overview.attenuation.size // kept_px  # air all around
    return presentation_look(header, np.arange(device.full + 1.0), counts, Remarks()).astype(np.float32)


def wide_area_scale(overview: Array, breast: NDArray[np.bool_]) -> tuple[float, float]:
    """5th and 95th percentile of the whole breast, its rim apart, on an overview of about ``OVERVIEW_MM``.

    Neither a cluster nor a speck can move them. Inference does without: local contrast takes a linear scale out.

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


def wide_area(view: BankView, device: Device, shown: Array) -> tuple[float, float]:
    """The scale of the whole view as this device shows it and as :func:`reading` has it (``shown``)."""
    return wide_area_scale(shown[_overlook(device, view.inside)], view.inside.skin_distance > RIM_MM)


def _overlook(device: Device, overview: Tissue) -> NDArray[np.uint16]:
    """Upright grey of an overview: noise and sharpening average out on it."""
    look = dataclasses.replace(device.look, unsharp=0.0)
    coarse = dataclasses.replace(device, spacing_mm=OVERVIEW_MM, look=look)
    return coarse.present(overview.attenuation, overview)


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


def _draw_calcium(
    lesions: BankView, window: Window, inner: Region, rng: np.random.Generator
) -> tuple[list[PooledShadow], NDArray[np.float64]]:
    """A lesion of the pool in ``inner``, one that can be seen well if there is, and the SNR of each of its specks.

    Faint specks beyond their share are left out before exposure, as in studies.
    """
    for _ in range(_TRIES):
        calcium = _place_lesion(lesions, window, inner, rng)
        snr = measure_snrs(calcium, window.heard, window.device, [part.start for part in window.region])
        if not np.all(snr < FAINT):
            break
    kept = keep_few_faint(snr, rng)
    return [calcium[index] for index in kept], snr[kept]


def keep_few_faint(snr: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.intp]:
    """Indices of what stays when the weakest of the faint are left out.

    Of all that can be seen, one in ``FAINT_ONE_IN`` is faint at most: on average over many patches, as few of them hold
    so many specks. ``snr`` is NaN where nobody is asked.
    """
    faint = np.flatnonzero((snr >= VISIBLE) & (snr < FAINT))
    allowed = int(np.sum(snr >= FAINT) / (FAINT_ONE_IN - 1) + rng.random())
    weakest = faint[np.argsort(snr[faint])][: max(len(faint) - allowed, 0)]
    return np.setdiff1d(np.arange(len(snr)), weakest)


def _place_lesion(lesions: BankView, window: Window, inner: Region, rng: np.random.Generator) -> list[PooledShadow]:
    """A lesion of the pool with one of its specks anywhere in ``inner``: the specks that it has in there.

    Those that would lie beyond the skin are left out.
    """
    chosen = lesions.pool[rng.choice(len(lesions.pool), p=lesions.odds)]
    members = [pooled for pooled in lesions.pool if pooled.lesion == chosen.lesion]
    anchor = members.index(chosen)
    depth = window.tissue.skin_distance
    left, top, right, bottom = _crop(inner, window.region)
    patch = depth[top:bottom, left:right]
    y, x = np.nonzero(patch >= min(_DEEP_MM, float(patch.max())))
    target = rng.integers(len(x))
    corner = np.array([part.start for part in reversed(window.region)])
    centres = _centres(members)
    shift = np.rint(corner + np.array((x[target] + left, y[target] + top)) - centres[anchor]).astype(int)
    x, y = np.clip(np.rint(centres + shift - corner).astype(int), 0, np.array(depth.shape)[::-1] - 1).T
    radius = 0.5 * window.device.spacing_mm * np.array([max(pooled.shadow.contrast.shape) for pooled in members])
    kept = depth[y, x] > radius
    kept[anchor] = True
    placed = [_moved(pooled, shift) for pooled, keep in zip(members, kept, strict=True) if keep]
    return [pooled for pooled in placed if _overlap(pooled.shadow.region, inner)]


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
    return np.array([pooled.middle for pooled in calcium], np.float64).reshape(-1, 2)


def hear(background: Array, device: Device) -> Array:
    """Exposed background less its local mean, blurred: its correlation with the bare shadow of a speck is that of the
    background with the speck's matched filter, as both filters are even.
    """
    return device.blur(background - cv2.GaussianBlur(background, (0, 0), LOCAL_MEAN_MM / device.spacing_mm))


def measure_snrs(
    calcium: Sequence[PooledShadow], heard: Array, device: Device, corner: Sequence[int] = (0, 0)
) -> NDArray[np.float64]:
    """Matched-filter SNR of each calcification, NaN for those to be ignored anyway.

    The figure of ``matched_filter_snr``, with the response sampled at some places instead of computed at all: far
    faster for many specks. Near the edges of what is there, the window around a speck is moved inwards.

    Args:
        calcium: in the frame of the view.
        heard: the background around it by :func:`hear`.
        device: the unit.
        corner: row and column of the view where ``heard`` begins.
    """
    snr = np.full(len(calcium), np.nan)
    asked = [index for index, pooled in enumerate(calcium) if not pooled.ignored]
    if not asked:
        return snr
    shadows = [calcium[index].shadow for index in asked]
    largest = min(max(max(shadow.contrast.shape) for shadow in shadows), *heard.shape)
    sigma = LOCAL_MEAN_MM / device.spacing_mm
    side = largest + 2 * round(2.5 * sigma)
    # One below the other in one image: the zeros around each keep them apart.
    signals = device.blur(np.concatenate([_centred(shadow.contrast, side) for shadow in shadows]))
    matched = signals - cv2.GaussianBlur(signals, (0, 0), sigma, borderType=cv2.BORDER_CONSTANT)
    strengths = (signals * matched).reshape(len(asked), -1).sum(axis=1)
    snr[asked] = strengths / robust_spread(_responses(shadows, heard, largest, device.spacing_mm, corner))
    return snr


def _responses(shadows: Sequence[Shadow], heard: Array, side: int, spacing_mm: float, corner: Sequence[int]) -> Array:
    """What each shadow's filter hears of the background around it, (k, n); no shadow is larger than ``side``."""
    every = max(1, round(_SAMPLE_MM / spacing_mm))
    windows = np.lib.stride_tricks.sliding_window_view(heard, (side, side))[::every, ::every]
    bare = np.stack([_centred(shadow.contrast, side).ravel() for shadow in shadows])
    everywhere = (bare @ windows.reshape(-1, side * side).T).reshape(len(shadows), *windows.shape[:2])
    count = min(round(WINDOW_MM / spacing_mm / every), *windows.shape[:2])
    middles = np.array([[(part.start + part.stop) / 2 for part in shadow.region] for shadow in shadows]) - corner
    first = np.rint((middles - side / 2) / every - count / 2).astype(int)
    first = np.clip(first, 0, np.array(windows.shape[:2]) - count)
    rows, columns = first.T[:, :, None] + np.arange(count)
    around: Array = everywhere[np.arange(len(shadows))[:, None, None], rows[:, :, None], columns[:, None, :]]
    return around.reshape(len(shadows), -1)


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
