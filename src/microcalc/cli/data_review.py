"""``microcalc data review``."""

from __future__ import annotations

import contextlib
import shlex
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from microcalc.cli import data_patches
from microcalc.cli.shared import EXIT_SOME_FAILED, Jobs, Out, given, progress

if TYPE_CHECKING:
    from microcalc.review.job import Outcome
    from microcalc.review.ledger import Choice


def review(
    spec: Annotated[str, typer.Argument(metavar="SPEC", help="truth:FOLDER, inbreast:FOLDER ...")],
    protocol: Annotated[str, typer.Option(metavar="P", help="mracko674, kahnouei224 ...", show_default=False)],
    out: Out,
    split: Annotated[
        str | None, typer.Option(help="Only train, validation or test images.", show_default=False)
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the patches.")] = 0,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Of the page; 0: any free one.")] = 0,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Only print the page's address.")] = False,
    jobs: Jobs = None,
) -> None:
    """Look at the patches of a protocol, the likely mislabelled first, and say which to keep."""
    from microcalc.parallel import process_pool
    from microcalc.review.job import DECISIONS, open_review
    from microcalc.review.server import ReviewServer

    same = given(split=split, seed=seed)
    with contextlib.ExitStack() as running:
        try:
            with progress("Preparing", _line) as tell:
                review = open_review(spec, protocol, out, make_executor=process_pool(jobs), on_outcome=tell, **same)
                session = running.enter_context(review)
        except KeyboardInterrupt:
            typer.echo(f"Interrupted. What is finished is in {out}; the same command goes on.", err=True)
            raise typer.Exit(EXIT_SOME_FAILED) from None
        server = running.enter_context(ReviewServer(session, port))
        typer.echo(f"Review: {server.url}\nEvery decision is in {out / DECISIONS} once the page goes on. Ctrl-C ends.")
        if not no_browser:
            typer.launch(server.url)
        with contextlib.suppress(KeyboardInterrupt):
            server.serve_forever()
    typer.echo(_summary(session.decisions))
    again = ["microcalc", "data", "patches", spec, "--protocol", protocol]
    again += [word for name, value in same.items() for word in (f"--{name}", str(value))]
    typer.echo(f"Without those dropped: {shlex.join([*again, '--review', str(out / DECISIONS)])} --out DIR")


def _line(outcome: Outcome) -> str:
    from microcalc.findings import ImageFindings
    from microcalc.output.words import count

    if isinstance(outcome, ImageFindings):
        return f"{outcome.path}: {count(len(outcome.calcifications), 'mark')}"
    return data_patches.line(outcome)


def _summary(decisions: Sequence[Choice]) -> str:
    from microcalc.output.words import count

    counts = Counter(decisions)
    words = ", ".join(f"{counts[choice]} {choice}" for choice in ("keep", "drop", "unsure", "undecided"))
    return f"{count(len(decisions), 'patch', 'patches')}: {words}."
