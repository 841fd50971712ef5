"""What a network that maps calcium is trained on: windows of mammograms, and where they show calcium."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Drawn:
    """``n`` windows in the left breast's orientation, chest wall to the left."""

    #: (n, s, s) float32 in 0..1, bright = radio-opaque; on any linear scale, which local contrast takes out.
    pixels: NDArray[np.float32]
    #: (n, s, s) where they show breast.
    breast: NDArray[np.bool_]
    #: (n, s, s) int8: 1 calcium, 0 none, -1 not asked.
    target: NDArray[np.int8]
    #: (n,) pixel pitch, mm.
    spacing_mm: NDArray[np.float64]


class Source(Protocol):
    """Where windows are drawn from; may be pickled, for workers."""

    def draw(self, rng: np.random.Generator, n: int, *, size_px: int, positive_share: float) -> Drawn:
        """Draw windows; equal states of ``rng`` give equal ones.

        Args:
            rng: where the randomness comes from.
            n: how many.
            size_px: side of the windows.
            positive_share: of the windows that are to hold calcium.
        """
