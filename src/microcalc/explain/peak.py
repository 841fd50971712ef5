"""The peak of a map: the place that speaks for a class the most."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

#: Enlarging a map makes a cell at its border a plateau, of which rounding moves values by less than this.
_TIED = 1e-6


def peak(values: NDArray[np.float32]) -> tuple[float, float] | None:
    """x, y of the highest pixel of a map; None for one that is 0 everywhere.

    Of a plateau it is the middle: the border cell of a coarse map keeps its value level to the border, and any one
    pixel of it would be off by up to half a cell. Of several peaks alike, the first in reading order.

    Args:
        values: (rows, columns), 0 and above.
    """
    highest = values.max()
    if highest == 0:
        return None
    plateaus, _ = ndimage.label(values >= highest * (1 - _TIED), np.ones((3, 3)))
    y, x = np.nonzero(plateaus == 1)
    return float(x.mean()), float(y.mean())
