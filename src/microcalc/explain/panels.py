"""Patches and maps as pictures: the pairs and triplets of Mračko et al., section III, and where the patch lies.

A pair is the patch with a red circle around the spot, and the map of the predicted class; a triplet is the patch, the
map of the class asked for, and that of the other.
"""

from __future__ import annotations

import base64
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from microcalc.explain.spot import Point, Spot
from microcalc.output.crop import Crop, breast_crop, grey_picture
from microcalc.output.overlay import SHIFT, fixed
from microcalc.output.scene import score_colour

Picture = NDArray[np.uint8]  # (rows, columns, 3) red, green, blue

#: Side of a patch's picture, height and width at most of the breast's.
SIDE_PX, BREAST_PX = 480, 900
#: Of the circle around the spot, as a share of the patch's side.
_CIRCLE = 0.14
_RED, _WHITE, _RIM = (255, 70, 60), (250, 250, 250), (0, 0, 0)
#: How much of the tissue the highest value of a map covers.
_OPACITY = 0.7
_GAP_PX = 8


def breast_picture(spot: Spot) -> Picture:
    """The breast, with the patch as a square; black off the breast, where a burnt-in label could name a patient."""
    crop = breast_crop(spot.breast, spot.mammogram.spacing_mm, BREAST_PX)
    picture = _grey(spot, crop, stretched=False)
    x0, y0, x1, y1 = spot.patch.box
    square = np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)])
    for colour, thickness in ((_RIM, 4), (_RED, 2)):
        cv2.polylines(picture, [fixed(crop.to_picture(square))], True, colour, thickness, cv2.LINE_AA, SHIFT)
    return picture


def patch_picture(spot: Spot, *, circle: bool = True) -> Picture:
    """The patch in a window of its own, from its darkest to its brightest tissue, with a circle around the spot."""
    crop = _patch_crop(spot)
    picture = _grey(spot, crop, stretched=True)
    if circle:
        _ring(picture, crop.to_picture(np.array([spot.at])), _CIRCLE * SIDE_PX, _RED)
    return picture


def map_picture(spot: Spot, values: NDArray[np.float32], peak: Point | None) -> Picture:
    """A map over the patch: the higher, the more of its colour, and where it is 0 nothing but tissue.

    Args:
        spot: whose patch it is.
        values: (s, s) in 0..1, of any side.
        peak: x, y in pixels of the original image, ringed; None: there is none.
    """
    crop = _patch_crop(spot)
    grey = _grey(spot, crop, stretched=True).astype(np.float32)
    share = cv2.resize(values, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_LINEAR).clip(0, 1)
    colours = colour_scale()[np.rint(share * 255).astype(np.intp)]
    cover = _OPACITY * share[:, :, None]
    picture: Picture = np.rint(grey * (1 - cover) + colours * cover).astype(np.uint8)
    if peak is not None:
        _ring(picture, crop.to_picture(np.array([peak])), 0.02 * SIDE_PX, _WHITE)
    return picture


def beside(*pictures: Picture) -> Picture:
    """Pictures of one height, in a row with white gaps: the patch and a map are a pair, two maps make a triplet."""
    gap = np.full((len(pictures[0]), _GAP_PX, 3), 255, np.uint8)
    parts = [part for picture in pictures for part in (gap, picture)]
    row: Picture = np.hstack(parts[1:])
    return row


@lru_cache(maxsize=1)
def colour_scale() -> Picture:
    """(256, 3) colours of values 0 to 1: those of the scores in the reports."""
    return np.array([score_colour(value, 0.0) for value in np.linspace(0, 1, 256).tolist()], np.uint8)


def colour_stops() -> list[str]:
    """The same colours as a page's style names them, six of them."""
    return [f"rgb({', '.join(map(str, colour))})" for colour in colour_scale()[::51].tolist()]


def png(picture: Picture) -> bytes:
    """The content of a PNG file."""
    content: bytes = cv2.imencode(".png", picture[:, :, ::-1])[1].tobytes()
    return content


def data_uri(picture: Picture) -> str:
    """A picture as a page holds it."""
    return f"data:image/png;base64,{base64.b64encode(png(picture)).decode()}"


def _patch_crop(spot: Spot) -> Crop:
    """The patch as a picture; seen through the image's own pixels, which may be finer than those of the patch."""
    x0, y0, side = spot.patch.x0, spot.patch.y0, spot.patch.size_px
    return Crop(box=(x0, y0, x0 + side, y0 + side), width=SIDE_PX, height=SIDE_PX, px_per_mm=None)


def _grey(spot: Spot, crop: Crop, *, stretched: bool) -> Picture:
    return np.repeat(grey_picture(spot.mammogram, spot.breast, crop, stretched=stretched)[:, :, None], 3, axis=2)


def _ring(picture: Picture, centre: NDArray[np.float64], radius: float, colour: tuple[int, int, int]) -> None:
    """An open circle with a dark rim, which keeps it apart from bright tissue."""
    middle = fixed(centre)[0].tolist()
    for tone, thickness in ((_RIM, 4), (colour, 2)):
        cv2.circle(picture, middle, round(radius * 2**SHIFT), tone, thickness, cv2.LINE_AA, SHIFT)
