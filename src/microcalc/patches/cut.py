"""Cutting patches, and the masks of lesions on them, out of an image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from microcalc.patches.ground import Ground
from microcalc.patches.patch import Patch
from microcalc.patches.sites import at
from microcalc.patches.store import WHITE


def cut(ground: Ground, patches: Sequence[Patch]) -> NDArray[np.uint16]:
    """(n, size, size) uint16 pixels of an image's patches, ``WHITE`` for 1.0; never padded: none leaves the image."""
    return _windows(np.rint(ground.image * np.float32(WHITE)).astype(np.uint16), ground, patches)


def cut_classes(ground: Ground, classes: NDArray[np.uint8], patches: Sequence[Patch]) -> NDArray[np.uint8]:
    """(n, size, size) uint8 windows of the (rows, columns) classes that a protocol paints."""
    return _windows(classes, ground, patches)


def _windows(values: NDArray[Any], ground: Ground, patches: Sequence[Patch]) -> NDArray[Any]:
    first = np.array([(patch.x0, patch.y0) for patch in patches], np.intp).reshape(-1, 2)
    every = sliding_window_view(values, (ground.size_px, ground.size_px))
    return at(every, ground.from_original(first))
