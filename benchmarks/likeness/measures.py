"""What is measured on a picture, fixed before any phantom was compared: maps, spectra, counts and curves.

Grey is 12-bit, lengths are mm, frequencies per mm; counts are per 100 cm2 unless named otherwise.
"""

from __future__ import annotations

import itertools

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import stats

from likeness.specimen import LEVEL_DEPTH_MM, MAX_GREY, SPACING_MM, Specimen
from microcalc.candidates.morphology import OPERATING_POINTS, propose

Array = NDArray[np.float32]
Numbers = dict[str, float]

#: Only tissue deeper than this is compared, mm: outside it the skin profile speaks.
DEPTH_MM = 5.0
#: Side of a tile, and the step from tile to tile, px.
TILE_PX, STEP_PX = 256, 128
#: Standard deviations of the difference-of-Gaussians filters (s, 1.6 s), px.
DOG_PX = (0.8, 1.5, 3.0, 6.0, 12.0)
#: The filter whose local maxima are counted, and the counted levels in local robust sigma.
PEAK_PX, PEAK_LEVELS = (1.2, 3.5), (4, 5, 6, 8, -4, -5)
#: Bands of the spectral exponents.
BANDS = {"0.15-0.7": (0.15, 0.7), "0.5-2": (0.5, 2.0), "2-4": (2.0, 4.0), "4-7": (4.0, 7.0)}
#: Edges of the radial frequency bins.
FREQUENCY_EDGES = np.geomspace(0.1, 7.14, 25)
FREQUENCIES = np.sqrt(FREQUENCY_EDGES[1:] * FREQUENCY_EDGES[:-1])
#: Frequencies whose power is compared one by one.
SPOT_FREQUENCIES = (0.3, 1.0, 2.0, 5.0)
#: Skin profile: edges of the bins of distance to the skin line.
SKIN_EDGES_MM = np.array([0, 0.25, 0.5, 0.75, 1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10, 12, 15, 20, 25])
#: Noise against grey: edges of the grey bins, side of the blocks.
GREY_EDGES, BLOCK_PX = np.geomspace(350, 3000, 13), 16
GREY_LEVELS = np.sqrt(GREY_EDGES[1:] * GREY_EDGES[:-1])
#: Share of white noise's standard deviation that a 1-px residual keeps.
RESIDUAL_SHARE = 0.872
PERCENTILES = (1, 5, 25, 50, 75, 95, 99)
#: Diameters of candidates, edges in mm.
SIZE_EDGES_MM = np.array([0, 0.15, 0.25, 0.4, 0.6, 2.0])
CONTRAST_EDGES = np.linspace(0, 0.8, 33)


def dog(grey: Array, fine: float, coarse: float) -> Array:
    """Difference of two Gaussians of the given standard deviations in px."""
    return cv2.GaussianBlur(grey, (0, 0), fine) - cv2.GaussianBlur(grey, (0, 0), coarse)


def tile_corners(specimen: Specimen) -> NDArray[np.intp]:
    """(n, 2) row, column of the tiles that lie wholly deeper than ``DEPTH_MM`` and hold no known calcium."""
    clear = (specimen.depth > DEPTH_MM).astype(np.uint8)
    for x0, y0, x1, y1 in np.rint(specimen.calcium).astype(int).clip(0):
        clear[y0 : y1 + 1, x0 : x1 + 1] = 0
    inside = cv2.integral(clear)
    rows, columns = (np.arange(0, n - TILE_PX + 1, STEP_PX) for n in clear.shape)
    row, column = (a.ravel() for a in np.meshgrid(rows, columns, indexing="ij"))
    full = inside[row + TILE_PX, column + TILE_PX] - inside[row, column + TILE_PX]
    full = full - inside[row + TILE_PX, column] + inside[row, column]
    corners = np.stack((row, column), axis=1)
    return corners[full == TILE_PX**2]


def cut(image: Array, corners: NDArray[np.intp]) -> Array:
    """(n, TILE_PX, TILE_PX) tiles of an image."""
    windows = np.lib.stride_tricks.sliding_window_view(image, (TILE_PX, TILE_PX))
    return windows[corners[:, 0], corners[:, 1]]


_AXIS = np.fft.fftfreq(TILE_PX, SPACING_MM)
_RADIUS = np.hypot(*np.meshgrid(_AXIS, _AXIS))
_RING = np.digitize(_RADIUS, FREQUENCY_EDGES)
#: Direction of the wave vector; rows run down.
_DIRECTION = np.arctan2(_AXIS[:, None], _AXIS[None, :])
_HANN = np.outer(np.hanning(TILE_PX), np.hanning(TILE_PX)).astype(np.float32)


def power(tiles: Array) -> Array:
    """(n, TILE_PX, TILE_PX) power spectra of Hann-weighted tiles, grey2 mm2."""
    centred = (tiles - tiles.mean((1, 2), keepdims=True)) * _HANN
    scale = SPACING_MM**2 / float((_HANN**2).sum())
    return (np.abs(np.fft.fft2(centred)) ** 2 * scale).astype(np.float32)


def radial(spectra: Array) -> NDArray[np.float64]:
    """(n, bins) mean over rings; a ring without a sample is not a number."""
    bins = len(FREQUENCIES)
    count = np.bincount(_RING.ravel(), minlength=bins + 2)[1:-1].astype(float)
    sums = [np.bincount(_RING.ravel(), s.ravel(), minlength=bins + 2)[1:-1] for s in spectra]
    with np.errstate(invalid="ignore"):
        return np.array(sums) / count


def exponents(spectrum: NDArray[np.float64]) -> Numbers:
    """Slope of one radial spectrum in each of ``BANDS``, as a positive exponent."""
    found = {}
    for name, (low, high) in BANDS.items():
        chosen = (low <= FREQUENCIES) & (high >= FREQUENCIES) & np.isfinite(spectrum)
        found[name] = float(-np.polyfit(np.log(FREQUENCIES[chosen]), np.log(spectrum[chosen]), 1)[0])
    return found


def anisotropy(spectra: Array, low: float, high: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(n,) second-harmonic index of whitened power in a band, and angle of the structures to the rows, radians."""
    band = (low <= _RADIUS) & (high >= _RADIUS)
    weight = spectra[:, band] * _RADIUS[band] ** 3
    moment = (weight * np.exp(2j * _DIRECTION[band])).sum(1) / weight.sum(1)
    return np.abs(moment), (np.angle(moment) / 2 + np.pi) % np.pi - np.pi / 2


def robust_sigma_map(image: Array, inside: NDArray[np.bool_], side: int = 64) -> Array:
    """1.4826 times the median absolute value in square blocks (of breast), interpolated between their centres."""
    rows, columns = (n // side for n in image.shape)
    shape = (rows, side, columns, side)
    kept = np.where(inside, np.abs(image), np.nan)[: rows * side, : columns * side].reshape(shape)
    blocks = kept.transpose(0, 2, 1, 3).reshape(rows, columns, -1)
    enough = np.isfinite(blocks).mean(-1) > 0.2
    grid = np.full((rows, columns), np.nan, np.float32)
    grid[enough] = 1.4826 * np.nanmedian(blocks[enough], axis=-1)
    grid[~enough] = np.nanmedian(grid)
    return cv2.resize(grid, image.shape[::-1], interpolation=cv2.INTER_LINEAR)


def peak_map(specimen: Specimen, inside: NDArray[np.bool_]) -> Array:
    """The peak filter's response in local robust sigma at its signed local extrema, 0 elsewhere."""
    response = dog(specimen.grey, *PEAK_PX)
    response /= robust_sigma_map(response, inside)
    square = np.ones((3, 3), np.uint8)
    extremum = (response == cv2.dilate(response, square)) | (response == cv2.erode(response, square))
    return np.where(extremum & inside, response, 0).astype(np.float32)


def peak_counts(peaks: Array, area_cm2: float) -> Numbers:
    """Peaks per 100 cm2 beyond each of ``PEAK_LEVELS``."""
    return {
        f"peaks {'>' if level > 0 else '<'} {level}": float(
            np.count_nonzero(peaks > level if level > 0 else peaks < level) * 100 / area_cm2
        )
        for level in PEAK_LEVELS
    }


def without_calcium(inside: NDArray[np.bool_], specimen: Specimen) -> NDArray[np.bool_]:
    """``inside`` less the boxes of known calcium."""
    left = inside.copy()
    for x0, y0, x1, y1 in np.rint(specimen.calcium).astype(int).clip(0):
        left[y0 : y1 + 1, x0 : x1 + 1] = False
    return left


def skin_profile(specimen: Specimen) -> NDArray[np.float64]:
    """Median grey in each bin of ``SKIN_EDGES_MM``."""
    band = np.digitize(specimen.depth, SKIN_EDGES_MM) * (specimen.depth > 0)
    return np.array([np.median(specimen.grey[band == i]) for i in range(1, len(SKIN_EDGES_MM))])


def _blocks(image: Array, side: int) -> Array:
    """(n, side, side) all blocks of an image, cut off at the far edges."""
    rows, columns = (n // side for n in image.shape)
    whole = image[: rows * side, : columns * side].reshape(rows, side, columns, side)
    return whole.transpose(0, 2, 1, 3).reshape(-1, side, side)


def noise_by_grey(specimen: Specimen) -> NDArray[np.float64]:
    """Noise sigma per grey bin: the quiet quartile of blocks of a 1-px residual, its loss of white noise made good."""
    residual = specimen.grey - cv2.GaussianBlur(specimen.grey, (0, 0), 1.0)
    deep = _blocks(specimen.depth, BLOCK_PX).min((1, 2)) > DEPTH_MM
    level = _blocks(specimen.grey, BLOCK_PX)[deep].mean((1, 2))
    sigma = _blocks(residual, BLOCK_PX)[deep].std((1, 2)) / RESIDUAL_SHARE
    bins = np.digitize(level, GREY_EDGES)
    return np.array(
        [np.quantile(sigma[bins == i], 0.25) if np.count_nonzero(bins == i) > 30 else np.nan
         for i in range(1, len(GREY_EDGES))]
    )  # fmt: skip


def noise_correlation(specimen: Specimen) -> Numbers:
    """Autocorrelation of the 2-px residual at lags 1 to 3 along rows and columns, quiet quartile of blocks."""
    side = 2 * BLOCK_PX
    residual = specimen.grey - cv2.GaussianBlur(specimen.grey, (0, 0), 2.0)
    blocks = _blocks(residual, side)[_blocks(specimen.depth, side).min((1, 2)) > DEPTH_MM]
    sigma = blocks.std((1, 2))
    level = np.maximum(
        _blocks(specimen.grey, side)[_blocks(specimen.depth, side).min((1, 2)) > DEPTH_MM].mean((1, 2)), 1
    )
    quiet = blocks[sigma / level < np.quantile(sigma / level, 0.25)]
    variance = (quiet**2).mean()
    found = {}
    for lag in (1, 2, 3):
        along = (quiet[:, :, lag:] * quiet[:, :, :-lag]).mean()
        down = (quiet[:, lag:] * quiet[:, :-lag]).mean()
        found[f"noise lag {lag} along rows"] = float(along / variance)
        found[f"noise lag {lag} down columns"] = float(down / variance)
    return found


def local_contrast(specimen: Specimen) -> NDArray[np.float64]:
    """(n,) standard deviation over mean of 2.2 mm blocks."""
    side = round(2.24 / SPACING_MM)
    blocks = _blocks(specimen.grey, side)[_blocks(specimen.depth, side).min((1, 2)) > DEPTH_MM]
    return (blocks.std((1, 2)) / np.maximum(blocks.mean((1, 2)), 1)).astype(np.float64)


def grey_levels(specimen: Specimen) -> Numbers:
    """Percentiles deeper than ``LEVEL_DEPTH_MM``, and how many of the 4096 codes occur in the breast."""
    deep = specimen.grey[specimen.depth > LEVEL_DEPTH_MM]
    levels = dict(zip((f"grey p{p}" for p in PERCENTILES), np.percentile(deep, PERCENTILES).tolist(), strict=True))
    codes = np.unique(np.rint(specimen.grey[specimen.depth > 0]).astype(int))
    return levels | {"codes that occur": float(codes.size), "saturated %": float((deep > 4090).mean() * 100)}


def candidates(specimen: Specimen) -> NDArray[np.float64]:
    """(n, 2) score and diameter in mm of the training-free candidates outside known calcium."""
    found = propose(specimen.grey / np.float32(MAX_GREY), specimen.depth > 0, SPACING_MM)
    x, y = found.centres.T
    known = np.zeros(len(x), bool)
    for x0, y0, x1, y1 in specimen.calcium:
        known |= (x0 <= x) & (x <= x1) & (y0 <= y) & (y <= y1)
    return np.column_stack((found.scores, found.diameters_mm))[~known]


def candidate_counts(found: NDArray[np.float64], area_cm2: float) -> Numbers:
    """Candidates per cm2 at each operating point, and per size down to the most sensitive one."""
    counts = {
        f"candidates {p.name} /cm2": float((found[:, 0] >= p.threshold).sum() / area_cm2) for p in OPERATING_POINTS
    }
    listed = found[found[:, 0] >= min(p.threshold for p in OPERATING_POINTS), 1]
    by_size = np.histogram(listed, SIZE_EDGES_MM)[0] / area_cm2
    edges = itertools.pairwise(SIZE_EDGES_MM)
    return counts | {f"candidates {a:g}-{b:g} mm /cm2": float(n) for (a, b), n in zip(edges, by_size, strict=True)}


def shape_of(values: Array) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(n,) skewness and (n,) excess kurtosis of tiles."""
    flat = values.reshape(len(values), -1)
    return stats.skew(flat, axis=1), stats.kurtosis(flat, axis=1)
