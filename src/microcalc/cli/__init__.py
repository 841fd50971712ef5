"""The command line: each verb parses its arguments and calls one public function."""

from __future__ import annotations

import gc
import signal
import sys
from typing import Annotated

import typer

import microcalc
from microcalc.cli.benchmarking import benchmark
from microcalc.cli.data import data
from microcalc.cli.detecting import demo, detect
from microcalc.cli.evaluating import evaluate
from microcalc.cli.explaining import explain
from microcalc.cli.finetuning import finetune
from microcalc.cli.packages import models
from microcalc.cli.shared import EXIT_NOTHING_DONE, EXIT_WRONG_CALL
from microcalc.cli.sweeping import sweep
from microcalc.cli.synthesizing import synthesize
from microcalc.cli.training import train
from microcalc.errors import MicrocalcError, UsageError

app = typer.Typer(
    help="Find microcalcifications on mammograms. Research software, not a medical device.",
    epilog="microcalc COMMAND --help tells more. Start with: microcalc demo",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def main() -> None:
    """Entry point: one clear line and the contract's exit code for every error."""
    # Libraries make objects by the hundred thousand when they are loaded, for good: not to look through them again and
    # again saves a third of a second.
    gc.set_threshold(100_000)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: what is finished is written
    try:
        app()
    except UsageError as error:
        _fail(error, EXIT_WRONG_CALL)
    except MicrocalcError as error:
        _fail(error, EXIT_NOTHING_DONE)


def _fail(error: MicrocalcError, code: int) -> None:
    typer.echo(f"microcalc: {error}", err=True)
    sys.exit(code)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"microcalc {microcalc.__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None: ...


# Their docstrings are their help; it lists them in this order.
_VERBS = (demo, detect, explain, synthesize, train, sweep, finetune, evaluate, benchmark)
for _verb in _VERBS:
    app.command()(_verb)
app.add_typer(data, name="data")
app.add_typer(models, name="models")
