"""What a sweep found, and its JSON (``microcalc.sweep/1``): numbers of training and validation, none of test."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Literal

from pydantic import Field, JsonValue

from microcalc.findings import Document, Record
from microcalc.training.history import EpochRow

Metric = Literal["accuracy", "loss", "auc"]


class SweepRun(Record):
    """One run: the values it was made with, and the epoch that it kept."""

    folder: str = Field(description="Below runs/.")
    values: dict[str, JsonValue] = Field(description="By key of the recipe.")
    kept: EpochRow | None = Field(default=None, description="null: it failed.")
    epochs: int | None = Field(default=None, ge=1, description="That it took; null: it failed.")
    seconds: float = Field(ge=0.0)
    failed: str | None = Field(default=None, description="Why.")

    def reached(self, metric: Metric) -> float | None:
        """By the epoch kept, on validation; None: the run failed, or there is no such number."""
        value: float | None = None if self.kept is None else getattr(self.kept, f"validation_{metric}")
        return value if value is None or math.isfinite(value) else None


class Sweep(Document):
    """The runs, the best on validation first, those without a number last."""

    schema_: Literal["microcalc.sweep/1"] = Field(default="microcalc.sweep/1", alias="schema")
    microcalc: str = Field(description="Its version.")
    recipe: str
    data: str
    smoke: bool = Field(description="Whether the runs only show that everything runs.")
    metric: Metric = Field(description="Of validation, by which runs are ordered.")
    keys: tuple[str, ...] = Field(description="Of the recipe, whose values differ.")
    runs: tuple[SweepRun, ...]

    @property
    def failed(self) -> int:
        """How many failed."""
        return sum(run.failed is not None for run in self.runs)


def largest_is_best(metric: Metric) -> bool:
    """A loss is better small."""
    return metric != "loss"


def best_first(runs: Iterable[SweepRun], metric: Metric) -> tuple[SweepRun, ...]:
    """In the order of what they reached; equal ones as they come, those that reached nothing last."""
    sign = -1 if largest_is_best(metric) else 1

    def place(run: SweepRun) -> float:
        value = run.reached(metric)
        return math.inf if value is None else sign * value

    return tuple(sorted(runs, key=place))
