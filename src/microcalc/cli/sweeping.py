"""``microcalc sweep``."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from microcalc.cli.shared import EXIT_NOTHING_DONE, EXIT_SOME_FAILED, Out, Resume, ended_early, given, progress
from microcalc.errors import check_known

if TYPE_CHECKING:
    from microcalc.training.sweep_records import Sweep, SweepRun

_RUNNERS = ("local", "ray")


def sweep(
    recipe: Annotated[str, typer.Argument(metavar="RECIPE", help="Of a network: a name, or a YAML file.")],
    out: Out,
    over: Annotated[
        list[str],
        typer.Option(metavar="KEY=V1,V2,...", help="Values to try, or LOW..HIGH; may be given again."),
    ],
    data: Annotated[
        str | None, typer.Option(metavar="SPEC", help="patches:FOLDER, truth:FOLDER ...", show_default=False)
    ] = None,
    overrides: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="The same in every run.", show_default=False)
    ] = None,
    trials: Annotated[
        int | None, typer.Option(min=1, help="Runs, chosen by Optuna; default: all.", show_default=False)
    ] = None,
    metric: Annotated[
        str | None, typer.Option(help="accuracy, loss or auc, on validation.", show_default=False)
    ] = None,
    smoke: Annotated[bool, typer.Option("--smoke", help="A quick try of everything; needs no data.")] = False,
    seed: Annotated[
        int | None, typer.Option(min=0, help="Of every run; default: the recipe's.", show_default=False)
    ] = None,
    runner: Annotated[str, typer.Option(help="local, or ray.")] = "local",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
    gpus: Annotated[int, typer.Option(min=1, help="That share a run.")] = 1,
    init: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Weights to start from.", show_default=False)
    ] = None,
    resume: Resume = False,
    jobs: Annotated[int, typer.Option(min=1, help="Runs at a time.")] = 1,
) -> None:
    """Train a recipe with other values, run by run, and compare the runs on validation."""
    from microcalc.parallel import process_pool, ray_pool
    from microcalc.recipe import load_recipe
    from microcalc.training.job import Compute
    from microcalc.training.overrides import overridden, parse_override
    from microcalc.training.search import parse_space
    from microcalc.training.sweep import SweepOptions
    from microcalc.training.sweep import sweep as run

    check_known("runner", runner, _RUNNERS)
    options = SweepOptions(
        over=parse_space(over),
        smoke=smoke,
        compute=Compute(device=device, gpus=gpus, init=init),
        **given(trials=trials, metric=metric, seed=seed),
    )
    pool = process_pool(jobs) if jobs > 1 else None
    if runner == "local" and jobs > 1:  # more threads than processors would wait for one another
        os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // jobs)))
    try:
        with progress("Sweeping", _line) as on_run:
            result = run(
                overridden(load_recipe(recipe), dict(map(parse_override, overrides or ()))),
                data,
                out,
                options,
                make_executor=ray_pool(jobs, gpus=gpus if device != "cpu" else 0) if runner == "ray" else pool,
                at_once=jobs,
                resume=resume,
                on_run=on_run,
            )
    except KeyboardInterrupt:
        ended_early("Interrupted.", out)
    typer.echo("\n".join(_summary(result)))
    typer.echo(f"Report: {out / 'sweep.html'}")
    if result.failed:
        raise typer.Exit(EXIT_NOTHING_DONE if result.failed == len(result.runs) else EXIT_SOME_FAILED)


def _line(run: SweepRun) -> str:
    from microcalc.training.sweep_page import values_said

    if run.failed is not None:
        return f"{values_said(run)}: FAILED: {run.failed}"
    return f"{values_said(run)}, {run.seconds:.1f} s"


def _summary(result: Sweep) -> Iterator[str]:
    from microcalc.training.sweep_page import values_said

    for run in result.runs:
        reached = run.reached(result.metric)
        yield f"{values_said(run)}: " + ("failed" if reached is None else f"validation {result.metric} {reached:.4f}")
