"""What the page shows of a patch: a thumbnail, and the patch within its surroundings with the detector's marks."""

from __future__ import annotations

import base64
import dataclasses
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from microcalc.breast import Breast, find_breast, mend_polarity
from microcalc.datasets import Record
from microcalc.findings import ImageFindings
from microcalc.mammogram import Mammogram
from microcalc.output.crop import Crop, cluster_crop, grey_picture
from microcalc.output.scene import make_scene, scale_bar_mm
from microcalc.patches.patch import Patch
from microcalc.patches.store import PatchStore

#: Side of a thumbnail, px.
THUMBNAIL_PX = 128


class Pictures:
    """Draws patches, at any time and in any order; the images drawn last are kept in memory.

    Args:
        store: the patches.
        records: by the path of the image in its truth.
        findings: whose marks are drawn, likewise.
    """

    def __init__(self, store: PatchStore, records: Mapping[str, Record], findings: Mapping[str, ImageFindings]) -> None:
        self._store = store
        self._records = records
        self._findings = findings
        # 50 MB each; several patches of one image often follow one another when a reviewer goes back and forth.
        self._image = lru_cache(maxsize=4)(lambda name: _read(self._records[name]))

    def thumbnail(self, index: int) -> bytes:
        """A PNG of the patch alone, as the store has it."""
        pixels = self._store.pixels([index])[0]
        low, high = np.percentile(pixels, (0.5, 99.95))
        grey = np.clip((pixels - low) * (255.0 / max(high - low, 1.0)), 0.0, 255.0).astype(np.uint8)
        return _png(cv2.resize(grey, (THUMBNAIL_PX, THUMBNAIL_PX), interpolation=cv2.INTER_AREA))

    def surroundings(self, index: int, least_score: float) -> dict[str, Any]:
        """The patch in a larger cut of its image, and where things are on it, fit for JSON.

        Args:
            index: of the patch in the store.
            least_score: of the marks to be drawn.

        Returns:
            ``picture``, a data URI; its ``width`` and ``height``, px; ``frame``, x, y, width and height of the patch on
            it; ``marks``, x, y, radius and score each; ``bar``, length in mm and px of a scale bar, or None.

        Raises:
            MicrocalcError: the image cannot be read, or shows no breast.
        """
        patch = self._store.patches[index]
        mammogram, breast = self._image(patch.image)
        crop = cluster_crop(patch.box, mammogram.shape, mammogram.spacing_mm)
        corners = crop.to_picture(np.array(patch.box).reshape(2, 2))
        (x0, y0), (x1, y1) = corners.tolist()
        findings = self._findings.get(patch.image)
        shapes = () if findings is None else make_scene(findings, least_score, crop).marks
        png = _png(_grey(mammogram, breast, patch, crop))
        return {
            "picture": f"data:image/png;base64,{base64.b64encode(png).decode()}",
            "width": crop.width,
            "height": crop.height,
            "frame": [x0, y0, x1 - x0, y1 - y0],
            "marks": [[shape.x, shape.y, shape.radius, shape.mark.score] for shape in shapes],
            "bar": _bar(crop),
        }


def _read(record: Record) -> tuple[Mammogram, Breast]:
    mammogram = mend_polarity(record.read())
    return mammogram, find_breast(mammogram)


def _grey(mammogram: Mammogram, breast: Breast, patch: Patch, crop: Crop) -> NDArray[np.uint8]:
    """The breast with the contrast of its tissue; of what lies off it the patch only, as training sees that, too."""
    off = np.zeros_like(breast.mask)
    off[patch.y0 : patch.y0 + patch.size_px, patch.x0 : patch.x0 + patch.size_px] = True
    off &= ~breast.mask
    tissue = grey_picture(mammogram, breast, crop, stretched=True)
    rest = grey_picture(mammogram, dataclasses.replace(breast, mask=off), crop, stretched=False)
    return np.maximum(tissue, rest)


def _bar(crop: Crop) -> tuple[int, float] | None:
    if crop.px_per_mm is None:
        return None
    length = scale_bar_mm(crop.px_per_mm, crop.width * 0.3)
    return length, length * crop.px_per_mm


def _png(picture: NDArray[np.uint8]) -> bytes:
    return bytes(cv2.imencode(".png", picture, [cv2.IMWRITE_PNG_COMPRESSION, 2])[1])
