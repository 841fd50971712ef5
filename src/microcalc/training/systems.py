"""The systems that Figure 14 of Cortina Uribe et al. compares: the proposer, one machine, both in a row."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from microcalc.models.cascade import Cascade
from microcalc.training.pool import Pool
from microcalc.training.samples import Features, Indices

Array = NDArray[np.float64]

SINGLE, TUNED, CASCADE = "single SVM", "fine-tuned SVM", "cascade"


def scores(pool: Pool, cascade: Cascade, haar: Indices, proposer: str) -> dict[str, list[Array]]:
    """Scores in 0..1 of all candidates of each image by every system, the proposer's own under its name."""
    systems: dict[str, Callable[[Features], Array]] = {
        CASCADE: cascade.scores,
        SINGLE: lambda features: expit(cascade.first.decide(features)),
        TUNED: lambda features: expit(cascade.second.decide(features)),
    }
    return {**pool.scores(haar, systems), proposer: [one.proposed for one in pool.samples]}


def pairs(proposer: str) -> tuple[tuple[str, str], ...]:
    """Whose differences are asked for: everything from the proposer, and what each stage adds to the other alone."""
    return ((CASCADE, proposer), (SINGLE, proposer), (TUNED, proposer), (CASCADE, SINGLE), (CASCADE, TUNED))
