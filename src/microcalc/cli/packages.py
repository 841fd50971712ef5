"""``microcalc models``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from microcalc.cli.detecting import line
from microcalc.cli.shared import EXIT_SOME_FAILED, Jobs, Out, Resume, ended_early, listed, progress
from microcalc.errors import UsageError

models = typer.Typer(help="Model packages: those that come with microcalc, and the card of any.", no_args_is_help=True)


@models.command("list", help="Name, kind and title of the packages that come with microcalc.")
def list_models() -> None:
    """Name what --detector takes."""
    from microcalc.models import PACKAGES, load_package

    for name, kind in PACKAGES.items():
        typer.echo(f"{name} ({kind}): {load_package(name).card.title}")
    if not PACKAGES:
        typer.echo("No package comes with this version.")


@models.command("show", help="The card of a package: what it is, was made of, is good for, and how good.")
def show_model(
    package: Annotated[str, typer.Argument(metavar="PACKAGE", help="Name, folder or zip.", show_default=False)],
) -> None:
    """Check a package and print its card."""
    from microcalc.models import load_package

    found = load_package(package)
    typer.echo(f"# {found.path}, SHA-256 {found.sha256}\n{found.card.to_yaml()}", nl=False)


@models.command("export", help="A network's package with its ONNX file made anew from its weights, and checked.")
def export_model(
    package: Annotated[str, typer.Argument(metavar="PACKAGE", help="Folder or zip.", show_default=False)],
    out: Annotated[Path | None, typer.Option(help="Folder for the package.", show_default="the same folder")] = None,
    onnx: Annotated[bool, typer.Option("--onnx", help="As ONNX, the one format there is.")] = True,
    half: Annotated[bool, typer.Option("--half", help="Weights stored in 16 bits, computed with in 32.")] = False,
    int8: Annotated[bool, typer.Option("--int8", help="In 8 bits too, beside it; needs --data.")] = False,
    data: Annotated[
        str | None,
        typer.Option(metavar="patches:FOLDER", help="Training patches that ranges are taken from.", show_default=False),
    ] = None,
) -> None:
    """Write model.onnx from weights.safetensors."""
    from microcalc.models import load_package
    from microcalc.models.extras import needs

    if data is not None and not int8:
        raise UsageError(expected="--data with --int8", found="--data alone", do="add --int8, or leave --data out")
    if half and int8:
        raise UsageError(expected="--half or --int8", found="both", do="give --half first, then --int8 to what it made")
    found = load_package(package)
    if out is None and not found.path.is_dir():
        raise UsageError(expected="--out for a package in a zip", found="none", do="name a folder")
    with needs("train", "torch", "torchvision", "timm", "onnx"):
        from microcalc.models.network_files import export_again

        if int8:
            from microcalc.training.int8 import add_int8

            written = add_int8(found, data, out or found.path)
        else:
            written = export_again(found, out or found.path, half=half)
    typer.echo(f"{written.path}, SHA-256 {written.sha256}")


@models.command("import", help="A package made of weights that others have published: mracko2024-resnet101.")
def import_model(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="Of the recipe they were trained by.", show_default=False)
    ],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The published checkpoint.", show_default=False)],
    out: Out,
    onnx: Annotated[bool, typer.Option(help="Write model.onnx too, for use without torch; takes minutes.")] = True,
) -> None:
    """Check every tensor of a checkpoint and write a package."""
    from microcalc.models.extras import needs

    with needs("train", "torch", "torchvision", "timm", "onnx"):
        from microcalc.models.imported import import_checkpoint

        written = import_checkpoint(name, file, out, onnx=onnx)
    typer.echo(f"{written.path}, SHA-256 {written.sha256}")


@models.command("calibrate", help="Thresholds anchored to rates of marks per image, on images of your own.")
def calibrate_model(
    package: Annotated[str, typer.Argument(metavar="PACKAGE", help="Name, folder or zip.", show_default=False)],
    data: Annotated[
        str, typer.Option(metavar="SPEC", help="Unannotated or normal images: table:FILE ...", show_default=False)
    ],
    out: Out,
    marks_per_image: Annotated[
        str, typer.Option(metavar="NAME=RATE,...", help="Operating points and their rates.")
    ] = "sensitive=5,balanced=1,specific=0.2",
    seed: Annotated[int, typer.Option(min=0, help="Of the resamples, for intervals by patient.")] = 0,
    resume: Resume = False,
    jobs: Jobs = None,
) -> None:
    """Write a new package whose thresholds give so many marks per image; the old one stays as it is."""
    from microcalc.parallel import process_pool
    from microcalc.recalibration.job import recalibrate

    wishes = _rates(marks_per_image)
    try:
        with progress("Detecting", line) as on_outcome:
            made = recalibrate(
                package,
                data,
                out,
                wishes,
                seed=seed,
                make_executor=process_pool(jobs),
                resume=resume,
                on_outcome=on_outcome,
            )
    except KeyboardInterrupt:
        ended_early("Interrupted.", out)
    for point in made.package.card.operating_points:
        typer.echo(f"{point.name}: from {point.threshold:.4g}, {point.false_positives}")
    typer.echo(f"Package: {made.package.path}")
    if made.failed:
        raise typer.Exit(EXIT_SOME_FAILED)


def _rates(text: str) -> dict[str, float]:
    """ "sensitive=5,balanced=1" as rates by operating point."""
    pairs = [pair.partition("=") for pair in listed(text)]
    try:
        rates = {name.strip(): float(rate) for name, _, rate in pairs}
    except ValueError:
        rates = {}
    if not rates or len(rates) != len(pairs):
        raise UsageError(
            expected="operating points, each once, with their marks per image",
            found=repr(text),
            do="write them as sensitive=5,balanced=1",
        )
    return rates
