"""From a network's outputs to probabilities and scores: the one place for it, in training and in use."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, softmax

from microcalc.recipe.patch_classifier import PatchClass, Target


def class_probabilities(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    """Probabilities (n, classes) of ``logits`` (n, outputs), uncalibrated; they add up to 1.

    One output is the logit of the second of two classes (sigmoid), several are one a class (softmax).
    """
    exact = logits.astype(np.float64)
    both = [expit(-exact), expit(exact)]
    probabilities: NDArray[np.float64] = np.hstack(both) if exact.shape[1] == 1 else softmax(exact, axis=1)
    return probabilities


def target_scores(
    probabilities: NDArray[np.float64], classes: Sequence[PatchClass], target: Target
) -> NDArray[np.float64]:
    """Scores (n,) in 0..1, uncalibrated: the probabilities (n, classes) of the target's classes added up."""
    members = [one.name in target.classes for one in classes]
    sums: NDArray[np.float64] = probabilities[:, members].sum(axis=1)
    return np.minimum(sums, 1.0)  # rounding may carry them beyond it
