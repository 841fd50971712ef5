"""Haar-like features: sums of grey values over some cells of a candidate's window, less the sums over others.

Cortina Uribe et al., section 2.2.1. The feature of a prototype (:mod:`microcalc.features.haar_prototypes`) in a window
v is

    sum over its cells of weight * (sum of v over the cell's pixels),

a plain difference of sums, as the paper has it: where cells of weight -1 outnumber the others, brightness counts.

The paper reads every sum at four corners of an integral image, upright (Viola and Jones 2001) or rotated (Lienhart et
al. 2003). A feature is linear in the window's 196 pixels: one matrix product of windows and prototypes gives the same
numbers, faster for 500 prototypes and for all (``benchmarks/features_speed.py`` compares them). In single precision a
sum over a bright window is off by some 1e-6, at most 2e-4: far less than the noise of one pixel.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from microcalc.errors import UsageError
from microcalc.features.haar_prototypes import Prototype, pictures, prototypes
from microcalc.features.windows import SIDE, windows


def haar(
    image: NDArray[np.float32], centres: NDArray[np.float64], chosen: NDArray[np.intp] | None = None
) -> NDArray[np.float32]:
    """Haar-like features of every candidate's window.

    Args:
        image: (rows, columns) in 0..1, at 0.07 mm.
        centres: (N, 2) x, y in pixels of the image.
        chosen: (K,) indices into :func:`prototypes`; all 28,643 by default, 115 kB a candidate.

    Returns:
        (N, K), columns as :func:`names`.

    Raises:
        UsageError: the image is smaller than a window, a centre lies outside it, or there is no such prototype.
    """
    return haar_of_windows(windows(image, centres), chosen)


def haar_of_windows(seen: NDArray[np.float32], chosen: NDArray[np.intp] | None = None) -> NDArray[np.float32]:
    """The same of (N, 14, 14) windows that are at hand; by column (Fortran order), as decision trees read them.

    Raises:
        UsageError: there is no such prototype.
    """
    weights = _all_weights() if chosen is None else _weights(_pick(chosen))
    return (weights.T @ seen.reshape(len(seen), SIDE * SIDE).T).T


def names(chosen: NDArray[np.intp] | None = None) -> tuple[str, ...]:
    """Names of the chosen prototypes' features, of all by default.

    Raises:
        UsageError: there is no such prototype.
    """
    return tuple(prototype.name for prototype in (prototypes() if chosen is None else _pick(chosen)))


def _pick(chosen: NDArray[np.intp]) -> list[Prototype]:
    every = prototypes()
    wrong = chosen[(chosen < 0) | (chosen >= len(every))]
    if wrong.size:
        raise UsageError(
            expected=f"indices of Haar-like prototypes, 0 to {len(every) - 1}",
            found=str(wrong[0]),
            do="choose from microcalc.features.haar_prototypes.prototypes()",
        )
    return [every[index] for index in chosen]


def _weights(shown: Sequence[Prototype]) -> NDArray[np.float32]:
    """(196, K): what each pixel of the window adds to each feature."""
    return pictures(shown).reshape(-1, SIDE * SIDE).T


@cache
def _all_weights() -> NDArray[np.float32]:
    """The same of all prototypes, 22 MB, read-only."""
    weights = _weights(prototypes())
    weights.flags.writeable = False
    return weights
