"""``microcalc train``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from microcalc.cli.shared import EXIT_SOME_FAILED, Jobs, Out, Resume, ended_early, listed, progress

if TYPE_CHECKING:
    from microcalc.training.steps import Step


def train(
    recipe: Annotated[
        str, typer.Argument(metavar="RECIPE", help="A paper's, such as mracko2024-resnet101, or a YAML file.")
    ],
    out: Out,
    data: Annotated[
        str | None,
        typer.Option(metavar="SPEC", help="truth:FOLDER, bench:v1-medium, patches:FOLDER ...", show_default=False),
    ] = None,
    smoke: Annotated[bool, typer.Option("--smoke", help="A quick try of everything; needs no data.")] = False,
    seed: Annotated[
        int | None, typer.Option(min=0, help="Of everything random; default: the recipe's.", show_default=False)
    ] = None,
    resume: Resume = False,
    jobs: Jobs = None,
    changes: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="A number of the recipe, changed.")
    ] = None,
    device: Annotated[str, typer.Option(help="For networks: auto, cpu, cuda or cuda:N.")] = "auto",
    gpus: Annotated[int, typer.Option(min=1, help="How many GPUs share the work.")] = 1,
    init: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Weights to start from (.pth, .safetensors).", show_default=False),
    ] = None,
    classifiers: Annotated[
        str, typer.Option(metavar="PACKAGE,...", help="Trained, that a patch map is made of.", show_default=False)
    ] = "",
    log: Annotated[str, typer.Option(help="csv, tensorboard, mlflow.")] = "csv,tensorboard",
) -> None:
    """Train by a recipe on data with truth, and write a model package."""
    from microcalc.parallel import process_pool
    from microcalc.recipe import load_recipe
    from microcalc.training.job import Compute
    from microcalc.training.overrides import overridden, parse_override
    from microcalc.training.run import train as run

    failed = 0
    try:
        with progress("Training", step_line) as tell:

            def on_step(step: Step, done: int, total: int) -> None:
                nonlocal failed
                failed += step.failed is not None
                tell(step, done, total)

            package = run(
                overridden(load_recipe(recipe), dict(map(parse_override, changes or ()))),
                data,
                out,
                smoke=smoke,
                seed=seed,
                make_executor=process_pool(jobs),
                resume=resume,
                on_step=on_step,
                compute=Compute(device, gpus, init, tuple(listed(log)), tuple(listed(classifiers))),
            )
    except KeyboardInterrupt:
        ended_early("Interrupted.", out)
    for point in package.card.operating_points:
        typer.echo(f"{point.name}: from {point.threshold:.3g}, {point.false_positives}")
    typer.echo(f"Package: {out / 'package'}")
    if failed:
        raise typer.Exit(EXIT_SOME_FAILED)


def step_line(step: Step) -> str:
    """What a log says of a step."""
    if step.failed is not None:
        return f"{step.name}: FAILED: {step.failed}"
    return f"{step.name}, {step.seconds:.1f} s"
