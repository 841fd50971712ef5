"""What numbers of cases come to in every resample: areas under curves, and what follows from a threshold.

Cases are the items that were resampled (:func:`microcalc.evaluation.bootstrap.resample_owned`), in the same order.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from microcalc.evaluation.bootstrap import Resamples, blocks

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]
#: ``auc`` or ``average_precision``: labels (n,), scores (n,), weights (draws, n) -> (draws,).
Area = Callable[[Flags, Array, Array], Array]


def area_draws(area: Area, labels: Flags, scores: Array, resamples: Resamples) -> Array:
    """(draws,) an area under a curve; NaN in a draw that holds one class only.

    Args:
        area: :func:`~microcalc.evaluation.classification.auc`, or ``average_precision``.
        labels: (n,) which cases are positive; both kinds are there.
        scores: (n,).
        resamples: of these n cases.
    """
    parts = (
        area(labels, scores, resamples.weights[block][:, resamples.owner])
        for block in blocks(resamples.draws, labels.size)
    )
    return np.concatenate(list(parts))


def cell_draws(labels: Flags, called: Flags, resamples: Resamples) -> Array:
    """(draws, 4) how many cases are tp, fp, tn and fn.

    Args:
        labels: (n,) which cases are positive.
        called: (n,) which are called so.
        resamples: of these n cases.
    """
    cells = (labels & called, ~labels & called, ~labels & ~called, labels & ~called)
    units = resamples.weights.shape[1]
    by_unit = np.stack([np.bincount(resamples.owner, cell, units) for cell in cells], axis=1)
    drawn: Array = resamples.weights @ by_unit
    return drawn
