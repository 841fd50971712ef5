"""The gallery: the worst of each system, cut out of the images at full resolution."""

from __future__ import annotations

import base64
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from microcalc.breast import Breast, find_breast, mend_polarity
from microcalc.comparison.scored import ScoredImage, ScoredSystem
from microcalc.comparison.worst import Facts, Spot, Worst, worst_false_positives, worst_misses
from microcalc.datasets.folders import posix_path
from microcalc.errors import MicrocalcError, ReadError
from microcalc.findings import Spacing
from microcalc.imageio import read_mammogram
from microcalc.mammogram import Mammogram
from microcalc.output.crop import Crop, grey_picture

#: A crop with more pixels on a side, of a large cluster, is shrunk to so many.
LONGEST_PX = 600


@dataclass(frozen=True)
class Picture:
    """A crop, and what to draw on a copy of it, in picture pixels."""

    crop: Crop
    #: PNG as a data URI.
    uri: str
    #: Corners of a closed polygon.
    outline: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Example:
    """One spot with its caption; no picture where the image is not at hand."""

    #: Of the image, as the truth names it.
    path: str
    facts: Facts
    picture: Picture | None


@dataclass(frozen=True)
class Examples:
    """One kind of spots of one system."""

    shown: tuple[Example, ...]
    #: How many there are, shown or not.
    total: int


@dataclass(frozen=True)
class SystemExamples:
    """The worst of one system."""

    name: str
    misses: Examples
    false_positives: Examples


@dataclass(frozen=True)
class Gallery:
    """The worst of every system, and why pictures are missing, line by line."""

    systems: tuple[SystemExamples, ...]
    missing: tuple[str, ...]


def make_gallery(scored: Sequence[ScoredSystem], images_root: Path | None) -> Gallery:
    """Choose the worst of each system and cut it out; each image is read once.

    Pictures are black off the breast, where a burnt-in label could name a patient. An image that cannot be read costs
    its pictures only.

    Args:
        scored: systems on the same images.
        images_root: folder that the truth's paths start from; None: no pictures.
    """
    chosen = [(worst_misses(scored, i), worst_false_positives(system)) for i, system in enumerate(scored)]
    by_image: defaultdict[int, list[Spot]] = defaultdict(list)
    for misses, false in chosen:
        for spot in misses.spots + false.spots:
            by_image[spot.image].append(spot)
    pictures: dict[Spot, Picture] = {}
    missing = []
    if images_root is not None:
        for index, spots in sorted(by_image.items()):
            try:
                pictures |= _cut(scored[0].images[index], spots, images_root)
            except MicrocalcError as error:
                missing.append(f"{scored[0].images[index].truth.path}: {error.reason}")

    def examples(worst: Worst) -> Examples:
        shown = (
            Example(scored[0].images[spot.image].truth.path, spot.facts, pictures.get(spot)) for spot in worst.spots
        )
        return Examples(tuple(shown), worst.total)

    systems = (
        SystemExamples(system.system.name, examples(misses), examples(false))
        for system, (misses, false) in zip(scored, chosen, strict=True)
    )
    return Gallery(tuple(systems), tuple(missing))


def _cut(image: ScoredImage, spots: Sequence[Spot], root: Path) -> dict[Spot, Picture]:
    mammogram, breast = _read(image, root)
    return {spot: _picture(mammogram, breast, spot, image.spacing_mm) for spot in spots}


def _read(image: ScoredImage, root: Path) -> tuple[Mammogram, Breast]:
    truth = image.truth
    mammogram = mend_polarity(read_mammogram(root / posix_path(truth.path)))
    stated = (truth.rows or mammogram.shape[0], truth.columns or mammogram.shape[1])
    if stated != mammogram.shape:
        raise ReadError(
            expected="{} x {} pixels, as the truth says".format(*stated),
            found="{} x {}".format(*mammogram.shape),
            do="give the folder of the images that were annotated with --images",
        )
    return mammogram, find_breast(mammogram)


def _picture(mammogram: Mammogram, breast: Breast, spot: Spot, spacing_mm: Spacing) -> Picture:
    crop = _crop(spot, mammogram.shape, spacing_mm)
    _, png = cv2.imencode(".png", grey_picture(mammogram, breast, crop, stretched=True))
    corners = crop.to_picture(spot.outline).tolist()
    return Picture(
        crop=crop,
        uri=f"data:image/png;base64,{base64.b64encode(png.tobytes()).decode()}",
        outline=tuple((x, y) for x, y in corners),
    )


def _crop(spot: Spot, shape: tuple[int, int], spacing_mm: Spacing) -> Crop:
    """The square around a spot, pushed inside the image, at full resolution; a page enlarges it."""
    step = np.array(spacing_mm[::-1])
    size = np.minimum(np.round(spot.shown_mm / step).astype(int), shape[::-1])
    low = np.clip(np.round(spot.centre - size / 2).astype(int), 0, shape[::-1] - size)
    (x0, y0), (x1, y1) = low.tolist(), (low + size).tolist()
    # The finer of two spacings, so that neither axis loses detail.
    pixel_mm = max(float(step.min()), float((size * step).max()) / LONGEST_PX)
    width, height = np.maximum(np.round(size * step / pixel_mm), 1).astype(int).tolist()
    return Crop(box=(x0, y0, x1, y1), width=width, height=height, px_per_mm=1 / pixel_mm)
