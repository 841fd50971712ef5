"""The patch around a spot of a mammogram, cut as training patches are, and the way back to the image."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from microcalc.breast import Breast, find_breast, mend_polarity
from microcalc.datasets import Record
from microcalc.errors import UsageError
from microcalc.evaluation.regions import nearest_pixel
from microcalc.mammogram import Mammogram
from microcalc.patches.cut import cut
from microcalc.patches.ground import Ground
from microcalc.patches.patch import Patch
from microcalc.patches.sites import centred
from microcalc.patches.store import WHITE
from microcalc.truth import ImageTruth

Point = tuple[float, float]


@dataclass(frozen=True, eq=False)
class Spot:
    """A spot and its patch; nothing is turned, flipped or padded."""

    #: x, y in pixels of the original image.
    at: Point
    #: As read, polarity mended.
    mammogram: Mammogram
    breast: Breast
    #: The image at the pixel pitch that patches are cut at.
    ground: Ground
    #: Where the patch lies, in pixels of the original image.
    patch: Patch
    #: (size, size) float32 in 0..1, of the ground: what ``data patches`` would store here.
    pixels: NDArray[np.float32]

    def to_original(self, xy: Point, side_px: int) -> Point:
        """A point on the patch -> x, y in pixels of the original image.

        Args:
            xy: pixel centres at integers, as everywhere.
            side_px: of the patch as it is counted on: of a map it is that of what the network is fed.
        """
        corner = self.ground.from_original(np.array([[self.patch.x0, self.patch.y0]]))
        on_ground = corner + (np.array(xy) + 0.5) * (self.ground.size_px / side_px) - 0.5
        x, y = self.ground.frame.to_original(on_ground)[0].tolist()
        return x, y


def find_spot(path: Path, at: Point, size_px: int, spacing_mm: float | None, pitch_mm: float | None = None) -> Spot:
    """Read an image and cut the patch that is centred on a spot; near a border it is shifted inside.

    Args:
        path: of the image.
        at: x, y in pixels of the image, centres at integers.
        size_px: side of a patch.
        spacing_mm: pixel pitch that the image is brought to; None: its own. A coarser image is left as it is.
        pitch_mm: that of an image whose file states none.

    Raises:
        ReadError: the file cannot be read.
        UsageError: the spot is not on the image, or not on the breast.
        MicrocalcError: no breast is on the image, it is smaller than a patch, or ``pitch_mm`` is not plausible.
    """
    record, mammogram = read_image(path, pitch_mm)
    rows, columns = mammogram.shape
    if not (-0.5 <= at[0] < columns - 0.5 and -0.5 <= at[1] < rows - 0.5):
        raise _nowhere(f"a spot on the image: x from 0 to {columns - 1}, y from 0 to {rows - 1}", at, path)
    breast = find_breast(mammogram)
    column, row = nearest_pixel(np.array(at))
    if not breast.mask[row, column]:
        raise _nowhere("a spot on the breast", at, path)
    ground = Ground.on(record, mammogram, breast, size_px, spacing_mm)
    corners = ground.to_original(centred(ground.frame.to_working(at), size_px, ground.shape))
    x0, y0 = corners[0].tolist()
    patch = Patch(path.name, x0, y0, ground.side_px, label="unknown", origin="spot")
    pixels = cut(ground, [patch])[0] / np.float32(WHITE)
    return Spot(at, mammogram, breast, ground, patch, pixels)


def read_image(path: Path, pitch_mm: float | None = None) -> tuple[Record, Mammogram]:
    """An image of which nothing is known, and what is on it, polarity mended.

    Args:
        path: of the image.
        pitch_mm: pixel pitch of an image whose file states none.

    Raises:
        ReadError: the file cannot be read.
        MicrocalcError: ``pitch_mm`` is not plausible.
    """
    record = Record(path, ImageTruth(path=path.name))
    mammogram = mend_polarity(record.read())
    if mammogram.spacing_mm is None and pitch_mm is not None:
        mammogram = mammogram.with_spacing((pitch_mm, pitch_mm), "user")
    return record, mammogram


def _nowhere(expected: str, at: Point, path: Path) -> UsageError:
    return UsageError(
        expected=expected, found=f"{at[0]:g}, {at[1]:g}", do="give --at X,Y in pixels of the image", where=path
    )
