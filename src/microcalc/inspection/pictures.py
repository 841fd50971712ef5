"""Pictures of images that something is wrong with, the outlines of their findings drawn."""

from __future__ import annotations

import base64
import dataclasses
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from microcalc.breast import find_breast, mend_polarity
from microcalc.datasets import Record
from microcalc.errors import MicrocalcError
from microcalc.imageio import read_mammogram
from microcalc.inspection.fit import drawn
from microcalc.mammogram import Mammogram
from microcalc.output.crop import Crop

#: Of the longer side.
_PICTURE_PX = 360
#: On an image of 24 x 30 cm, pixels of a picture are 0.8 mm, and letters of a centimetre are lost.
_BLUR_PX = 6.0
_COLOUR, _RIM = (64, 224, 200), (0, 0, 0)
#: OpenCV draws at fractions of a pixel when coordinates are given in units of 2^-_SHIFT.
_SHIFT = 4


@dataclass(frozen=True)
class Picture:
    """A picture as a page embeds it."""

    width: int
    height: int
    #: JPEG as a data URI.
    uri: str


def picture(record: Record) -> Picture | None:
    """The whole image, small, in its own orientation, with its findings; None where it cannot be read.

    Off the breast it is blurred by about 5 mm, so that no burnt-in label can be read, which could name a patient. An
    inverted image is mended.
    """
    try:
        read = read_mammogram(record.path)
    except MicrocalcError:
        return None
    mammogram = mend_polarity(dataclasses.replace(read, side=record.truth.side or read.side))
    rows, columns = mammogram.shape
    scale = min(_PICTURE_PX / max(rows, columns), 1.0)
    width, height = max(round(columns * scale), 1), max(round(rows * scale), 1)
    crop = Crop(box=(0, 0, columns, rows), width=width, height=height, px_per_mm=None)
    canvas = cv2.cvtColor(_grey(mammogram, crop), cv2.COLOR_GRAY2BGR)
    paths = [
        np.round((crop.to_picture(finding.corners) - 0.5) * 2**_SHIFT).astype(np.int32) for finding in drawn(record)
    ]
    for colour, thickness in ((_RIM, 4), (_COLOUR[::-1], 2)):
        cv2.polylines(canvas, paths, True, colour, thickness, cv2.LINE_AA, _SHIFT)
    _, data = cv2.imencode(".jpg", canvas, (cv2.IMWRITE_JPEG_QUALITY, 85))
    return Picture(width, height, f"data:image/jpeg;base64,{base64.b64encode(data.tobytes()).decode()}")


def _grey(mammogram: Mammogram, crop: Crop) -> NDArray[np.uint8]:
    """(height, width) of the crop; where no breast is seen, all of it is blurred."""
    size = crop.width, crop.height
    small = cv2.resize(mammogram.pixels, size, interpolation=cv2.INTER_AREA)
    blurred = cv2.GaussianBlur(small, (0, 0), _BLUR_PX)
    try:
        mask = find_breast(mammogram).mask
    except MicrocalcError:
        mask = np.zeros(mammogram.shape, bool)
    inside = cv2.resize(mask.view(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0
    grey: NDArray[np.uint8] = np.round(np.where(inside, small, blurred) * 255).astype(np.uint8)
    return grey


def no_picture(record: Record) -> Picture | None:
    """Of an image that takes the process down with it."""
    return None
