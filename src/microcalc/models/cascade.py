"""The cascade: two support vector machines in a row, as plain arrays; no scikit-learn is needed to use them.

Cortina Uribe et al., section 2.2.5, after Bria, Karssemeijer and Tortorella 2014: the first machine sorts out easy
negatives, the second judges what passes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from microcalc.errors import UsageError
from microcalc.evaluation.calibration import Isotonic, Platt
from microcalc.features import feature_names

Array = NDArray[np.float64]
Features = NDArray[np.float32]

#: The file of a package that holds the arrays.
WEIGHTS = "weights.safetensors"
#: Kernel values held at a time: 16 MB.
_BLOCK = 2**22

_STAGES = ("first", "second")
_NUMBERS = ("first_threshold", *(f"{stage}.{name}" for stage in _STAGES for name in ("intercept", "gamma")))


@dataclass(frozen=True, eq=False)
class RbfSvm:
    """A trained support vector machine with a radial kernel, and the normalisation of its features.

    With z = (x - offset) / scale, the decision on x is the sum over its support vectors s of
    coefficient * exp(-gamma * |z - s|^2), plus the intercept; positive for the true class.

    Raises:
        UsageError: shapes that do not fit together, values that are not finite, or a gamma or scale not above 0.
    """

    #: (S, F) float32, normalised; no finer than float16, in which packages hold them.
    support: Features
    #: (S,) label times Lagrange multiplier.
    coefficients: Array
    intercept: float
    gamma: float
    #: (F,) what is taken from each feature, and what it is then divided by.
    offset: Array
    scale: Array

    def __post_init__(self) -> None:
        vectors, features = self.support.shape if self.support.ndim == 2 else (0, 0)
        shapes = [np.shape(getattr(self, field.name)) for field in fields(self)]
        if not vectors or shapes[1:] != [(vectors,), (), (), (features,), (features,)]:
            raise UsageError(
                expected="a machine of S vectors, S coefficients, intercept, gamma, F offsets and F scales",
                found=f"arrays of shape {', '.join(map(str, shapes))}",
                do="train it again",
            )
        finite = all(np.isfinite(getattr(self, field.name)).all() for field in fields(self))
        if not (finite and self.gamma > 0 and (self.scale > 0).all()):
            raise UsageError(
                expected="finite values, and gamma and scales above 0, in a support vector machine",
                found="others",
                do="train it again",
            )

    def decide(self, features: Features) -> Array:
        """Decisions (N,) on ``features`` (N, F), not yet normalised.

        With lengths in units of 1 / sqrt(2 gamma), a kernel value is exp(z s - |z|^2 / 2 - |s|^2 / 2): one matrix
        product, in single precision. Both sides are first moved by the mean of the support vectors, so that little is
        lost to the size of the squares.

        Raises:
            UsageError: another number of features.
        """
        if features.shape[1:] != self.offset.shape:
            raise UsageError(
                expected=f"{len(self.offset)} features a candidate, as the machine was trained on",
                found=f"features of shape {features.shape}",
                do="compute those of its package",
            )
        moved = self._moved((features - self.offset) / self.scale)
        sums = [self._kernel(rows) @ self._weights for rows in _blocks(moved, len(self.support))]
        return np.concatenate([np.empty(0), *sums]) + self.intercept

    def _kernel(self, moved: Features) -> Features:
        """(n, S) kernel values."""
        support, half_squares = self._moved_support
        values = moved @ support.T
        values -= half_squares
        values -= _half_squares(moved)[:, None]
        kernel: Features = np.exp(values, out=values)
        return kernel

    def _moved(self, normalised: Array | Features) -> Features:
        """(n, F) points about the mean of the support vectors, in units of 1 / sqrt(2 gamma)."""
        moved: Features = ((normalised - self._mean) * np.sqrt(2 * self.gamma)).astype(np.float32)
        return moved

    @cached_property
    def _weights(self) -> Features:
        return self.coefficients.astype(np.float32)

    @cached_property
    def _mean(self) -> Array:
        """(F,) of the support vectors."""
        mean: Array = self.support.mean(axis=0, dtype=np.float64)
        return mean

    @cached_property
    def _moved_support(self) -> tuple[Features, Features]:
        """(S, F) support vectors, and (S,) half their squared lengths."""
        moved = self._moved(self.support)
        return moved, _half_squares(moved)


@dataclass(frozen=True, eq=False)
class Cascade:
    """Two machines, the threshold between them, and what turns their decisions into scores.

    Raises:
        UsageError: machines that do not take the features named.
    """

    first: RbfSvm
    #: Least decision of the first machine that passes.
    first_threshold: float
    second: RbfSvm
    #: Fitted on the scores; None leaves them as they are.
    calibration: Isotonic | Platt | None
    #: Of features, in the order of their columns.
    families: tuple[str, ...]
    #: (K,) indices of Haar-like prototypes; None without that family.
    haar: NDArray[np.intp] | None = None

    def __post_init__(self) -> None:
        wanted = len(feature_names(self.families, self.haar))
        found = [len(machine.offset) for machine in (self.first, self.second)]
        if found != [wanted, wanted] or not np.isfinite(self.first_threshold):
            raise UsageError(
                expected=f"two machines for the {wanted} features of {', '.join(self.families)}, and a threshold",
                found=f"machines for {found[0]} and {found[1]} features, and the threshold {self.first_threshold}",
                do="train both on these features",
            )

    def scores(self, features: Features) -> Array:
        """Scores (N,) in 0..1 of candidates with ``features`` (N, F).

        A candidate passes when the first decision reaches the threshold. Then, calibrated:

            score = (passed + sigmoid(decision of the last machine that judged it)) / 2,  passed 0 or 1

        So what the first machine rejects scores below 1/2, in its order, and below all that passes; what passes scores
        above 1/2, in the order of the second.

        Raises:
            UsageError: another number of features.
        """
        decisions = self.first.decide(features)
        passed = decisions >= self.first_threshold
        decisions[passed] = self.second.decide(features[passed])
        scores: Array = (passed + expit(decisions)) / 2
        return scores if self.calibration is None else self.calibration(scores)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Everything but families and calibration, which a package's card holds, by name."""
        arrays = {
            f"{stage}.{field.name}": np.asarray(getattr(getattr(self, stage), field.name))
            for stage in _STAGES
            for field in fields(RbfSvm)
        } | {f"{stage}.support": getattr(self, stage).support.astype(np.float16) for stage in _STAGES}
        arrays["first_threshold"] = np.asarray(self.first_threshold)
        return arrays if self.haar is None else {**arrays, "haar": self.haar}

    @classmethod
    def from_arrays(
        cls,
        arrays: Mapping[str, NDArray[Any]],
        families: tuple[str, ...],
        calibration: Isotonic | Platt | None = None,
    ) -> Self:
        """The cascade of what :meth:`to_arrays` gave.

        Raises:
            UsageError: arrays are missing or strange, or do not fit together.
        """
        wanted = {f"{stage}.{field.name}" for stage in _STAGES for field in fields(RbfSvm)} | {"first_threshold"}
        wanted |= {"haar"} if "haar" in families else set()
        if arrays.keys() != wanted or not all(arrays[name].ndim == 0 for name in _NUMBERS):
            raise UsageError(
                expected=f"the arrays of a cascade: {', '.join(sorted(wanted))}; {', '.join(_NUMBERS)} single numbers",
                found=", ".join(f"{name} {arrays[name].shape}" for name in sorted(arrays)) or "none",
                do="train it again",
            )
        return cls(
            first=_machine(arrays, "first"),
            first_threshold=arrays["first_threshold"].item(),
            second=_machine(arrays, "second"),
            calibration=calibration,
            families=families,
            haar=arrays["haar"].astype(np.intp) if "haar" in arrays else None,
        )


def _machine(arrays: Mapping[str, NDArray[Any]], stage: str) -> RbfSvm:
    own: dict[str, Any] = {field.name: arrays[f"{stage}.{field.name}"] for field in fields(RbfSvm)}
    numbers = {name: own[name].item() for name in ("intercept", "gamma")}
    return RbfSvm(**own | numbers | {"support": own["support"].astype(np.float32)})


def stored(support: NDArray[Any]) -> Features:
    """Support vectors as a package will give them back: so a machine is measured as it is used.

    Rounding to float16 moves normalised features in 0..1 by 0.0002 at most, and decisions by about 0.01.
    """
    rounded: Features = support.astype(np.float16).astype(np.float32)
    return rounded


def _half_squares(rows: Features) -> Features:
    halves: Features = np.einsum("ij,ij->i", rows, rows) / 2
    return halves


def _blocks(rows: Features, columns: int) -> Iterator[Features]:
    """The rows in blocks whose kernel values fit in the memory set aside for them."""
    size = max(1, _BLOCK // columns)
    return (rows[start : start + size] for start in range(0, len(rows), size))
