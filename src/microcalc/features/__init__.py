"""Features of candidates: an image and the candidates' centres in, one row of numbers a candidate out.

The families of Cortina Uribe et al., section 2.2.1. The paper's public code first stretches every image from its own
minimum and maximum to 0..1; here the grey values are those of :class:`~microcalc.mammogram.Mammogram`, as they are.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Family(NamedTuple):
    """Features that are computed together."""

    #: One a column.
    names: tuple[str, ...]
    #: Image (rows, columns) in 0..1 at 0.07 mm, centres (N, 2) x, y in its pixels -> (N, len(names)).
    compute: Callable[[NDArray[np.float32], NDArray[np.float64]], NDArray[np.float32]]


def _first_order() -> Family:
    from microcalc.features.first_order import NAMES, first_order

    return Family(NAMES, first_order)


def _gabor() -> Family:
    from microcalc.features.gabor import NAMES, gabor

    return Family(NAMES, gabor)


def _wavelet() -> Family:
    from microcalc.features.wavelet import NAMES, wavelet

    return Family(NAMES, wavelet)


def _haar() -> Family:
    from microcalc.features.haar import haar, names

    return Family(names(), haar)


#: Name -> how to get it. Nothing is imported before it is asked for.
FAMILIES: dict[str, Callable[[], Family]] = {
    "first_order": _first_order,
    "gabor": _gabor,
    "wavelet": _wavelet,
    "haar": _haar,
}
