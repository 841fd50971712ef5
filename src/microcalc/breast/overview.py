"""Overview: the reduced picture on which the breast is looked for, its exposed field and its air."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from microcalc.breast.frame import Frame

#: Length of the longer side of the overview, pixels: 0.5 to 0.7 mm each on a mammogram of full size.
OVERVIEW_PX = 448
#: A picture narrower than this on the overview shows nothing.
LEAST_PX = 32
#: A line of pixels counts as blank, and a neighbourhood as flat, within this part of the picture's range.
FLAT = 0.02
#: The most of the field that labels and frames may whiten.
WHITE = 0.1


@dataclass(frozen=True, eq=False)
class Overview:
    """A mammogram reduced to at most ``OVERVIEW_PX`` pixels a side, without specks and hairlines."""

    #: From the mammogram to the overview: shrinking alone.
    frame: Frame
    #: (rows, columns) float32, same values as the mammogram.
    image: NDArray[np.float32]
    #: The exposed field (rows, columns): the picture without blank lines at its borders (padding, straight frames).
    field: tuple[slice, slice]
    #: Level that divides the field into dark and bright (Otsu).
    middle: float
    #: Whether there is nothing to be seen at all.
    blank: bool

    @classmethod
    def of(cls, pixels: NDArray[np.float32]) -> Overview:
        """The overview of (rows, columns) pixels in 0..1."""
        rows, columns = pixels.shape
        factor = max(1.0, min(max(rows, columns) / OVERVIEW_PX, rows, columns))
        frame = Frame((rows, columns), (0, 0, columns, rows), factors=(factor, factor))
        # The median takes away what is thinner than about 1 mm: scratches, scanner lines, dust.
        image = cv2.medianBlur(frame.apply(pixels), 5).astype(np.float32, copy=False)
        field = _field(image)
        return cls(frame, image, field, _otsu(image[field]), _blank(image))

    def flat_rim(self) -> tuple[NDArray[np.float32], NDArray[np.float32], int]:
        """Levels and local ranges of the flat pixels on the rim of the field, and the count of all pixels there.

        The rim lies three pixels in, where no neighbourhood reaches over the border to padding or a frame.
        """
        image = self.image[self.field]
        spread = local_range(image, 5)
        rim = np.zeros(image.shape, bool)
        rim[3:-3, 3:-3] = True
        rim[4:-4, 4:-4] = False
        flat = rim & (spread <= FLAT * float(np.ptp(np.quantile(image, (0.005, 0.99)))))
        return image[flat], spread[flat], int(np.count_nonzero(rim))


def local_range(image: NDArray[Any], size: int) -> NDArray[Any]:
    """Maximum minus minimum in the square of ``size`` pixels around each pixel."""
    return np.asarray(cv2.morphologyEx(image, cv2.MORPH_GRADIENT, np.ones((size, size), np.uint8)))


def _field(image: NDArray[np.float32]) -> tuple[slice, slice]:
    """The image without the lines at its borders that hold one level throughout; all of it where nothing else is."""
    tolerance = FLAT * float(np.ptp(image))
    spans = [np.flatnonzero(np.ptp(image, axis=axis) > tolerance) for axis in (1, 0)]
    if any(span.size == 0 for span in spans):
        return slice(0, image.shape[0]), slice(0, image.shape[1])
    rows, columns = (slice(int(span[0]), int(span[-1]) + 1) for span in spans)
    return rows, columns


def _otsu(image: NDArray[np.float32]) -> float:
    """Otsu's level, without the white of labels and frames: what is brightest, where it is little."""
    low, white = float(image.min()), float(image.max()) - FLAT * float(np.ptp(image))
    darker = image[image < white]
    if darker.size < (1 - WHITE) * image.size:
        darker = image.ravel()
    width = max(float(darker.max()) - low, 1e-6)
    levels = ((darker - low) * (255 / width)).astype(np.uint8)
    cut, _ = cv2.threshold(levels, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    return float(low + (cut + 0.5) / 255 * width)


def _blank(image: NDArray[np.float32]) -> bool:
    """Whether the picture is tiny, or nothing is left once it is blurred to about 1 cm: one level, or noise alone."""
    if min(image.shape) < LEAST_PX:
        return True
    coarse = cv2.GaussianBlur(image, (0, 0), 8.0)
    return float(np.ptp(coarse)) < 0.005 or float(coarse.std()) < 0.25 * float(image.std())
