"""What several verbs share: options, exit codes, progress."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from microcalc.errors import UsageError

EXIT_SOME_FAILED, EXIT_WRONG_CALL, EXIT_NOTHING_DONE = 1, 2, 3

Out = Annotated[Path, typer.Option(help="Folder for the results; made if missing.")]
Jobs = Annotated[int | None, typer.Option(min=1, help="Processes; default: one a processor.", show_default=False)]
Resume = Annotated[bool, typer.Option("--resume", help="Go on with an interrupted run in --out.")]


@contextlib.contextmanager
def progress(doing: str, line: Callable[[Any], str]) -> Iterator[Callable[[Any, int, int], None]]:
    """Tell of each outcome as it comes, in a line of words: below a bar on a terminal, numbered in a log."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True, highlight=False, soft_wrap=True)
    if not console.is_terminal:

        def tell(outcome: Any, done: int, total: int) -> None:
            with contextlib.suppress(OSError):  # a log that is gone must not end the run
                typer.echo(f"[{done}/{total}] {line(outcome)}", err=True)

        yield tell
        return
    with Progress(console=console) as bar:
        task = bar.add_task(doing, total=None)

        def show(outcome: Any, done: int, total: int) -> None:
            bar.console.print(line(outcome), markup=False)
            bar.update(task, completed=done, total=total)

        yield show


def ended_early(why: str, out: Path) -> NoReturn:
    """Say where to go on, and end with the exit code for work left undone."""
    typer.echo(f"{why} What is finished is in {out}; go on with --resume.", err=True)
    raise typer.Exit(EXIT_SOME_FAILED) from None


def given(**options: Any) -> dict[str, Any]:
    """The options that the call names."""
    return {name: value for name, value in options.items() if value is not None}


def refuse(beside: str, options: dict[str, Any]) -> None:
    """Raise UsageError where options are given that ``beside`` leaves nothing to do."""
    if options:
        names = ", ".join(f"--{name.replace('_', '-')}" for name in options)
        raise UsageError(expected=f"{beside}, which leaves nothing to {names}", found="both", do=f"leave {names} out")


def listed(names: str) -> list[str]:
    """Names with commas between."""
    return [name.strip() for name in names.split(",") if name.strip()]
