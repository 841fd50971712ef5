"""Specks in finished pictures: drawn ones beside the real ones marked by eye, measured by the same code."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from likeness.matching import Target, nearest_device
from likeness.measures import RESIDUAL_SHARE
from likeness.sources import upright
from likeness.specimen import MAX_GREY, SPACING_MM
from microcalc.imageio import read_mammogram
from microcalc.synthesis.acquisition import acquire, measure_snr, reference_attenuation
from microcalc.synthesis.calcification import cast_shadow, place_px
from microcalc.synthesis.lesions import Difficulty, draw_lesions
from microcalc.synthesis.outline import View
from microcalc.synthesis.phantom import Phantom
from microcalc.synthesis.visibility import VISIBLE
from microcalc.truth import Truth

Array = NDArray[np.float32]

#: First seed of the studies whose specks are looked at.
FIRST_SEED = 9000
#: Half side of the window around a speck, and the smoothing against noise, px.
_HALF, _SMOOTH = 24, 0.6
#: How far the brightest pixel may lie from a mark, px.
_SEARCH = 5
#: Ring that stands for the background, and the longest radius that is believed, px.
_RING, _LONGEST = (6, 11), 10
#: Rays from the peak, and the step along them, px.
_RAYS, _STEP = 16, 0.1
#: Larger ones are not what a detector of microcalcifications is for.
_LARGEST_MM = 1.0
#: Groups with fewer known specks are not looked at.
FEWEST = 3


@dataclass(frozen=True, eq=False)
class Cluster:
    """Specks that are known one by one, grouped, in a picture of grey 0..``MAX_GREY``."""

    name: str
    grey: Array
    #: (n, 2) x, y.
    points: NDArray[np.float64]


@dataclass(frozen=True)
class SpeckMeasures:
    """One speck as it looks; lengths in px unless named, grey 12-bit."""

    fwhm_minor_px: float
    fwhm_major_px: float
    half_maximum_diameter_mm: float
    peak_grey: float
    peak_over_noise: float
    peak_over_texture: float
    steepest_edge_per_px: float


@dataclass(frozen=True, eq=False)
class Group:
    """The specks of one cluster in one picture."""

    name: str
    specks: tuple[SpeckMeasures, ...]
    #: (n,) distance of each speck to its nearest neighbour.
    nearest_mm: NDArray[np.float64]
    #: Windows around each speck, (n, 48, 48), and around the whole, grey.
    windows: Array
    crop: Array

    @property
    def contrast_variation(self) -> float:
        """Standard deviation of the peaks over their mean."""
        peaks = np.array([speck.peak_grey for speck in self.specks])
        return float(peaks.std() / peaks.mean())


MEASURES = tuple(field.name for field in fields(SpeckMeasures))


def real_clusters(folder: Path, exam: int) -> Iterator[Cluster]:
    """The groups marked in the pictures of one exam, each with what small specks lie inside."""
    for image in Truth.from_json(folder / "truth.json").images:
        if not image.path.startswith(f"{exam}_"):
            continue
        small = [c for c in image.calcifications if (c.diameter_mm or 0) <= _LARGEST_MM]
        points = np.array([(c.x, c.y) for c in small]).reshape(-1, 2)
        for cluster in image.clusters:
            x0, y0, x1, y1 = cluster.bbox
            inside = (points >= (x0, y0)).all(1) & (points <= (x1, y1)).all(1)
            if cluster.distribution == "grouped" and np.count_nonzero(inside) >= FEWEST:
                grey = read_mammogram(folder / image.path).pixels * np.float32(MAX_GREY)
                yield Cluster(Path(image.path).stem, grey, points[inside])


def drawn_cluster(number: int, target: Target) -> Cluster:
    """A group of fine pleomorphic specks, the morphology most like the real ones, from a unit like theirs."""
    views: dict[View, Phantom] = {view: Phantom(view, "L", FIRST_SEED + number, "B") for view in ("CC", "MLO")}
    phantom = views["CC"]
    rng = phantom.rng("lesions", "L")
    lesions = (draw_lesions(views, rng, Difficulty(), ("fine pleomorphic",))[0] for _ in itertools.count())
    specks = next(lesion for lesion in lesions if lesion.distribution == "grouped").specks
    tissue = phantom.render()
    device = nearest_device(tissue, target, phantom.rng("device"))
    noise = device.unit_noise(phantom.shape, phantom.rng("noise", "L", "CC"))
    reference = reference_attenuation(phantom, tissue)
    visible = [
        shadow
        for shadow in (cast_shadow(speck, "CC", *place_px(phantom, speck), SPACING_MM) for speck in specks)
        if measure_snr(shadow, tissue.attenuation, noise, device, reference) >= VISIBLE
    ]
    grey = upright(acquire(phantom, tissue, device, noise, visible), device) * np.float32(MAX_GREY)
    points = np.array([shadow.polygon.mean(0) for shadow in visible]).reshape(-1, 2)
    return Cluster(f"study {number + 1}", grey, points)


def measure_cluster(cluster: Cluster) -> Group:
    """Each speck measured, and how far they lie from each other."""
    points = cluster.points
    distance = np.hypot(*(points[:, None] - points[None]).transpose(2, 0, 1))
    np.fill_diagonal(distance, np.inf)
    windows = np.stack([_window(cluster.grey, x, y) for x, y in points])
    return Group(
        name=cluster.name,
        specks=tuple(measure_speck(window) for window in windows),
        nearest_mm=distance.min(1) * SPACING_MM,
        windows=windows,
        crop=_window(cluster.grey, *(points.min(0) + points.max(0)) / 2, half=80),
    )


def _window(grey: Array, x: float, y: float, half: int = _HALF) -> Array:
    column, row = round(x), round(y)
    padded = cv2.copyMakeBorder(grey, half, half, half, half, cv2.BORDER_REFLECT)
    return padded[row : row + 2 * half, column : column + 2 * half].copy()


def measure_speck(window: Array) -> SpeckMeasures:
    """Measure the speck near the middle of a (48, 48) window.

    Its peak (slightly smoothed) is counted over the median of the ring around it; its outline is where rays from the
    peak first fall to half of that.
    """
    smooth = cv2.GaussianBlur(window, (0, 0), _SMOOTH)
    middle = smooth[_HALF - _SEARCH : _HALF + _SEARCH + 1, _HALF - _SEARCH : _HALF + _SEARCH + 1]
    row, column = np.array(np.unravel_index(middle.argmax(), middle.shape)) + _HALF - _SEARCH
    away = np.hypot(*np.ogrid[-row : 2 * _HALF - row, -column : 2 * _HALF - column])
    ring = (away >= _RING[0]) & (away <= _RING[1])
    background = float(np.median(window[ring]))
    peak = float(smooth[row, column]) - background
    residual = (window - cv2.GaussianBlur(window, (0, 0), 1.0))[ring]
    radius, steepest = _rays(smooth - np.float32(background), row, column, peak)
    widths = radius[: _RAYS // 2] + radius[_RAYS // 2 :]
    return SpeckMeasures(
        fwhm_minor_px=float(widths.min()),
        fwhm_major_px=float(widths.max()),
        half_maximum_diameter_mm=float(2 * np.sqrt(np.mean(radius**2)) * SPACING_MM),
        peak_grey=peak,
        peak_over_noise=peak / (_robust_sigma(residual) / RESIDUAL_SHARE),
        peak_over_texture=peak / _robust_sigma(window[ring]),
        steepest_edge_per_px=steepest / peak,
    )


def _rays(above: Array, row: int, column: int, peak: float) -> tuple[NDArray[np.float64], float]:
    """Radius of half the peak along each ray, px, and the steepest fall inside twice that, grey per px."""
    angle = np.arange(_RAYS) * (2 * np.pi / _RAYS)
    reach = np.arange(0, _LONGEST, _STEP)
    places = np.stack((row + np.outer(np.sin(angle), reach), column + np.outer(np.cos(angle), reach)))
    profile = ndimage.map_coordinates(above, places, order=3, mode="nearest")
    low = profile < peak / 2
    radius = np.where(low.any(1), low.argmax(1) * _STEP, _LONGEST)
    fall = -np.gradient(profile, _STEP, axis=1)
    return radius, float(fall[reach < 2 * radius[:, None]].max())


def _robust_sigma(values: Array) -> float:
    return 1.4826 * float(np.median(np.abs(values - np.median(values))))


def table(real: Sequence[Group], drawn: Sequence[Group]) -> list[tuple[str, str, str]]:
    """Per measure: its name, median and 10-90 % of the real specks, and of the drawn ones."""
    both = (real, drawn)
    rows = [("specks (groups)", *(f"{sum(len(g.specks) for g in part)} ({len(part)})" for part in both))]
    for name in MEASURES:
        texts = (_spread([getattr(s, name) for g in part for s in g.specks]) for part in both)
        rows.append((name.replace("_", " "), *texts))
    rows.append(("nearest neighbour, mm", *(_spread([d for g in part for d in g.nearest_mm]) for part in both)))
    rows.append(("contrast CV", *(_spread([g.contrast_variation for g in part]) for part in both)))
    return rows


def _spread(values: Sequence[float]) -> str:
    if not values:
        return "none"
    low, middle, high = np.quantile(values, (0.1, 0.5, 0.9))
    return f"{middle:.3g} ({low:.3g} to {high:.3g})"
