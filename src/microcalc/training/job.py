"""What a way to train is given: recipe, data, and where things go."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import microcalc
from microcalc.batch import MakeExecutor
from microcalc.datasets import Table
from microcalc.recipe import Recipe
from microcalc.training.steps import OnStep, Steps


@dataclass(frozen=True, eq=False)
class Job:
    """All that a way to train is given."""

    recipe: Recipe
    table: Table
    #: What cards and figures call the data: their kind and place, without the folders that lead there.
    data: str
    #: Whether no patient is behind the data.
    synthetic: bool
    #: Whether all this only shows that everything runs.
    smoke: bool
    out: Path
    seed: int
    make_executor: MakeExecutor | None
    resume: bool
    on_step: OnStep | None

    def steps(self, total: int) -> Steps:
        """The run's steps, those of an earlier run among them where it is resumed.

        Raises:
            UsageError: the earlier run was another one.
        """
        settings = {
            "microcalc": {"version": microcalc.__version__},
            "recipe": self.recipe.as_written(),
            "run": {"seed": self.seed},
            "data": {"name": self.data, "sha256": _key(self.table)},
        }
        return Steps(self.out / "work", settings, total=total, resume=self.resume, on_step=self.on_step)


def _key(table: Table) -> str:
    """SHA-256 of what is known about the images, in order."""
    return hashlib.sha256("\n".join(record.truth.model_dump_json() for record in table).encode()).hexdigest()
