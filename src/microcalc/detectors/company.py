"""Specks in company: calcifications come in groups, and a faint one among others is likelier to be one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from scipy.special import expit, logit

from microcalc.recipe.segmenter import Company

#: Nearer marks may be parts of one speck, and are no company.
_APART_MM = 0.4
#: Scores are kept so far from 0 and 1, that their logits are finite.
_EDGE = 1e-6

Array = NDArray[np.float64]


def in_company(centres: Array, scores: Array, spacing_mm: float, company: Company) -> Array:
    """Scores (N,) of marks, raised by those around them.

        logit(score) + weight * ln(1 + sum over the neighbours of (their score - above))

    Neighbours are marks of a score higher than ``above`` within ``radius_mm``.

    Args:
        centres: (N, 2) x, y in pixels.
        scores: (N,) in 0..1.
        spacing_mm: of the (square) pixels.
        company: how much it counts.
    """
    if len(scores) == 0:
        return scores
    around = cKDTree(centres * spacing_mm)
    pairs = around.query_pairs(company.radius_mm, output_type="ndarray")
    first, second = pairs[np.linalg.norm(np.diff(around.data[pairs], axis=1)[:, 0], axis=1) > _APART_MM].T
    support = np.maximum(scores - company.above, 0)
    total = np.bincount(first, support[second], len(scores)) + np.bincount(second, support[first], len(scores))
    raised: Array = expit(logit(np.clip(scores, _EDGE, 1 - _EDGE)) + company.weight * np.log1p(total))
    return raised
