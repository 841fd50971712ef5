"""The pictures of one image, made while its pixels are in memory: the overlay, and what a report shows."""

from __future__ import annotations

import functools
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from microcalc.breast import Breast
from microcalc.findings import ImageFindings
from microcalc.mammogram import Mammogram
from microcalc.output.crop import Crop, PictureSet, breast_crop, cluster_crop, grey_picture
from microcalc.output.files import replacing
from microcalc.output.scene import CLUSTER_COLOUR, Scene, make_scene, scale_bar_mm, score_colour
from microcalc.output.words import count, image_label

Canvas = NDArray[np.uint8]  # (rows, columns, 3) red, green, blue

_OVERLAY_PX, _REPORT_PX = 1600, 1400
#: Strips above and below the breast hold all text, so that none ever lies over tissue.
_HEADER_PX, _FOOTER_PX, _LEAST_WIDTH_PX = 56, 88, 620
_INSET = 16
_WHITE, _GREY = (240, 240, 240), (175, 175, 175)
_ENCODING = {".jpg": (cv2.IMWRITE_JPEG_QUALITY, 85), ".png": (cv2.IMWRITE_PNG_COMPRESSION, 4)}
#: OpenCV draws at fractions of a pixel when coordinates are given in units of 2^-SHIFT.
SHIFT = 4


def write_pictures(
    mammogram: Mammogram,
    breast: Breast,
    findings: ImageFindings,
    threshold: float,
    folder: Path,
    *,
    overlay: bool,
    report: bool,
) -> None:
    """Write the pictures of one image into its folder (``pictures/<image_key>``).

    All pictures have square pixels, keep the original's orientation and are black outside the breast mask.

    Args:
        mammogram: the image; its pixels are (rows, columns) float32 in 0..1.
        breast: where the breast is on it.
        findings: what was found on it; its spacing is the one used.
        threshold: marks with a lower score are not drawn.
        folder: where the files go.
        overlay: write ``overlay.png``: the breast at most 1600 px high, with marks, clusters, legend and scale bar.
        report: write what :func:`microcalc.output.write_report` embeds: ``breast.jpg``, ``cluster-01.png`` ... at full
            resolution, both without marks, and ``geometry.json`` (:class:`PictureSet`).

    Raises:
        WriteError: a file cannot be written.
    """
    spacing = findings.spacing_mm
    if overlay:
        crop = breast_crop(breast, spacing, _OVERLAY_PX)
        grey = grey_picture(mammogram, breast, crop, stretched=False)
        _save(folder / "overlay.png", _draw_overlay(grey, crop, breast, findings, threshold))
    if report:
        crop = breast_crop(breast, spacing, _REPORT_PX)
        _save(folder / "breast.jpg", grey_picture(mammogram, breast, crop, stretched=False))
        crops = tuple(cluster_crop(cluster.bbox, mammogram.shape, spacing) for cluster in findings.clusters)
        for number, close in enumerate(crops, 1):
            picture = _canvas(grey_picture(mammogram, breast, close, stretched=True))
            _draw_scale_bar(picture, close, findings, (_INSET, close.height - _INSET))
            _save(folder / f"cluster-{number:02d}.png", picture[:, :, 0])
        x, y = crop.to_picture(np.array([breast.nipple]))[0]
        pictures = PictureSet(breast=crop, nipple=(x, y), clusters=crops)
        with replacing(folder / "geometry.json") as file:
            file.write(pictures.model_dump_json(indent=1).encode())


def has_pictures(folder: Path, findings: ImageFindings, *, overlay: bool, report: bool) -> bool:
    """Whether :func:`write_pictures` has left all that is asked for in a folder."""
    names = ["overlay.png"] * overlay
    if report:
        names += ["breast.jpg", "geometry.json"]
        names += [f"cluster-{number:02d}.png" for number in range(1, len(findings.clusters) + 1)]
    return all((folder / name).is_file() for name in names)


def _draw_overlay(
    grey: NDArray[np.uint8], crop: Crop, breast: Breast, findings: ImageFindings, threshold: float
) -> Canvas:
    scene = make_scene(findings, threshold, crop)
    picture = _canvas(grey)
    _draw_scene(picture, scene)
    # A narrow breast gets room for the text on the side away from the chest wall.
    spare = max(_LEAST_WIDTH_PX - crop.width, 0)
    left, right = (0, spare) if breast.chest_wall == "left" else (spare, 0)
    canvas = np.pad(picture, ((_HEADER_PX, _FOOTER_PX), (left, right), (0, 0)))
    _draw_header(canvas, breast, scene, findings, threshold)
    _draw_footer(canvas, crop, findings, threshold)
    for shape in scene.clusters:
        x, y = shape.label
        _text(canvas, (left + x + 4, _HEADER_PX + y - 4), str(shape.number), 22, CLUSTER_COLOUR, "ls")
    return canvas


def _canvas(grey: NDArray[np.uint8]) -> Canvas:
    return np.repeat(grey[:, :, None], 3, axis=2)


def _draw_scene(picture: Canvas, scene: Scene) -> None:
    """Draw lines with a dark rim, which keeps them apart from bright tissue; a circle's lies outside, off the speck."""
    outlines = [fixed(shape.outline) for shape in scene.clusters]
    for colour, thickness in (((0, 0, 0), 3), (CLUSTER_COLOUR, 1)):
        cv2.polylines(picture, outlines, True, colour, thickness, cv2.LINE_AA, SHIFT)
    for mark in scene.marks:
        if mark.outline is not None:
            cv2.polylines(picture, [fixed(mark.outline)], True, mark.colour, 1, cv2.LINE_AA, SHIFT)
    for wider in (1.0, 0.0):
        for mark in scene.marks:
            centre = fixed(np.array([mark.x, mark.y])).tolist()
            radius = round((mark.radius + wider) * 2**SHIFT)
            cv2.circle(picture, centre, radius, (0, 0, 0) if wider else mark.colour, 1, cv2.LINE_AA, SHIFT)


def _draw_header(canvas: Canvas, breast: Breast, scene: Scene, findings: ImageFindings, threshold: float) -> None:
    """Side and view where the nipple points, as on film; what was found at the other end."""
    width, middle = canvas.shape[1], _HEADER_PX // 2
    found = f"{count(len(scene.clusters), 'cluster')}, {count(len(scene.marks), 'mark')} scored {threshold:.2f} or more"
    ends = [(_INSET, "lm"), (width - _INSET, "rm")]
    wall, nipple = ends if breast.chest_wall == "left" else reversed(ends)
    _text(canvas, (nipple[0], middle), image_label(findings), 32, _WHITE, nipple[1])
    _text(canvas, (wall[0], middle), found, 18, _GREY, wall[1])


def _draw_footer(canvas: Canvas, crop: Crop, findings: ImageFindings, threshold: float) -> None:
    rows, columns = canvas.shape[:2]
    line = rows - _FOOTER_PX + 40
    _draw_scale_bar(canvas, crop, findings, (_INSET, line))
    legend_px = 160
    start = columns - _INSET - 52 - legend_px
    scores = np.linspace(threshold, 1.0, legend_px)
    canvas[line - 10 : line, start : start + legend_px] = [score_colour(score, threshold) for score in scores]
    _text(canvas, (start - 8, line), f"score {threshold:.2f}", 18, _GREY, "rs")
    _text(canvas, (columns - _INSET, line), "1.00", 18, _GREY, "rs")
    _text(canvas, (_INSET, rows - 16), "Research use, not a medical device", 16, _GREY, "ls")


def _draw_scale_bar(canvas: Canvas, crop: Crop, findings: ImageFindings, corner: tuple[int, int]) -> None:
    """A bar with its length, its lower left at ``corner``."""
    if crop.px_per_mm is None:
        _text(canvas, corner, "pixel spacing unknown", 18, _GREY, "ls")
        return
    x, y = corner
    length = scale_bar_mm(crop.px_per_mm, crop.width * 0.4)
    end = x + round(length * crop.px_per_mm)
    bar = np.array([(x, y - 8), (x, y), (end, y), (end, y - 8)])
    for colour, thickness in (((0, 0, 0), 5), (_WHITE, 2)):
        cv2.polylines(canvas, [bar], False, colour, thickness)
    assumed = " (spacing assumed)" if findings.spacing_source == "assumed" else ""
    _text(canvas, (end + 10, y), f"{length} mm{assumed}", 18, _WHITE, "ls")


def _text(
    canvas: Canvas, place: tuple[float, float], text: str, size: int, colour: tuple[int, int, int], anchor: str
) -> None:
    """Draw text with a dark rim, moved inside the canvas; ``anchor`` as in Pillow (s: baseline, m: middle)."""
    font = _font(size)
    left, top, right, bottom = (int(v) for v in font.getbbox(text, anchor=anchor, stroke_width=2))
    x0 = max(min(int(place[0]) + left, canvas.shape[1] - (right - left)), 0)
    y0 = max(min(int(place[1]) + top, canvas.shape[0] - (bottom - top)), 0)
    patch = canvas[y0 : y0 + bottom - top, x0 : x0 + right - left]
    image = Image.fromarray(patch)
    ImageDraw.Draw(image).text((-left, -top), text, colour, font, anchor, stroke_width=2, stroke_fill=(0, 0, 0))
    patch[:] = np.asarray(image)


@functools.cache
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def fixed(xy: NDArray[np.float64]) -> NDArray[np.int32]:
    """Picture coordinates (edges at 0) as OpenCV's fixed-point ones (pixel centres at integers)."""
    units: NDArray[np.int32] = np.round((xy - 0.5) * 2**SHIFT).astype(np.int32)
    return units


def _save(path: Path, picture: NDArray[np.uint8]) -> None:
    """Write a grey or RGB picture in the format of its suffix."""
    if picture.ndim == 3:
        picture = np.ascontiguousarray(picture[:, :, ::-1])
    _, data = cv2.imencode(path.suffix, picture, _ENCODING[path.suffix])
    with replacing(path) as file:
        file.write(data.tobytes())
