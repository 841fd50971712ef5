"""Square crops around places on scored images, at full resolution, each image read once."""

from __future__ import annotations

import base64
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

import cv2
import numpy as np

from microcalc.breast import Breast, find_breast, mend_polarity
from microcalc.comparison.scored import ScoredImage
from microcalc.datasets.folders import posix_path
from microcalc.errors import MicrocalcError, ReadError
from microcalc.findings import Spacing
from microcalc.imageio import read_mammogram
from microcalc.mammogram import Mammogram
from microcalc.output.crop import Crop, grey_picture

#: A crop with more pixels on a side, of a large cluster, is shrunk to so many.
LONGEST_PX = 600


class Place(Protocol):
    """Where to cut; hashable, as a key."""

    @property
    def image(self) -> int:
        """Which of the scored images."""

    @property
    def centre(self) -> tuple[float, float]:
        """x, y in pixels of the original image."""

    @property
    def shown_mm(self) -> float:
        """Width and height of the crop."""


PlaceT = TypeVar("PlaceT", bound=Place)


@dataclass(frozen=True)
class Cutting:
    """A crop and its picture."""

    crop: Crop
    #: PNG as a data URI.
    uri: str


def cut_out(
    images: Sequence[ScoredImage], places: Iterable[PlaceT], images_root: Path | None
) -> tuple[dict[PlaceT, Cutting], tuple[str, ...]]:
    """Cut places out; what of them is there, and a line about each image that cannot be read.

    Pictures are black off the breast, where a burnt-in label could name a patient. An image that cannot be read costs
    its pictures only.

    Args:
        images: that the places are on.
        places: any number.
        images_root: folder that the truth's paths start from; None: no pictures.
    """
    by_image: defaultdict[int, list[PlaceT]] = defaultdict(list)
    for place in places if images_root is not None else ():
        by_image[place.image].append(place)
    cuttings: dict[PlaceT, Cutting] = {}
    missing = []
    for index, of_image in sorted(by_image.items()):
        image = images[index]
        try:
            mammogram, breast = _read(image, images_root or Path())
        except MicrocalcError as error:
            missing.append(f"{image.truth.path}: {error.reason}")
        else:
            cuttings |= {place: _cut(mammogram, breast, place, image.spacing_mm) for place in of_image}
    return cuttings, tuple(missing)


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


def _cut(mammogram: Mammogram, breast: Breast, place: Place, spacing_mm: Spacing) -> Cutting:
    crop = _square(place, mammogram.shape, spacing_mm)
    _, png = cv2.imencode(".png", grey_picture(mammogram, breast, crop, stretched=True))
    return Cutting(crop, f"data:image/png;base64,{base64.b64encode(png.tobytes()).decode()}")


def _square(place: Place, shape: tuple[int, int], spacing_mm: Spacing) -> Crop:
    """The square around a place, pushed inside the image, at full resolution; a page enlarges it."""
    step = np.array(spacing_mm[::-1])
    size = np.minimum(np.round(place.shown_mm / step).astype(int), shape[::-1])
    low = np.clip(np.round(np.array(place.centre) - size / 2).astype(int), 0, shape[::-1] - size)
    (x0, y0), (x1, y1) = low.tolist(), (low + size).tolist()
    # The finer of two spacings, so that neither axis loses detail.
    pixel_mm = max(float(step.min()), float((size * step).max()) / LONGEST_PX)
    width, height = np.maximum(np.round(size * step / pixel_mm), 1).astype(int).tolist()
    return Crop(box=(x0, y0, x1, y1), width=width, height=height, px_per_mm=1 / pixel_mm)
