"""Summary: all that is kept of a picture once it has been looked at."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from likeness import measures
from likeness.sources import Source
from likeness.specimen import MAX_GREY, SPACING_MM, Kind, Specimen
from microcalc.synthesis.bank_draw import normalise, wide_area_scale
from microcalc.synthesis.bank_view import OVERVIEW_MM, RIM_MM

Array = NDArray[np.float32]

#: Patches for the network: how many per picture, their side in px, their least depth in mm.
PATCHES, PATCH_PX = 500, 64
#: Pictures for the page: side of a crop in px, brightness of the tissue they show (quantiles of the tiles' means).
CROP_PX, CROP_QUANTILES = 512, (0.2, 0.5, 0.85)
_OVERVIEW = 8


@dataclass(frozen=True, eq=False)
class Summary:
    """One picture described."""

    name: str
    kind: Kind
    woman: str
    side: str
    #: (n, features) statistics of the tiles, as named by ``FEATURES``, and (n, 2) row, column of their corners.
    tiles: NDArray[np.float64]
    corners: NDArray[np.intp]
    #: (n, bins) radial spectra of the tiles, grey2 mm2.
    spectra: NDArray[np.float64]
    #: Numbers that describe the whole picture, by name.
    numbers: dict[str, float]
    skin: NDArray[np.float64]
    noise: NDArray[np.float64]
    contrast: NDArray[np.float64]
    #: (``PATCHES``, ``PATCH_PX``, ``PATCH_PX``) float16, normalised as training patches are.
    patches: NDArray[np.float16]
    #: (``PATCHES``, 2) row, column of their corners.
    patch_corners: NDArray[np.intp]
    #: Crops at full resolution and the reduced whole, uint16 12-bit.
    crops: tuple[NDArray[np.uint16], ...]
    overview: NDArray[np.uint16]


def summarise(source: Source) -> Summary:
    """Open a picture, describe it, and let it go."""
    cv2.setNumThreads(1)
    specimen = source.open()
    inside = measures.without_calcium(specimen.depth > measures.DEPTH_MM, specimen)
    area_cm2 = float(np.count_nonzero(inside)) * SPACING_MM**2 / 100
    peaks = measures.peak_map(specimen, inside)
    corners = measures.tile_corners(specimen)
    features, spectra = _describe_tiles(specimen, peaks, corners)
    patches, patch_corners = _patches(specimen, inside)
    found = measures.candidates(specimen)
    whole_cm2 = float(np.count_nonzero(specimen.depth > 0)) * SPACING_MM**2 / 100
    return Summary(
        name=specimen.name,
        kind=specimen.kind,
        woman=specimen.woman,
        side=specimen.side,
        # A tile of one grey has neither slope nor shape.
        tiles=np.nan_to_num(np.column_stack(list(features.values())), posinf=0, neginf=0),
        corners=corners,
        spectra=spectra,
        numbers={
            "area cm2": whole_cm2,
            **measures.peak_counts(peaks, area_cm2),
            **measures.candidate_counts(found, whole_cm2),
            **measures.grey_levels(specimen),
            **measures.noise_correlation(specimen),
        },
        skin=measures.skin_profile(specimen),
        noise=measures.noise_by_grey(specimen),
        contrast=measures.local_contrast(specimen),
        patches=patches,
        patch_corners=patch_corners,
        crops=_crops(specimen, corners),
        overview=_codes(
            cv2.resize(specimen.grey, None, fx=1 / _OVERVIEW, fy=1 / _OVERVIEW, interpolation=cv2.INTER_AREA)
        ),
    )


#: Statistics of a tile; fixed before any comparison.
FEATURES = (
    "mean grey", "rms contrast", "skew", "p5 / mean", "p95 / mean",
    *(f"log power {f:g} /mm" for f in measures.SPOT_FREQUENCIES),
    *(f"exponent {band}" for band in measures.BANDS),
    "anisotropy 0.2-1", "anisotropy 1-3", "angle to the rows",
    *(f"DoG {s:g} skew" for s in measures.DOG_PX),
    *(f"DoG {s:g} kurtosis" for s in measures.DOG_PX),
    "bright peaks > 4", "bright peaks > 6", "dark peaks < -4",
    "fine residual / mean", "residual lag 1", "quiet residual / residual",
)  # fmt: skip


def _describe_tiles(
    specimen: Specimen, peaks: Array, corners: NDArray[np.intp]
) -> tuple[dict[str, NDArray[np.float64]], NDArray[np.float64]]:
    """The statistics in ``FEATURES``, each (n,), and the radial spectra, (n, bins)."""
    grey = measures.cut(specimen.grey, corners)
    mean = grey.mean((1, 2))
    spectra = measures.power(grey)
    rings = measures.radial(spectra)
    slopes = [measures.exponents(ring) for ring in rings]
    low, angle = measures.anisotropy(spectra, 0.2, 1.0)
    del spectra
    values = [mean, grey.std((1, 2)) / mean, measures.shape_of(grey)[0]]
    values += [q / mean for q in np.percentile(grey, (5, 95), axis=(1, 2))]
    values += [
        np.log(np.array([np.interp(f, measures.FREQUENCIES, ring) for ring in rings]) / mean**2)
        for f in measures.SPOT_FREQUENCIES
    ]
    values += [np.array([slope[band] for slope in slopes]) for band in measures.BANDS]
    values += [low, measures.anisotropy(measures.power(grey), 1.0, 3.0)[0], np.abs(angle)]
    shapes = [
        measures.shape_of(measures.cut(measures.dog(specimen.grey, s, 1.6 * s), corners)) for s in measures.DOG_PX
    ]
    values += [skew for skew, _ in shapes] + [kurtosis for _, kurtosis in shapes]
    at = measures.cut(peaks, corners)
    values += [np.log1p((at > 4).sum((1, 2))), np.log1p((at > 6).sum((1, 2))), np.log1p((at < -4).sum((1, 2)))]
    values += _residual_statistics(specimen, corners, mean)
    return dict(zip(FEATURES, values, strict=True)), rings


def _residual_statistics(specimen: Specimen, corners: NDArray[np.intp], mean: Array) -> list[NDArray[np.float64]]:
    """Of the 2-px residual of each tile: its size, its correlation at lag 1, and its quiet part's share."""
    fine = measures.cut(specimen.grey - cv2.GaussianBlur(specimen.grey, (0, 0), 2.0), corners)
    variance = (fine**2).mean((1, 2))
    lag = (fine[:, :, 1:] * fine[:, :, :-1]).mean((1, 2)) / variance
    parts = fine.reshape(len(fine), 16, measures.TILE_PX // 16, 16, measures.TILE_PX // 16).std((2, 4))
    quiet = np.quantile(parts.reshape(len(fine), -1), 0.25, axis=1)
    return [np.sqrt(variance) / mean, lag, quiet / np.sqrt(variance)]


def _patches(specimen: Specimen, inside: NDArray[np.bool_]) -> tuple[NDArray[np.float16], NDArray[np.intp]]:
    """Patches at random places of the tissue, on the scale of the whole breast; and their corners."""
    half = PATCH_PX // 2
    places = np.argwhere(inside[half:-half:4, half:-half:4]) * 4
    rng = np.random.default_rng(specimen.grey.size)
    chosen = places[rng.choice(len(places), PATCHES, replace=False)]
    normal = normalise_whole(specimen.grey / np.float32(MAX_GREY), specimen.depth)
    windows = np.lib.stride_tricks.sliding_window_view(normal, (PATCH_PX, PATCH_PX))
    return windows[chosen[:, 0], chosen[:, 1]].astype(np.float16), chosen


def normalise_whole(grey: Array, depth: Array) -> Array:
    """Grey in 0..1 as training patches have it: by percentiles of the breast on an overview."""
    factor = SPACING_MM / OVERVIEW_MM
    overview, skin_distance = (
        cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA) for image in (grey, depth)
    )
    return normalise(grey, wide_area_scale(overview, skin_distance > RIM_MM))


def _crops(specimen: Specimen, corners: NDArray[np.intp]) -> tuple[NDArray[np.uint16], ...]:
    means = measures.cut(specimen.grey, corners)[:, ::8, ::8].mean((1, 2))
    crops = []
    for quantile in CROP_QUANTILES:
        row, column = corners[np.argmin(np.abs(means - np.quantile(means, quantile)))]
        row, column = (
            int(np.clip(at - (CROP_PX - measures.TILE_PX) // 2, 0, n - CROP_PX))
            for at, n in zip((row, column), specimen.grey.shape, strict=True)
        )
        crops.append(_codes(specimen.grey[row : row + CROP_PX, column : column + CROP_PX]))
    return tuple(crops)


def _codes(grey: Array) -> NDArray[np.uint16]:
    return np.rint(np.clip(grey, 0, MAX_GREY)).astype(np.uint16)
