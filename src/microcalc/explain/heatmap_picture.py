"""A heatmap over its mammogram, as a picture: blue 0 % to red 100 %, the grid of patches, the positive ones outlined.

Pesapane et al., Figure 3; Shiri Kahnouei et al., Figure 7.
"""

from __future__ import annotations

import io
import textwrap

import cv2
import numpy as np
from numpy.typing import NDArray

from microcalc.explain import heatmap_wording as wording
from microcalc.explain.heatmap import Heated
from microcalc.explain.panels import Picture, colour_scale
from microcalc.output.crop import Crop, breast_crop, grey_picture
from microcalc.output.words import NOT_A_DEVICE

#: Height and width at most of a picture.
LONGEST_PX = 1400
#: How much of the tissue the colours cover, at a score of 0 and of 1: what is high is to be seen first.
_OPACITY = (0.3, 0.7)
#: Patches smaller than this on the picture are shown without their grid, whose lines would veil the tissue.
_GRID_FROM_PX = 12.0
#: From this size on outlines are two pixels wide, with a dark rim; of smaller patches they would leave little to see.
_WIDE_FROM_PX = 20.0
_GRID, _OUTLINE, _RIM = (160, 160, 160), (255, 255, 255), (0, 0, 0)
#: Of the figure, inches: height of the pictures, and of the text below; what titles and the colour bar take beside the
#: pictures; least width.
_HIGH, _TEXT, _BESIDE, _LEAST = 6.4, 1.7, 2.2, 8.0
#: Pixels to an inch, and characters of a line of text.
_DPI, _LINE = 120, 14


def plain_picture(heated: Heated) -> Picture:
    """The breast without a heatmap; black off the breast, where a burnt-in label could name a patient."""
    return np.repeat(_grey(heated, _crop(heated))[:, :, np.newaxis], 3, axis=2)


def heat_picture(heated: Heated) -> Picture:
    """The breast under the scores of its patches."""
    crop, grid = _crop(heated), heated.heatmap.grid
    picture = plain_picture(heated)
    scores = _on_picture(heated, heated.scores, crop, np.nan)
    shown = np.isfinite(scores)
    colours = colour_scale()[np.rint(scores[shown] * 255).astype(np.intp)]
    cover = np.interp(scores[shown], (0, 1), _OPACITY)[:, np.newaxis]
    picture[shown] = np.rint(picture[shown] * (1 - cover) + colours * cover).astype(np.uint8)
    side = grid.size_px * heated.ground.frame.factors[1] * crop.width / (crop.box[2] - crop.box[0])
    if grid.stride_px >= grid.size_px and side >= _GRID_FROM_PX:
        corners = np.array([cell.bbox for cell in heated.heatmap.cells]).reshape(-1, 2)
        for start, end in np.rint(crop.to_picture(corners)).astype(int).reshape(-1, 2, 2).tolist():
            cv2.rectangle(picture, start, end, _GRID, 1)
    reached = _on_picture(heated, heated.reached.astype(np.float32), crop, 0.0) > 0
    outlines = cv2.findContours(reached.view(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)[0]
    for colour, thickness in ((_RIM, 4), (_OUTLINE, 2)) if side >= _WIDE_FROM_PX else ((_OUTLINE, 1),):
        cv2.drawContours(picture, outlines, -1, colour, thickness)
    return picture


def heatmap_figure(heated: Heated) -> bytes:
    """The content of a PNG file: the breast, the breast under its heatmap, a colour bar, and what it says in words."""
    # Imported here: half a second that only a picture needs.
    import matplotlib.style
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import ListedColormap, Normalize
    from matplotlib.figure import Figure

    style = {"font.sans-serif": ["DejaVu Sans"], "font.size": 9, "text.parse_math": False}
    pictures = plain_picture(heated), heat_picture(heated)
    rows, columns, _ = pictures[0].shape
    width = max(2 * _HIGH * columns / rows + _BESIDE, _LEAST)
    lines = [*wording.lines(heated.heatmap), *heated.heatmap.doubts, NOT_A_DEVICE]
    with matplotlib.style.context(["default", style]):
        figure = Figure(figsize=(width, _HIGH + _TEXT), layout="constrained")
        above, below = figure.subfigures(2, 1, squeeze=False, height_ratios=(_HIGH, _TEXT))[:, 0]
        all_axes = above.subplots(1, 2)
        titles = ("The breast", wording.title(heated.heatmap))
        for axes, title, picture in zip(all_axes, titles, pictures, strict=True):
            axes.imshow(picture)
            axes.set_title(title, fontsize=9)
            axes.set_axis_off()
        shades = ScalarMappable(Normalize(0, 100), ListedColormap(colour_scale() / 255.0))
        above.colorbar(shades, ax=all_axes[-1], shrink=0.8).set_label(f"{wording.score_name(heated.heatmap)}, %")
        text = "\n".join(textwrap.fill(line, round(_LINE * width)) for line in lines)
        below.text(0.01, 0.98, text, va="top", linespacing=1.45)
        content = io.BytesIO()
        figure.savefig(content, format="png", dpi=_DPI, metadata={"Software": None})
    return content.getvalue()


def _crop(heated: Heated) -> Crop:
    return breast_crop(heated.breast, heated.mammogram.spacing_mm, LONGEST_PX)


def _grey(heated: Heated, crop: Crop) -> NDArray[np.uint8]:
    return grey_picture(heated.mammogram, heated.breast, crop, stretched=False)


def _on_picture(heated: Heated, values: NDArray[np.float32], crop: Crop, beyond: float) -> NDArray[np.float32]:
    """Values (rows, columns) of the ground as the picture of a crop, each pixel that of the nearest one there."""
    x0, y0, x1, y1 = crop.box
    steps = np.array([(x1 - x0) / crop.width, (y1 - y0) / crop.height])
    factors = np.array(heated.ground.frame.factors[::-1])
    # Centre of the first picture pixel, on the image and then on the ground.
    first = (np.array([x0, y0]) + steps / 2) / factors - 0.5
    way = np.column_stack([np.diag(steps / factors), first])
    how = cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP
    size = crop.width, crop.height
    shown = cv2.warpAffine(values, way, size, flags=how, borderMode=cv2.BORDER_CONSTANT, borderValue=beyond)
    return np.asarray(shown, np.float32)
