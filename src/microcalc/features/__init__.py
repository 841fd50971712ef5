"""Features of candidates: an image and the candidates' centres in, one row of numbers a candidate out.

The families of Cortina Uribe et al., section 2.2.1. The paper's public code first stretches every image from its own
minimum and maximum to 0..1; here the grey values are those of :class:`~microcalc.mammogram.Mammogram`, as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from microcalc.errors import UsageError


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


def _haar(chosen: NDArray[np.intp] | None = None) -> Family:
    from microcalc.features.haar import haar, names

    return Family(names(chosen), partial(haar, chosen=chosen))


#: Name -> how to get it. Nothing is imported before it is asked for.
FAMILIES: dict[str, Callable[[], Family]] = {
    "first_order": _first_order,
    "gabor": _gabor,
    "wavelet": _wavelet,
    "haar": _haar,
}


def feature_matrix(
    image: NDArray[np.float32],
    centres: NDArray[np.float64],
    families: Sequence[str],
    haar_chosen: NDArray[np.intp] | None = None,
) -> NDArray[np.float32]:
    """Features of every candidate, family after family.

    Args:
        image: (rows, columns) in 0..1, at 0.07 mm.
        centres: (N, 2) x, y in pixels of the image.
        families: out of :data:`FAMILIES`.
        haar_chosen: (K,) indices of prototypes, where ``haar`` is among the families; None elsewhere.

    Returns:
        (N, F), columns as :func:`feature_names`.

    Raises:
        UsageError: no such family or prototype, or Haar-like features without a choice, or a choice without them; or
            the image is smaller than a window, or a centre lies outside it.
    """
    blocks = [family.compute(image, centres) for family in _families(families, haar_chosen)]
    return np.concatenate(blocks, axis=1)


def feature_names(families: Sequence[str], haar_chosen: NDArray[np.intp] | None = None) -> tuple[str, ...]:
    """Names of the columns of :func:`feature_matrix`, with its errors of families and prototypes."""
    return tuple(name for family in _families(families, haar_chosen) for name in family.names)


def _families(names: Sequence[str], haar_chosen: NDArray[np.intp] | None) -> list[Family]:
    if not names or not set(names) <= FAMILIES.keys():
        raise UsageError(
            expected=f"families of features out of {', '.join(FAMILIES)}",
            found=", ".join(map(repr, names)) or "none",
            do="choose of those",
        )
    if ("haar" in names) != (haar_chosen is not None):
        raise UsageError(
            expected="chosen prototypes if, and only if, haar is among the families",
            found=f"{', '.join(names)} {'without' if haar_chosen is None else 'with'} chosen prototypes",
            do="name the family and its prototypes together",
        )
    return [_haar(haar_chosen) if name == "haar" else FAMILIES[name]() for name in names]
