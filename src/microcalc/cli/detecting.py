"""``microcalc demo`` and ``microcalc detect``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from microcalc.cli.shared import EXIT_NOTHING_DONE, EXIT_SOME_FAILED, Jobs, Out, Resume, ended_early, listed, progress

if TYPE_CHECKING:
    from microcalc.detection import Outcome
    from microcalc.findings import Report
    from microcalc.models.runtime import Precision, RuntimeName


def demo(
    out: Out = Path("demo"),
    seed: Annotated[int, typer.Option(min=0, help="Of the synthetic study.")] = 17,
    jobs: Jobs = None,
) -> None:
    """Make a synthetic study, detect on it, score that against its truth, write the report."""
    from microcalc.demo import run_demo
    from microcalc.parallel import process_pool

    with progress("Detecting", line) as on_outcome:
        result = run_demo(out, seed=seed, make_executor=process_pool(jobs), on_outcome=on_outcome)
    typer.echo(result.summary())
    typer.echo(f"Report: {out / 'report.html'}")


def detect(
    inputs: Annotated[list[Path], typer.Argument(metavar="INPUT...", help="Files and folders.", show_default=False)],
    out: Out,
    detector: Annotated[
        str | None,
        typer.Option(
            help="microcalc-default, cascade, patch-map, morphology, hough, hdog, or the path of a package.",
            show_default=False,
        ),
    ] = None,
    operating_point: Annotated[
        str | None, typer.Option(help="sensitive, balanced (default) or specific.", show_default=False)
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, or for networks in torch cuda, cuda:1, ...")] = "auto",
    runtime: Annotated[str, typer.Option(help="Of networks: auto, onnxruntime, torch, openvino.")] = "auto",
    precision: Annotated[str, typer.Option(help="Of networks: f32, bf16, int8.")] = "f32",
    formats: Annotated[str, typer.Option(help="What to write, of these.")] = "json,csv,html,overlay",
    spacing: Annotated[
        float | None, typer.Option(metavar="MM", help="Pixel pitch, instead of the file's.", show_default=False)
    ] = None,
    pseudonymise: Annotated[bool, typer.Option("--pseudonymise", help="Hashes instead of paths and UIDs.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Read other DICOM modalities too.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Fail images whose reading is in doubt.")] = False,
    resume: Resume = False,
    jobs: Jobs = None,
) -> None:
    """Find calcifications and clusters on mammograms: DICOM, PNG, TIFF, PGM files or folders of them."""
    from microcalc.detection import DetectionOptions, detect_to_folder
    from microcalc.detectors import DEFAULT_DETECTOR
    from microcalc.parallel import process_pool

    options = DetectionOptions(
        detector or DEFAULT_DETECTOR,
        operating_point,
        device,
        cast("RuntimeName", runtime),  # checked where it is opened
        cast("Precision", precision),
        spacing_mm=spacing,
        force=force,
        strict=strict,
        pseudonymise=pseudonymise,
    )
    chosen = listed(formats)
    try:
        with progress("Detecting", line) as on_outcome:
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
        ended_early("Interrupted.", out)
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


def line(outcome: Outcome) -> str:
    """What a log says of an image."""
    from microcalc.findings import Failure
    from microcalc.output.words import count

    if outcome is None:
        return "not an image, passed over"
    if isinstance(outcome, Failure):
        return f"{outcome.path}: FAILED: {outcome.reason}"
    return f"{outcome.path}: {count(len(outcome.clusters), 'cluster')}, {outcome.seconds:.1f} s"
