"""Annotated mammograms as a detector sees them, with where they show calcium, kept on disk for windows to be read from.

A view takes six bytes a pixel on disk (a mammogram of 3328 x 2560 pixels, cropped to its breast, some 20 MB), and none
in memory: windows are read through a memory map.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from microcalc import findings
from microcalc.datasets import Record
from microcalc.detectors.view import working_view
from microcalc.output import image_key, replacing
from microcalc.patches.sites import centred
from microcalc.training.targets import Sites, target_of

#: What a file holds, and how its name ends.
_PIXELS, _BREAST, _TARGET = "pixels.npy", "breast.npy", "target.npy"


class CachedView(findings.Record):
    """One image on disk."""

    #: What the names of its files begin with.
    stem: str
    #: (rows, columns).
    shape: tuple[int, int]
    spacing_mm: float
    #: x, y in its pixels: centres of the calcifications that a detector is asked for.
    sites: Sites

    def array(self, name: str) -> NDArray[np.generic]:
        """(rows, columns) of a file, memory-mapped."""
        mapped: NDArray[np.generic] = np.load(f"{self.stem}.{name}", mmap_mode="r")
        return mapped

    def window(
        self, centre: NDArray[np.float64], size_px: int
    ) -> tuple[NDArray[np.generic], NDArray[np.generic], NDArray[np.generic]]:
        """Pixels, breast and target of a square window around (2,) x, y, shifted inside near an edge.

        An image smaller than the window lies in its upper left corner; beyond there is no breast, all 0.
        """
        rows, columns = self.shape
        x, y = centred(centre[None], size_px, (max(rows, size_px), max(columns, size_px)))[0]
        missing = [(0, max(0, size_px - length)) for length in self.shape]
        pixels, breast, target = (
            np.pad(self.array(name)[y : y + size_px, x : x + size_px], missing) for name in (_PIXELS, _BREAST, _TARGET)
        )
        return pixels, breast, target

    def anywhere(self, rng: np.random.Generator) -> NDArray[np.float64]:
        """(2,) x, y of a pixel of the breast, each as likely as any other."""
        breast = self.array(_BREAST)
        # The breast fills more than half of the box around it: a few dozen tries find it for sure.
        tried = rng.integers(self.shape[::-1], size=(64, 2))
        found: NDArray[np.float64] = tried[int(np.argmax(breast[tried[:, 1], tried[:, 0]]))].astype(np.float64)
        return found


def cache_view(record: Record, spacing_mm: float, folder: Path) -> CachedView:
    """Read an image, find what its truth says of every pixel, and keep both.

    Args:
        record: an image that is annotated or known to be normal.
        spacing_mm: finer images are shrunk to it, as for detection.
        folder: for its files; made where missing.

    Raises:
        MicrocalcError: the image cannot be read, or holds no breast.
        WriteError: the files cannot be written.
    """
    view = working_view(record.read(), spacing_mm)
    stem = folder / image_key(record.truth.path)
    target, sites = target_of(record.truth, view)
    for name, array in ((_PIXELS, view.image), (_BREAST, view.mask), (_TARGET, target)):
        with replacing(stem.with_name(f"{stem.name}.{name}")) as file:
            np.save(file, array)
    return CachedView(stem=str(stem), shape=target.shape, spacing_mm=view.working_spacing_mm, sites=sites)
