"""Which values a sweep tries: every combination of a grid, or those that Optuna asks for."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from pydantic import JsonValue

from microcalc.errors import UsageError
from microcalc.models.extras import needs
from microcalc.training.overrides import parse_values

#: Values by key, as :func:`~microcalc.training.overrides.overridden` takes them.
Values = Mapping[str, JsonValue]

#: A range whose ends differ by this factor or more is searched by its logarithm.
LOGARITHMIC_FROM = 10


class Range(NamedTuple):
    """Any number from low to high; whole ones where both are."""

    low: float
    high: float


#: What to try of each key: one of these values, or any in a range.
Space = Mapping[str, tuple[JsonValue, ...] | Range]


def parse_space(texts: Sequence[str]) -> Space:
    """What to try, out of ``KEY=VALUE,VALUE,...`` and ``KEY=LOW..HIGH``, one for each key.

    Raises:
        UsageError: one is of neither form, or a key or a value stands twice.
    """
    pairs = [_parse_one(text) for text in texts]
    space = dict(pairs)
    if len(space) < len(pairs):
        raise UsageError(
            expected="each key once", found=", ".join(key for key, _ in pairs), do="list a key's values in one place"
        )
    return space


def _parse_one(text: str) -> tuple[str, tuple[JsonValue, ...] | Range]:
    key, values = parse_values(text)
    if isinstance(values[0], str) and ".." in values[0]:
        ends = parse_values(f"{key}={values[0].replace('..', ',', 1)}")[1]
        numbers = [end for end in ends if isinstance(end, int | float)]
        if len(values) > 1 or len(numbers) != 2 or numbers[0] >= numbers[1]:
            raise UsageError(expected=f"{key}=LOW..HIGH, two numbers", found=repr(text), do="mend the range")
        return key, Range(*numbers)
    if any(value in values[:index] for index, value in enumerate(values)):
        raise UsageError(expected="each value once", found=repr(text), do="leave the doubles out")
    return key, values


class Search(Protocol):
    """Says what to try next, and hears what came out.

    Attributes:
        total: how many it asks for in all.
        told: of how many it has heard.
    """

    total: int
    told: int

    def ask(self) -> Sequence[Values]:
        """What to try next, all of it independent of one another; nothing when the search is at its end."""

    def tell(self, number: int, value: float | None) -> None:
        """What came out of the one with this number, from 0 in the order of asking; None: it failed."""


class Grid:
    """Every combination of the values, the last key's changing fastest.

    Raises:
        UsageError: of a key there is a range.
    """

    def __init__(self, space: Space) -> None:
        for key, tried in space.items():
            if isinstance(tried, Range):
                raise UsageError(
                    expected=f"values of {key} with commas between", found="a range", do="list some, or give --trials"
                )
        self._left = [dict(zip(space, values, strict=True)) for values in itertools.product(*space.values())]
        self.total, self.told = len(self._left), 0

    def ask(self) -> Sequence[Values]:
        """All combinations the first time."""
        asked, self._left = self._left, []
        return asked

    def tell(self, number: int, value: float | None) -> None:
        """A grid does not learn."""
        self.told += 1


class Tpe:
    """Values by the tree-structured Parzen estimator of Optuna (Bergstra et al., NeurIPS 2011), seeded.

    Given the same answers it asks the same questions: that is how a sweep goes on after an interruption.

    Args:
        space: what to try.
        trials: how many to ask for in all.
        at_once: how many to ask for at a time; each learns from those before, but not from one another.
        largest: whether the largest value is the best.
        seed: of the draws.

    Raises:
        UsageError: Optuna is missing.
    """

    def __init__(self, space: Space, trials: int, *, at_once: int, largest: bool, seed: int) -> None:
        with needs("optuna", "optuna"):
            import optuna
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._study = optuna.create_study(
            direction="maximize" if largest else "minimize",
            sampler=optuna.samplers.TPESampler(seed=seed % 2**32, constant_liar=at_once > 1),
        )
        self._space = space
        self._distributions = {key: _distribution(tried) for key, tried in space.items()}
        self.total, self.told, self._at_once = trials, 0, at_once

    def ask(self) -> Sequence[Values]:
        """The next few."""
        count = min(self._at_once, self.total - self.told)
        asked = [self._study.ask(self._distributions).params for _ in range(count)]
        return [{key: _value(tried, drawn[key]) for key, tried in self._space.items()} for drawn in asked]

    def tell(self, number: int, value: float | None) -> None:
        """Learn what came out."""
        import optuna

        state = optuna.trial.TrialState.FAIL if value is None else optuna.trial.TrialState.COMPLETE
        self._study.tell(number, value, state)
        self.told += 1


def _distribution(tried: tuple[JsonValue, ...] | Range) -> Any:
    """What Optuna draws from: a range, or the place of a value among those listed."""
    from optuna import distributions

    if not isinstance(tried, Range):
        return distributions.CategoricalDistribution(tuple(range(len(tried))))
    logarithmic = tried.low > 0 and tried.high >= LOGARITHMIC_FROM * tried.low
    if isinstance(tried.low, int) and isinstance(tried.high, int):
        return distributions.IntDistribution(tried.low, tried.high, log=logarithmic)
    return distributions.FloatDistribution(tried.low, tried.high, log=logarithmic)


def _value(tried: tuple[JsonValue, ...] | Range, drawn: Any) -> JsonValue:
    """The value drawn; three digits are enough to try, and a table can then print what was tried."""
    if not isinstance(tried, Range):
        return tried[int(drawn)]
    return float(f"{drawn:.3g}") if isinstance(drawn, float) else int(drawn)
