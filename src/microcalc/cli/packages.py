"""``microcalc models``."""

from __future__ import annotations

from typing import Annotated

import typer

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
