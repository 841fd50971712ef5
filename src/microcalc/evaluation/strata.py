"""Strata: the images or the lesions of a set in parts, each to be scored by itself."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from microcalc.evaluation.regions import lesion_region
from microcalc.evaluation.scores import ImageScores
from microcalc.truth import ImageTruth, TrueCalcification, TrueCluster

#: From the first up to but not including the second.
Band = tuple[float, float]

#: Years.
AGE_BANDS: tuple[Band, ...] = ((0.0, 40.0), (40.0, 50.0), (50.0, 60.0), (60.0, 70.0), (70.0, math.inf))
#: Diameter of the disc of a calcification's area, mm; below 0.5 mm BI-RADS calls a round one punctate.
SIZE_BANDS: tuple[Band, ...] = ((0.0, 0.25), (0.25, 0.5), (0.5, 1.0), (1.0, math.inf))
#: Longer side of a cluster's box, mm; from 20 mm on it is no longer grouped.
CLUSTER_SIZE_BANDS: tuple[Band, ...] = ((0.0, 5.0), (5.0, 10.0), (10.0, 20.0), (20.0, math.inf))
#: Matched-filter SNR of a calcification.
SNR_BANDS: tuple[Band, ...] = ((-math.inf, 3.0), (3.0, 5.0), (5.0, 8.0), (8.0, 12.0), (12.0, math.inf))

Lesion = TrueCalcification | TrueCluster


@dataclass(frozen=True, eq=False)
class StratumPart:
    """One part of a set."""

    #: age, density, side, view, vendor (of images); size, morphology, snr, pathology (of lesions).
    by: str
    #: The band or the value, "unknown" where the truth does not say.
    name: str
    #: By image: those of the part. By lesion: all, each with only the lesions of the part.
    images: tuple[ImageScores, ...]
    #: (images,) where each stands in the set, so that the resamples of the set serve its parts.
    positions: NDArray[np.intp]


class _Value(NamedTuple):
    """A name and its place among the others."""

    rank: float
    name: str


_UNKNOWN = _Value(math.inf, "unknown")


def strata(images: Sequence[ImageScores]) -> list[StratumPart]:
    """Part a set by what its truth says of the images, and of the lesions.

    A part of the images has their lesions and their normal images; a part of the lesions is set against all normal
    images. Parts without a target lesion are left out, and so is whatever would leave one part only.

    Not for a FROC by the legacy definition: it divides by the images that hold a lesion or a false positive, of which a
    part of the lesions has fewer than the whole.
    """
    by_image = [list(_parts_of_images(images, by, value)) for by, value in _BY_IMAGE.items()]
    by_lesion = [list(_parts_of_lesions(images, by, value)) for by, value in _BY_LESION.items()]
    return [part for parts in by_image + by_lesion if len(parts) > 1 for part in parts]


def band_names(bands: Sequence[Band], unit: str = "") -> tuple[str, ...]:
    """What a report calls each of some bands: below 3, 3 to 5, from 12."""
    return tuple(_band_name(band, unit, first=rank == 0) for rank, band in enumerate(bands))


def _parts_of_images(
    images: Sequence[ImageScores], by: str, value: Callable[[ImageTruth], _Value]
) -> Iterator[StratumPart]:
    values = [value(image.truth) for image in images]
    for part in sorted({of for of, image in zip(values, images, strict=True) if image.lesions.size}):
        chosen = [i for i, of in enumerate(values) if of == part]
        yield StratumPart(by, part.name, tuple(images[i] for i in chosen), np.array(chosen, np.intp))


def _parts_of_lesions(
    images: Sequence[ImageScores], by: str, value: Callable[[Lesion, ImageTruth], _Value]
) -> Iterator[StratumPart]:
    values = [[value(lesion, image.truth) for lesion in image.targets] for image in images]
    for part in sorted({of for of_image in values for of in of_image}):
        chosen = [np.array([of == part for of in of_image], np.bool_) for of_image in values]
        kept = tuple(image.keep(mask) for image, mask in zip(images, chosen, strict=True))
        yield StratumPart(by, part.name, kept, np.arange(len(images)))


def _size(lesion: Lesion, truth: ImageTruth) -> _Value:
    if isinstance(lesion, TrueCluster):
        if truth.spacing_mm is None:
            return _UNKNOWN
        row_mm, column_mm = truth.spacing_mm
        x0, y0, x1, y1 = lesion.bbox
        return _banded(max((x1 - x0) * column_mm, (y1 - y0) * row_mm), CLUSTER_SIZE_BANDS, " mm")
    if lesion.diameter_mm:  # without one, or of none, it is a point
        return _banded(lesion.diameter_mm, SIZE_BANDS, " mm")
    if lesion.polygon is None or truth.spacing_mm is None:
        return _UNKNOWN
    pixels = np.count_nonzero(lesion_region(lesion, truth.spacing_mm).mask)
    area_mm2 = pixels * math.prod(truth.spacing_mm)
    return _banded(2 * math.sqrt(area_mm2 / math.pi), SIZE_BANDS, " mm")


def _snr(lesion: Lesion, truth: ImageTruth) -> _Value:
    return _banded(lesion.snr if isinstance(lesion, TrueCalcification) else None, SNR_BANDS)


def _banded(value: float | None, bands: Sequence[Band], unit: str = "") -> _Value:
    if value is None:
        return _UNKNOWN
    rank, band = next((rank, band) for rank, band in enumerate(bands) if band[0] <= value < band[1])
    return _Value(rank, _band_name(band, unit, first=rank == 0))


def _band_name(band: Band, unit: str, *, first: bool) -> str:
    low, high = band
    if first:
        return f"below {high:g}{unit}"
    return f"from {low:g}{unit}" if math.isinf(high) else f"{low:g} to {high:g}{unit}"


def _named(text: str | None) -> _Value:
    return _UNKNOWN if text is None or text == _UNKNOWN.name else _Value(0, text)


_BY_IMAGE: dict[str, Callable[[ImageTruth], _Value]] = {
    "age": lambda truth: _banded(truth.age, AGE_BANDS),
    "density": lambda truth: _named(truth.density),
    "side": lambda truth: _named(truth.side),
    "view": lambda truth: _named(truth.view),
    "vendor": lambda truth: _named(truth.vendor),
}
_BY_LESION: dict[str, Callable[[Lesion, ImageTruth], _Value]] = {
    "size": _size,
    "morphology": lambda lesion, truth: _named(lesion.morphology),
    "snr": _snr,
    "pathology": lambda lesion, truth: _named(lesion.pathology),
}
