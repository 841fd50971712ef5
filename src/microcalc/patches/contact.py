"""Contact sheets: the patches of each label on one page, to look at."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from microcalc.output import remove, replacing
from microcalc.output.html import page_style, read_asset, write_html
from microcalc.output.words import NOT_A_DEVICE, count
from microcalc.patches.patch import Patch
from microcalc.patches.store import PatchStore

#: Patches of a label shown at most: evenly out of more.
MOST_SHOWN = 1500
#: A patch is shown at least and at most so large, px; a sheet is at most so wide, and has so many rows.
_SMALLEST, _LARGEST, _WIDTH, _ROWS = 96, 222, 1360, 5
_GAP = 4


@dataclass(frozen=True)
class Sheet:
    """One picture of many patches."""

    #: Relative to the page.
    file: str
    #: Numbers of the first and the last patch on it, from 1.
    first: int
    last: int
    columns: int
    rows: int
    width: int
    height: int
    captions: tuple[str, ...]


def write_contact_sheets(store: PatchStore) -> None:
    """Write ``contact-<label>.html`` for every label, with its pictures in ``contact/``; no script, nothing fetched.

    Pictures are loaded as they scroll into view. Each patch is shown in its own window, from its darkest to its
    brightest pixels; large ones are shrunk, small ones enlarged.

    Raises:
        WriteError: a file cannot be written.
    """
    remove_contact_sheets(store.folder)
    for code, label in enumerate(store.manifest.labels):
        chosen = np.flatnonzero(store.labels == code)
        shown = chosen[np.linspace(0, len(chosen) - 1, min(len(chosen), MOST_SHOWN)).round().astype(np.intp)]
        here = [store.patches[index] for index in chosen]
        write_html(
            store.folder / _page(label),
            read_asset("microcalc.patches", "contact.html.j2"),
            (count,),
            manifest=store.manifest,
            label=label,
            pages=[(other, _page(other)) for other in store.manifest.labels],
            total=len(chosen),
            shown=len(shown),
            by_origin=Counter(patch.origin for patch in here).most_common(),
            by_split=Counter(patch.split or "no split" for patch in here).most_common(),
            images=len({patch.image for patch in here}),
            sheets=_write_sheets(store, shown, _slug(label)),
            not_a_device=NOT_A_DEVICE,
            style=page_style("microcalc.patches", "contact.css"),
        )


def remove_contact_sheets(folder: Path) -> None:
    """Remove what an earlier store has left in its folder."""
    for path in (*folder.glob("contact-*.html"), *folder.glob("contact/*.jpg")):
        remove(path)


def _slug(label: str) -> str:
    return re.sub(r"\W+", "-", label)


def _page(label: str) -> str:
    return f"contact-{_slug(label)}.html"


def _write_sheets(store: PatchStore, shown: NDArray[np.intp], name: str) -> list[Sheet]:
    """Draw (n,) patches, so many on a picture, into ``contact/``."""
    side = int(np.clip(store.manifest.size_px, _SMALLEST, _LARGEST))
    columns = (_WIDTH + _GAP) // (side + _GAP)
    sheets = []
    for first in range(0, len(shown), columns * _ROWS):
        here = shown[first : first + columns * _ROWS]
        file = f"contact/{name}-{first // (columns * _ROWS):03}.jpg"
        picture = _mosaic(store.pixels(here), side, columns)
        with replacing(store.folder / file) as opened:
            opened.write(cv2.imencode(".jpg", picture, (cv2.IMWRITE_JPEG_QUALITY, 85))[1].tobytes())
        captions = tuple(_caption(store.patches[index]) for index in here)
        rows = -(-len(here) // columns)
        height, width = picture.shape
        sheets.append(Sheet(file, first + 1, first + len(here), columns, rows, width, height, captions))
    return sheets


def _caption(patch: Patch) -> str:
    return f"{patch.image} at {patch.x0}, {patch.y0}: {patch.origin}, {patch.split or 'no split'}"


def _mosaic(pixels: NDArray[np.uint16], side: int, columns: int) -> NDArray[np.uint8]:
    """The patches row by row, as thumbnails with a gap between them."""
    rows, step = -(-len(pixels) // columns), side + _GAP
    mosaic = np.zeros((rows * step - _GAP, columns * step - _GAP), np.uint8)
    for index, patch in enumerate(pixels):
        y, x = (step * place for place in divmod(index, columns))
        mosaic[y : y + side, x : x + side] = _thumbnail(patch, side)
    return mosaic


def _thumbnail(patch: NDArray[np.uint16], side: int) -> NDArray[np.uint8]:
    way = cv2.INTER_AREA if len(patch) > side else cv2.INTER_CUBIC
    small = cv2.resize(patch.astype(np.float32), (side, side), interpolation=way)
    # The upper end is high: specks are few pixels, and they are what is looked for.
    low, high = np.percentile(small, (0.5, 99.95))
    shown: NDArray[np.uint8] = ((small - low) * (255 / max(high - low, 1.0))).clip(0, 255).astype(np.uint8)
    return shown
