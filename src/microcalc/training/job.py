"""What a way to train is given: recipe, data, and where things go."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, NamedTuple, TypeVar

import microcalc
from microcalc.batch import MakeExecutor
from microcalc.datasets import Table
from microcalc.models import Package
from microcalc.patches.store import MANIFEST, ROWS
from microcalc.recipe import RecipeBase
from microcalc.training.steps import OnStep, Steps

RecipeT = TypeVar("RecipeT", bound=RecipeBase)

#: Begins the data of a run whose patches are cut already: patches:FOLDER.
PATCHES = "patches:"


@dataclass(frozen=True)
class Compute:
    """What networks are fitted on; classical methods need none of it."""

    #: auto, cpu, cuda or cuda:N.
    device: str = "auto"
    #: How many GPUs share the work.
    gpus: int = 1
    #: Weights to start from, in place of the recipe's start.
    init: Path | None = None
    #: Logs beside the history: csv, tensorboard, mlflow.
    loggers: tuple[str, ...] = ("csv", "tensorboard")
    #: Packages that a patch map is made of, by name or path.
    classifiers: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Job(Generic[RecipeT]):
    """All that a way to train is given."""

    recipe: RecipeT
    #: Images with their truth; None where patches are cut already, or drawn for a smoke run.
    table: Table | None
    #: Store of patches that are cut already.
    store: Path | None
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
    compute: Compute = Compute()

    def steps(self, total: int, **options: int | str) -> Steps:
        """The run's steps, those of an earlier run among them where it is resumed.

        Args:
            total: how many there are.
            options: what they depend on beside recipe, seed and data.

        Raises:
            UsageError: the earlier run was another one.
        """
        settings = {
            "microcalc": {"version": microcalc.__version__},
            "recipe": self.recipe.as_written(),
            "run": {"seed": self.seed, **options},
            "data": {"name": self.data, "sha256": self._key()},
        }
        return Steps(self.out / "work", settings, total=total, resume=self.resume, on_step=self.on_step)

    def _key(self) -> str | None:
        """SHA-256 of what is known about the images or the patches, in order; None: they are drawn by the recipe."""
        if self.store is not None:
            return hashlib.sha256(b"".join((self.store / name).read_bytes() for name in (MANIFEST, ROWS))).hexdigest()
        if self.table is not None:
            lines = "\n".join(record.truth.model_dump_json() for record in self.table)
            return hashlib.sha256(lines.encode()).hexdigest()
        return None


class Trained(NamedTuple):
    """What a way to train gives back."""

    package: Package
    steps: Steps
    #: That it ran on: cpu, or cuda:N.
    device: str
