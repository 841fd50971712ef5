"""The command line: each verb parses its arguments and calls one public function."""

from __future__ import annotations

import contextlib
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import microcalc
from microcalc.errors import MicrocalcError, UsageError

if TYPE_CHECKING:
    from microcalc.detection import OnOutcome, Outcome
    from microcalc.findings import Report

EXIT_SOME_FAILED, EXIT_WRONG_CALL, EXIT_NOTHING_DONE = 1, 2, 3

app = typer.Typer(
    help="Find microcalcifications on mammograms. Research software, not a medical device.",
    epilog="microcalc COMMAND --help tells more. Start with: microcalc demo",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Out = Annotated[Path, typer.Option(help="Folder for the results; made if missing.")]
Jobs = Annotated[int | None, typer.Option(min=1, help="Processes; default: one a processor.", show_default=False)]


def main() -> None:
    """Entry point: one clear line and the contract's exit code for every error."""
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


@app.command(help="Make a synthetic study, detect on it, score that against its truth, write the report.")
def demo(
    out: Out = Path("demo"),
    seed: Annotated[int, typer.Option(min=0, help="Of the synthetic study.")] = 1,
    jobs: Jobs = None,
) -> None:
    """Run the main job on the embedded default."""
    from microcalc.demo import run_demo
    from microcalc.parallel import process_pool

    with _progress() as on_outcome:
        result = run_demo(out, seed=seed, make_executor=process_pool(jobs), on_outcome=on_outcome)
    typer.echo(result.summary())
    typer.echo(f"Report: {out / 'report.html'}")


@app.command(help="Find calcifications and clusters on mammograms: DICOM, PNG, TIFF, PGM files or folders of them.")
def detect(
    inputs: Annotated[list[Path], typer.Argument(metavar="INPUT...", help="Files and folders.", show_default=False)],
    out: Out,
    detector: Annotated[str | None, typer.Option(help="By name; default: morphology.", show_default=False)] = None,
    operating_point: Annotated[
        str | None, typer.Option(help="sensitive, balanced (default) or specific.", show_default=False)
    ] = None,
    device: Annotated[str, typer.Option(help="auto, or a device of the detector: morphology runs on cpu.")] = "auto",
    formats: Annotated[str, typer.Option(help="What to write, of these.")] = "json,csv,html,overlay",
    spacing: Annotated[
        float | None, typer.Option(metavar="MM", help="Pixel pitch, instead of the file's.", show_default=False)
    ] = None,
    pseudonymise: Annotated[bool, typer.Option("--pseudonymise", help="Hashes instead of paths and UIDs.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Read other DICOM modalities too.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Fail images whose reading is in doubt.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with an interrupted run in --out.")] = False,
    jobs: Jobs = None,
) -> None:
    """Detect on the user's own images."""
    from microcalc.detection import DetectionOptions, detect_to_folder
    from microcalc.detectors import DEFAULT_DETECTOR
    from microcalc.parallel import process_pool

    options = DetectionOptions(
        detector or DEFAULT_DETECTOR, operating_point, device, spacing, force, strict, pseudonymise
    )
    chosen = [name.strip() for name in formats.split(",") if name.strip()]
    try:
        with _progress() as on_outcome:
            report = detect_to_folder(
                inputs,
                out,
                options,
                formats=chosen,
                make_executor=process_pool(jobs),
                resume=resume,
                on_outcome=on_outcome,
            )
    except KeyboardInterrupt:
        typer.echo(f"Interrupted. What is finished is in {out}; go on with --resume.", err=True)
        raise typer.Exit(EXIT_SOME_FAILED) from None
    typer.echo(_summary(report, out, html="html" in chosen))
    if not report.images:
        raise typer.Exit(EXIT_NOTHING_DONE)
    if report.failed:
        raise typer.Exit(EXIT_SOME_FAILED)


def _summary(report: Report, out: Path, *, html: bool) -> str:
    from microcalc.output.words import count

    clusters = sum(len(image.clusters) for image in report.images)
    lines = [
        f"{count(len(report.images), 'image')} done, {len(report.failed)} failed; {count(clusters, 'cluster')} in all."
    ]
    lines += [f"Findings: {out / 'findings.json'}"]
    lines += [f"Report: {out / 'report.html'}"] if html else []
    return "\n".join(lines)


@contextlib.contextmanager
def _progress() -> Iterator[OnOutcome]:
    """Tell of each image as it is done: a bar on a terminal, a plain line in a log."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True, highlight=False, soft_wrap=True)
    if not console.is_terminal:

        def tell(outcome: Outcome, done: int, total: int) -> None:
            with contextlib.suppress(OSError):  # a log that is gone must not end the run
                typer.echo(f"[{done}/{total}] {_line(outcome)}", err=True)

        yield tell
        return
    with Progress(console=console) as bar:
        task = bar.add_task("Detecting", total=None)

        def show(outcome: Outcome, done: int, total: int) -> None:
            bar.console.print(_line(outcome), markup=False)
            bar.update(task, completed=done, total=total)

        yield show


def _line(outcome: Outcome) -> str:
    from microcalc.findings import Failure
    from microcalc.output.words import count

    if outcome is None:
        return "not an image, passed over"
    if isinstance(outcome, Failure):
        return f"{outcome.path}: FAILED: {outcome.reason}"
    return f"{outcome.path}: {count(len(outcome.clusters), 'cluster')}, {outcome.seconds:.1f} s"
