"""``microcalc finetune``."""

from __future__ import annotations

from typing import Annotated

import typer

from microcalc.cli.shared import EXIT_SOME_FAILED, Jobs, Out, Resume, ended_early, progress
from microcalc.cli.training import step_line


def finetune(
    package: Annotated[str, typer.Argument(metavar="PACKAGE", help="Of a segmenter: name, folder or zip.")],
    out: Out,
    data: Annotated[
        str,
        typer.Option(metavar="SPEC", help="Annotated or normal images: truth:FOLDER, images:FOLDER?normal=true ..."),
    ],
    copies: Annotated[int, typer.Option(min=1, help="Of each normal image, with other synthetic lesions.")] = 4,
    seed: Annotated[int, typer.Option(min=0, help="Of everything random.")] = 0,
    resume: Resume = False,
    jobs: Jobs = None,
    changes: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="A number of the recipe, changed.")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
) -> None:
    """Fine-tune a package on mammograms of your own; accepted only if better on patients held out."""
    from microcalc.models.extras import needs
    from microcalc.output.words import count
    from microcalc.parallel import process_pool
    from microcalc.training.overrides import parse_override

    with needs("train", "torch", "onnx"):
        from microcalc.training.finetune import FinetuneOptions
        from microcalc.training.finetune import finetune as run

    options = FinetuneOptions(seed=seed, copies=copies, changes=dict(map(parse_override, changes or ())), device=device)
    try:
        with progress("Fine-tuning", step_line) as on_step:
            done = run(package, data, out, options, make_executor=process_pool(jobs), resume=resume, on_step=on_step)
    except KeyboardInterrupt:
        ended_early("Interrupted.", out)
    account = done.account
    typer.echo(f"{account.verdict}{', synthetic lesions' if account.synthetic else ''}.\nRule: {account.verdict.rule}.")
    if account.failed:
        typer.echo(f"{count(account.failed, 'image')} could not be read.")
    if account.accepted:
        typer.echo(f"Accepted. Package: {done.package.path}")
    else:
        typer.echo(f"Not accepted: stay with {account.package}. What came of it is kept: {done.package.path}")
    if account.failed or not account.accepted:
        raise typer.Exit(EXIT_SOME_FAILED)
