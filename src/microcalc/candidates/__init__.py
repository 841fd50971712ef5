"""Training-free proposals: a working image in, candidate marks out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Candidates:
    """N candidates in pixels of the image they were proposed on."""

    #: (N, 2) x, y.
    centres: NDArray[np.float64]
    #: (N,) mm, as its proposer measures it; NaN: it does not.
    diameters_mm: NDArray[np.float64]
    #: (N,) in 0..1.
    scores: NDArray[np.float64]
    #: N polygons (corners, 2) x, y on outer pixel edges; None: its proposer draws none.
    outlines: tuple[NDArray[np.float64], ...] | None = None
    #: (N,) in 0..1, how likely each is malignant; None: its proposer does not judge.
    malignancy: NDArray[np.float64] | None = None

    def __getitem__(self, chosen: NDArray[np.bool_] | NDArray[np.intp]) -> Candidates:
        outlines = self.outlines
        if outlines is not None:
            outlines = tuple(outlines[index] for index in np.arange(len(self.scores))[chosen])
        malignancy = None if self.malignancy is None else self.malignancy[chosen]
        return Candidates(self.centres[chosen], self.diameters_mm[chosen], self.scores[chosen], outlines, malignancy)


#: How candidates are proposed: image (rows, columns) float32 in 0..1, cropped to the breast with the chest wall at the
#: left; breast (rows, columns); pixel pitch in mm -> candidates in pixels of that image, best first.
Propose = Callable[[NDArray[np.float32], NDArray[np.bool_], float], Candidates]
