"""``microcalc data``: what data sets hold, whether they are sound, and what is made of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from microcalc.cli.data_patches import patches
from microcalc.cli.data_review import review
from microcalc.cli.shared import EXIT_NOTHING_DONE, EXIT_SOME_FAILED, Jobs, Out, Resume, ended_early, listed, progress

if TYPE_CHECKING:
    from microcalc.inspection import InspectedImage, Inspection
    from microcalc.truth import Split

data = typer.Typer(
    help="Data sets: inspect them, write their truth, cut and review patches.",
    epilog="SPEC: KIND:PATH[?option=value], such as inbreast:/data/INbreast or truth:/data/mine.",
    no_args_is_help=True,
)

Spec = Annotated[str, typer.Argument(metavar="SPEC", help="KIND:PATH[?option=value&...].", show_default=False)]


@data.command()
def check(
    spec: Spec,
    out: Out = Path("inspection"),
    quick: Annotated[bool, typer.Option("--quick", help="Read headers only.")] = False,
    resume: Resume = False,
    jobs: Jobs = None,
) -> None:
    """Look at every image of a data set and tell what is wrong: a page and a JSON file."""
    from microcalc.inspection import inspect_data
    from microcalc.parallel import process_pool

    try:
        with progress("Inspecting", _line) as on_image:
            found = inspect_data(
                spec, out, quick=quick, make_executor=process_pool(jobs), resume=resume, on_image=on_image
            )
    except KeyboardInterrupt:
        ended_early("Interrupted.", out)
    typer.echo(_summary(found, out))
    if not found.images:
        raise typer.Exit(EXIT_NOTHING_DONE)
    if not found.sound:
        raise typer.Exit(EXIT_SOME_FAILED)


@data.command()
def export(
    spec: Spec,
    out: Annotated[Path, typer.Option(metavar="FILE", help="The truth JSON to write.")] = Path("truth.json"),
    split_seed: Annotated[
        int | None, typer.Option(min=0, help="Split the patients anew, at random.", show_default=False)
    ] = None,
    shares: Annotated[
        str, typer.Option(help="Of the patients, with --split-seed.")
    ] = "train=0.7,validation=0.1,test=0.2",
    jobs: Jobs = None,
) -> None:
    """Write the truth of a data set as JSON; with --split-seed also the split, as FILE.split.csv."""
    from microcalc.datasets import Table, list_data
    from microcalc.datasets.export import export_truth
    from microcalc.datasets.splits import by_finding, split_by_patient, write_split
    from microcalc.output.words import count
    from microcalc.parallel import process_pool

    listing = list_data(spec, make_executor=process_pool(jobs))
    if not listing.records:
        typer.echo(f"No image to write the truth of; see what is wrong: microcalc data check '{spec}'", err=True)
        raise typer.Exit(EXIT_NOTHING_DONE)
    if split_seed is None:
        table = Table(listing.records)
    else:
        table = split_by_patient(listing.records, _shares(shares), split_seed, stratify=by_finding)
        write_split(table, out.with_suffix(".split.csv"))
    export_truth(table, listing.root, out)
    typer.echo(f"{count(len(table), 'image')} of {count(len(table.patients), 'patient')}: {out}")
    if listing.problems:
        typer.echo(f"{count(len(listing.problems), 'remark')} of its reader: microcalc data check '{spec}'")


# Verbs with files of their own; their docstrings are their help.
for _verb in (patches, review):
    data.command()(_verb)


def _shares(text: str) -> dict[Split, float]:
    """ "train=0.8,test=0.2" as shares by side."""
    from typing import get_args

    from microcalc.errors import UsageError
    from microcalc.truth import Split

    pairs = [pair.partition("=") for pair in listed(text)]
    try:
        shares = {side: float(share) for side in get_args(Split) for name, _, share in pairs if name.strip() == side}
    except ValueError:
        shares = {}
    if not shares or len(shares) != len(pairs):
        raise UsageError(
            expected=f"shares of {', '.join(get_args(Split))}, each once",
            found=repr(text),
            do="write them as train=0.8,test=0.2",
        )
    return shares


def _line(image: InspectedImage) -> str:
    return f"{image.path}: {', '.join(dict.fromkeys(fault.kind for fault in image.faults)) or 'sound'}"


def _summary(found: Inspection, out: Path) -> str:
    from collections import Counter

    from microcalc.output.words import count

    kinds = Counter(f"{fault.kind} (images)" for fault in found.faults)
    kinds.update(f"{problem.kind} (files)" for problem in found.problems)
    lines = [f"{count(len(found.images), 'image')} inspected; {'sound' if found.sound else 'not sound'}."]
    lines += [f"  {number} {kind}" for kind, number in kinds.most_common()]
    lines += [f"Report: {out / 'inspection.html'}", f"All of it: {out / 'inspection.json'}"]
    return "\n".join(lines)
