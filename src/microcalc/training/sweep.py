"""The job behind ``microcalc sweep``: a recipe with other values, run by run, and which of them did best.

Each run is one of :func:`microcalc.training.run.train` into a folder of its own. What is compared are the epochs that
the runs keep, on validation. What a run measures on a test part does not enter: a choice made by it would spoil it.
"""

from __future__ import annotations

import functools
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, get_args

import microcalc
from microcalc.batch import MakeExecutor, work
from microcalc.datasets.spec import named
from microcalc.errors import MicrocalcError, UsageError, WriteError, check_known
from microcalc.journal import Journal
from microcalc.output import image_key, replacing
from microcalc.provenance import write_run_record
from microcalc.recipe import PatchClassifierRecipe, Recipe
from microcalc.training.history import HISTORY, History
from microcalc.training.job import Compute
from microcalc.training.overrides import overridden
from microcalc.training.run import train
from microcalc.training.search import Grid, Search, Space, Tpe, Values
from microcalc.training.sweep_page import write_page, write_sheet
from microcalc.training.sweep_records import Metric, Sweep, SweepRun, best_first, largest_is_best

#: Told of each run, of how many are done and of how many there are.
OnRun = Callable[[SweepRun, int, int], None]
#: Makes one run: called as ``train(recipe, data=..., out=..., smoke=..., seed=..., resume=..., compute=...)``.
Train = Callable[..., object]


@dataclass(frozen=True)
class SweepOptions:
    """What is tried, and how it is compared."""

    #: Of each key, the values to try, or a range of them.
    over: Space
    #: Runs whose values Optuna chooses; None: every combination.
    trials: int | None = None
    #: None: what the recipe keeps its best epoch by; the loss where it keeps the last.
    metric: Metric | None = None
    smoke: bool = False
    #: Of every run; None: the recipe's.
    seed: int | None = None
    compute: Compute | None = None

    def __post_init__(self) -> None:
        if not self.over:
            raise UsageError(expected="something to try", found="nothing", do="give --over KEY=VALUE,VALUE")
        if self.metric is not None:
            check_known("metric", self.metric, get_args(Metric))

    def search(self, metric: Metric, seed: int, at_once: int) -> Search:
        """What says which values come next."""
        if self.trials is None:
            return Grid(self.over)
        return Tpe(self.over, self.trials, at_once=at_once, largest=largest_is_best(metric), seed=seed)


def sweep(
    recipe: Recipe,
    data: str | None,
    out: Path,
    options: SweepOptions,
    *,
    make_executor: MakeExecutor | None = None,
    at_once: int = 1,
    resume: bool = False,
    on_run: OnRun | None = None,
    train: Train = train,
) -> Sweep:
    """Train a recipe with all of the values, and compare the runs on validation.

    Args:
        recipe: of a network.
        data: as :func:`~microcalc.training.run.train` takes it.
        out: made where missing. Gets ``runs/<key>/`` with what each run leaves, ``sweep.json``, ``sweep.csv``,
            ``sweep.html``, ``figures/sweep.svg`` and ``run.json``.
        options: what to try.
        make_executor: makes the pool that the runs are spread over; None: one after another, here.
        at_once: runs that Optuna asks for before it sees what came out of them.
        resume: runs that are finished are taken as they are, interrupted ones go on, failed ones are tried again.
        on_run: told of each run that ends.
        train: makes a run.

    Raises:
        UsageError: a key or a value does not fit the recipe, or the earlier sweep was of another recipe or data.
        ReadError: what an earlier sweep has left is damaged.
        WriteError: the folder cannot be written.
        KeyboardInterrupt: what is finished is kept.
    """
    if not isinstance(recipe, PatchClassifierRecipe):
        raise UsageError(
            expected="a recipe of the kind patch-classifier", found=f"kind {recipe.kind}", do="choose another recipe"
        )
    started = time.perf_counter()
    keep = recipe.fitting.stopping.keep
    metric = options.metric or ("loss" if keep == "last" else keep)
    search = options.search(metric, recipe.seed if options.seed is None else options.seed, at_once)
    place = "synthetic smoke set" if data is None else named(data)
    settings = {
        "microcalc": {"version": microcalc.__version__},
        "recipe": recipe.as_written(),
        "run": {"data": place, "smoke": options.smoke, "seed": options.seed},
    }
    journal = Journal(out / "sweep.jsonl", settings, SweepRun, _earlier, resume=resume)
    make = functools.partial(
        train, data=data, smoke=options.smoke, seed=options.seed, compute=options.compute, resume=resume
    )
    runs = _Runs(recipe, make, out / "runs", journal, make_executor, on_run)
    compared: dict[str, SweepRun] = {}
    while asked := search.ask():
        for number, run in enumerate(runs.made(asked, search.total), search.told):
            search.tell(number, run.reached(metric))
            compared[run.folder] = run
    result = Sweep(
        microcalc=microcalc.__version__,
        recipe=recipe.name,
        data=place,
        smoke=options.smoke,
        metric=metric,
        keys=tuple(options.over),
        runs=best_first(compared.values(), metric),
    )
    _write(result, out)
    facts = {"seconds": round(time.perf_counter() - started, 1), "failed": result.failed}
    write_run_record(out / "run.json", settings, facts)
    journal.remove()
    return result


class _Runs:
    """Makes runs, each once, and notes them."""

    def __init__(
        self,
        recipe: PatchClassifierRecipe,
        make: Train,
        folder: Path,
        journal: Journal[SweepRun],
        make_executor: MakeExecutor | None,
        on_run: OnRun | None,
    ) -> None:
        self._recipe, self._make, self._folder = recipe, make, folder
        self._journal, self._make_executor, self._on_run = journal, make_executor, on_run
        self._earlier = {run.folder: run for run in journal.finished if run.failed is None}
        self._made: dict[str, SweepRun] = {}

    def made(self, asked: Sequence[Values], total: int) -> list[SweepRun]:
        """A run for each of the values, in their order: made now where it is not there yet."""
        planned = {_key(values): _Planned(values, overridden(self._recipe, values)) for values in asked}
        self._made |= {key: self._earlier[key] for key in planned if key in self._earlier}
        todo = [key for key in planned if key not in self._made]
        process, died = (functools.partial(of, planned, self._make, self._folder) for of in (_run, _died))
        for key, run in work(todo, process, died, self._make_executor):
            self._journal.add(run)
            self._made[key] = run
            if self._on_run is not None:
                self._on_run(run, len(self._made), total)
        return [self._made[_key(values)] for values in asked]


class _Planned(NamedTuple):
    values: Values
    recipe: PatchClassifierRecipe


def _key(values: Values) -> str:
    """The name of a run's folder: by its values alone, so that a larger grid finds the runs of a smaller one."""
    return image_key(" ".join(f"{key}={json.dumps(value)}" for key, value in values.items()))


def _run(planned: Mapping[str, _Planned], make: Train, folder: Path, key: str) -> SweepRun:
    """Make one run; a failure comes back as a value."""
    started = time.perf_counter()
    values, recipe = planned[key]
    history, failed = None, None
    try:
        make(recipe, out=folder / key)
        history = History.from_json(folder / key / "work" / HISTORY)
    except WriteError:
        raise
    except MicrocalcError as error:
        failed = error.reason
    except Exception as error:  # a fault of ours must not cost the rest of the sweep
        failed = f"unexpected {type(error).__name__}: {error}; please report this"
    return SweepRun(
        folder=key,
        values=dict(values),
        kept=None if history is None else history.epochs[history.kept - 1],
        epochs=None if history is None else len(history.epochs),
        seconds=round(time.perf_counter() - started, 1),
        failed=failed,
    )


def _died(planned: Mapping[str, _Planned], make: Train, folder: Path, key: str) -> SweepRun:
    reason = "expected a run that ends, found that its process died; check free memory, or give fewer --jobs"
    return SweepRun(folder=key, values=dict(planned[key].values), seconds=0.0, failed=reason)


def _earlier(folder: Path) -> Sequence[SweepRun] | None:
    """The runs of a complete sweep."""
    path = folder / "sweep.json"
    return Sweep.from_json(path).runs if path.exists() else None


def _write(result: Sweep, out: Path) -> None:
    with replacing(out / "sweep.json") as file:
        file.write(result.to_json().encode())
    write_sheet(result, out / "sweep.csv")
    write_page(result, out)
