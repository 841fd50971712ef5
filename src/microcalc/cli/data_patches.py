"""``microcalc data patches``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from microcalc.cli.shared import EXIT_SOME_FAILED, Jobs, Out, Resume, ended_early, given, progress
from microcalc.errors import WriteError

if TYPE_CHECKING:
    from microcalc.patches.job import Outcome
    from microcalc.patches.store import PatchStore


def patches(
    spec: Annotated[str, typer.Argument(metavar="SPEC", help="truth:FOLDER, inbreast:FOLDER ...")],
    protocol: Annotated[
        str,
        typer.Option(
            help="mracko674, cortina224, cortina224-marked, cortina64, cortina32, cortina16, kahnouei224, pesapane112, "
            "terrassin512, or ours: cortina16-wide, microcalc112, microcalc32, microcalc16."
        ),
    ],
    out: Out,
    split: Annotated[
        str | None, typer.Option(help="Only train, validation or test; default: all.", show_default=False)
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of everything drawn.")] = 0,
    review: Annotated[
        Path | None, typer.Option(metavar="FILE", help="decisions.csv: leave out what is dropped.", show_default=False)
    ] = None,
    resume: Resume = False,
    jobs: Jobs = None,
) -> None:
    """Cut the patches of a protocol out of a data set, into a store to train on."""
    from microcalc.datasets import open_data
    from microcalc.datasets.spec import named
    from microcalc.parallel import process_pool
    from microcalc.patches.job import write_store
    from microcalc.patches.protocols import find_protocol

    find_protocol(protocol)  # before a large data set is listed
    wishes = given(split=split, review=review)
    pool, begun = process_pool(jobs), False
    try:
        with progress("Cutting", line) as tell:

            def on_outcome(outcome: Outcome, done: int, total: int) -> None:
                nonlocal begun
                begun = True
                tell(outcome, done, total)

            store = write_store(
                out,
                protocol,
                open_data(spec, make_executor=pool),
                data=named(spec),
                seed=seed,
                make_executor=pool,
                resume=resume,
                on_outcome=on_outcome,
                **wishes,
            )
    except KeyboardInterrupt:
        ended_early("Interrupted.", out)
    except WriteError as error:
        if not begun:
            raise
        ended_early(f"microcalc: {error}.", out)
    typer.echo(_summary(store))
    if store.manifest.failed:
        raise typer.Exit(EXIT_SOME_FAILED)


def line(outcome: Outcome) -> str:
    """What a log says of a planned image, a shard or a failure."""
    from collections import Counter

    from microcalc.findings import Failure
    from microcalc.output.words import count
    from microcalc.patches.planning import ImagePlan

    if isinstance(outcome, Failure):
        return f"{outcome.path}: FAILED: {outcome.reason}"
    if isinstance(outcome, ImagePlan):
        labels = Counter(patch.label for patch in outcome.patches)
        found = ", ".join(f"{number} {label}" for label, number in labels.items())
        return f"{outcome.image}: {found or 'no patch'}"
    failed = "".join(f"; {failure.path}: FAILED: {failure.reason}" for failure in outcome.failed)
    return f"{outcome.shard.name}: {count(outcome.shard.patches, 'patch', 'patches')} cut{failed}"


def _summary(store: PatchStore) -> str:
    from microcalc.output.words import count

    known, folder = store.manifest, store.folder
    lines = [
        f"{'' if side == 'none' else f'{side}: '}"
        + ", ".join(f"{number} {label}" for label, number in by_label.items())
        for side, by_label in known.counts.items()
    ]
    lines += [f"Left out: {number} {reason}" for reason, number in known.left_out.items()]
    if known.balanced_out:
        lines.append(f"Left out to balance classes: {known.balanced_out}")
    if known.dropped:
        lines.append(f"Dropped by the review: {known.dropped}")
    if known.dropped_elsewhere:
        others = count(known.dropped_elsewhere, "patch", "patches")
        lines.append(f"Not among these: {others} that the review dropped; was its --split or --seed another one?")
    if known.spacing_assumed:
        assumed = count(known.spacing_assumed, "image")
        lines.append(f"Pixel pitch of 0.07 mm assumed for {assumed}, which state none.")
    if known.failed:
        lines.append(f"Failed: {count(len(known.failed), 'image')}; {folder / 'store.json'} says why")
    return "\n".join([*lines, f"Patches: {folder}", f"Look at them: {folder / 'contact-'}<label>.html"])
