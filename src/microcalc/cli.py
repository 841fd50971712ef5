"""The command line: each verb parses its arguments and calls one public function."""

from __future__ import annotations

import contextlib
import functools
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

import microcalc
from microcalc.errors import MicrocalcError, UsageError, WriteError

if TYPE_CHECKING:
    from microcalc.comparison.records import Evaluation
    from microcalc.detection import Outcome
    from microcalc.findings import Report
    from microcalc.synthesis.generate import Outcome as StudyOutcome
    from microcalc.synthesis.generate import Plan
    from microcalc.training.steps import Step
    from microcalc.truth import Truth

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
    seed: Annotated[int, typer.Option(min=0, help="Of the synthetic study.")] = 17,
    jobs: Jobs = None,
) -> None:
    """Run the main job on the embedded default."""
    from microcalc.demo import run_demo
    from microcalc.parallel import process_pool

    with _progress("Detecting", _line) as on_outcome:
        result = run_demo(out, seed=seed, make_executor=process_pool(jobs), on_outcome=on_outcome)
    typer.echo(result.summary())
    typer.echo(f"Report: {out / 'report.html'}")


@app.command(help="Find calcifications and clusters on mammograms: DICOM, PNG, TIFF, PGM files or folders of them.")
def detect(
    inputs: Annotated[list[Path], typer.Argument(metavar="INPUT...", help="Files and folders.", show_default=False)],
    out: Out,
    detector: Annotated[
        str | None,
        typer.Option(help="morphology (default), hough, hdog, or a model package: name or path.", show_default=False),
    ] = None,
    operating_point: Annotated[
        str | None, typer.Option(help="sensitive, balanced (default) or specific.", show_default=False)
    ] = None,
    device: Annotated[str, typer.Option(help="auto, or a device of the detector: all so far run on cpu.")] = "auto",
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
    chosen = _listed(formats)
    try:
        with _progress("Detecting", _line) as on_outcome:
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
        _ended_early("Interrupted.", out)
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


def _ended_early(why: str, out: Path) -> NoReturn:
    typer.echo(f"{why} What is finished is in {out}; go on with --resume.", err=True)
    raise typer.Exit(EXIT_SOME_FAILED) from None


@app.command(help="Make mammograms with exact truth: from random numbers, or lesions in your own normal mammograms.")
def synthesize(
    out: Out,
    count: Annotated[int | None, typer.Option(min=1, help="Patients.", show_default=False)] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Of the set; default: 1.", show_default=False)] = None,
    layout: Annotated[
        str | None,
        typer.Option(help="truth (default), inbreast, cbis_ddsm, omi_db, bmcd or mini_mias.", show_default=False),
    ] = None,
    normals: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Normal mammograms to put lesions into.", show_default=False)
    ] = None,
    benchmark: Annotated[
        str | None, typer.Option(help="v1-small, v1-medium or v1-large, instead.", show_default=False)
    ] = None,
    spacing: Annotated[
        float | None, typer.Option(metavar="MM", help="Pixel pitch of the normals.", show_default=False)
    ] = None,
    normal_share: Annotated[
        float | None, typer.Option(help="Patients without calcium; default: 0.4.", show_default=False)
    ] = None,
    density: Annotated[str | None, typer.Option(help="A, B, C or D; default: drawn.", show_default=False)] = None,
    unit: Annotated[str | None, typer.Option(help="Mammography unit; default: drawn.", show_default=False)] = None,
    diameter: Annotated[float | None, typer.Option(help="Factor on specks' size.", show_default=False)] = None,
    contrast: Annotated[float | None, typer.Option(help="Factor on their contrast.", show_default=False)] = None,
    noise: Annotated[float | None, typer.Option(help="Factor on the unit's noise.", show_default=False)] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with an interrupted run in --out.")] = False,
    jobs: Jobs = None,
) -> None:
    """Draw studies into a folder."""
    from microcalc.findings import Failure
    from microcalc.parallel import process_pool
    from microcalc.synthesis import synthesize as draw
    from microcalc.synthesis.bench import make_benchmark

    dial = _given(diameter=diameter, contrast=contrast, noise=noise)
    wishes = _given(normal_share=normal_share, density=density, unit=unit, spacing=spacing)
    if benchmark is not None:
        _refuse("--benchmark", _given(count=count, seed=seed, layout=layout, normals=normals) | wishes | dial)
        job = functools.partial(make_benchmark, benchmark, out)
    else:
        plans = _plans(normals, count, 1 if seed is None else seed, wishes, dial)
        job = functools.partial(draw, plans, out, layout=layout or "truth")
    told: list[StudyOutcome] = []
    try:
        with _progress("Drawing", _study_line) as tell:

            def on_study(outcome: StudyOutcome, done: int, total: int) -> None:
                told.append(outcome)
                tell(outcome, done, total)

            truth = job(make_executor=process_pool(jobs), resume=resume, on_study=on_study)
    except KeyboardInterrupt:
        _ended_early("Interrupted.", out)
    except WriteError as error:
        if not told:
            raise
        _ended_early(f"microcalc: {error}.", out)
    failed = sum(isinstance(outcome, Failure) for outcome in told)
    typer.echo(_set_summary(truth, failed, out))
    if not truth.images:
        raise typer.Exit(EXIT_NOTHING_DONE)
    if failed:
        raise typer.Exit(EXIT_SOME_FAILED)


def _given(**options: Any) -> dict[str, Any]:
    """The options that the call names."""
    return {name: value for name, value in options.items() if value is not None}


def _refuse(beside: str, options: dict[str, Any]) -> None:
    if options:
        names = ", ".join(f"--{name.replace('_', '-')}" for name in options)
        raise UsageError(expected=f"{beside}, which leaves nothing to {names}", found="both", do=f"leave {names} out")


def _plans(
    normals: Path | None, count: int | None, seed: int, wishes: dict[str, Any], dial: dict[str, Any]
) -> Sequence[Plan]:
    """What to draw, of what the call names: on the user's own normal mammograms, or from random numbers."""
    from microcalc.synthesis import Difficulty, plan_insertions, plan_studies

    difficulty = Difficulty(**dial)
    if normals is not None:
        own = {name: wishes.pop(name) for name in ("normal_share",) if name in wishes}
        own |= _given(spacing_mm=wishes.pop("spacing", None))
        _refuse("--normals", wishes | {name: value for name, value in dial.items() if name == "noise"})
        return plan_insertions(normals, count, seed, difficulty=difficulty, **own)
    if "spacing" in wishes:
        raise UsageError(expected="--spacing with --normals", found="it alone", do="choose a --unit of that pitch")
    if count is None:
        raise UsageError(expected="--count, --normals or --benchmark", found="none of them", do="say how many patients")
    return plan_studies(count, seed, difficulty=difficulty, device=wishes.pop("unit", None), **wishes)


def _set_summary(truth: Truth, failed: int, out: Path) -> str:
    from microcalc.output.words import count

    images = truth.images
    normal = sum(bool(image.normal) for image in images)
    calcifications, clusters = (sum(len(getattr(i, what)) for i in images) for what in ("calcifications", "clusters"))
    assumed = sum((image.vendor or "").endswith("assumed") for image in images)
    pitch = f"Pixel pitch of 0.07 mm assumed for {count(assumed, 'image')}: better give --spacing.\n" if assumed else ""
    return pitch + (
        f"{count(len({image.patient for image in images}), 'patient')} done, {failed} failed; "
        f"{count(len(images), 'image')}, {normal} of them without calcium; "
        f"{count(calcifications, 'visible calcification')} and {count(clusters, 'cluster')} in all.\n"
        f"Truth: {out / 'truth.json'}"
    )


@app.command(help="Train by a recipe on data with truth, and write a model package.")
def train(
    recipe: Annotated[str, typer.Argument(metavar="RECIPE", help="cortina2022-cascade, or a YAML file.")],
    out: Out,
    data: Annotated[
        str | None, typer.Option(metavar="SPEC", help="truth:FOLDER or bench:v1-medium.", show_default=False)
    ] = None,
    smoke: Annotated[bool, typer.Option("--smoke", help="A quick try of everything; needs no data.")] = False,
    seed: Annotated[
        int | None, typer.Option(min=0, help="Of everything random; default: the recipe's.", show_default=False)
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with an interrupted run in --out.")] = False,
    jobs: Jobs = None,
) -> None:
    """One run of a recipe."""
    from microcalc.parallel import process_pool
    from microcalc.recipe import load_recipe
    from microcalc.training.run import train as run

    failed = 0
    try:
        with _progress("Training", _step_line) as tell:

            def on_step(step: Step, done: int, total: int) -> None:
                nonlocal failed
                failed += step.failed is not None
                tell(step, done, total)

            package = run(
                load_recipe(recipe),
                data,
                out,
                smoke=smoke,
                seed=seed,
                make_executor=process_pool(jobs),
                resume=resume,
                on_step=on_step,
            )
    except KeyboardInterrupt:
        _ended_early("Interrupted.", out)
    for point in package.card.operating_points:
        typer.echo(f"{point.name}: from {point.threshold:.3g}, {point.false_positives}")
    typer.echo(f"Package: {out / 'package'}")
    if failed:
        raise typer.Exit(EXIT_SOME_FAILED)


@app.command(help="Score detectors against truth: one, or several compared on the same images.")
def evaluate(
    findings: Annotated[
        list[str],
        typer.Option(metavar="F [F ...]", help="findings.json, COCO results or CSV; NAME=F.", show_default=False),
    ],
    truth: Annotated[Path, typer.Option(metavar="T", help="truth.json, or its folder.", show_default=False)],
    # An option takes one value at a time: what follows the first file of --findings arrives as arguments.
    more: Annotated[list[str] | None, typer.Argument(metavar="F", hidden=True)] = None,
    out: Out = Path("evaluation"),
    images: Annotated[
        Path | None, typer.Option(metavar="DIR", help="For crops; default: the truth's root.", show_default=False)
    ] = None,
    level: Annotated[
        str | None, typer.Option(help="calcification, cluster, image, breast or patient.", show_default=False)
    ] = None,
    rule: Annotated[
        str | None,
        typer.Option(help="disc14, distance:MM, iou:T, cluster or cluster:marks=N.", show_default=False),
    ] = None,
    per: Annotated[str, typer.Option(help="Basis of false positives: image, cm2 or legacy.")] = "image",
    split: Annotated[
        str | None, typer.Option(help="Only train, validation or test images.", show_default=False)
    ] = None,
    unmatched: Annotated[str, typer.Option(help="Images not in every file: fail, empty or common.")] = "fail",
    resample: Annotated[str, typer.Option(help="Intervals by patient, image or detection.")] = "patient",
    draws: Annotated[int, typer.Option(min=100, help="Resamples.")] = 1000,
    seed: Annotated[int, typer.Option(min=0, help="Of the resamples.")] = 0,
    force: Annotated[bool, typer.Option("--force", help="Resample though it parts a patient's images.")] = False,
    coco_images: Annotated[
        Path | None, typer.Option(metavar="FILE", help="COCO file that names the images.", show_default=False)
    ] = None,
    formats: Annotated[str, typer.Option(help="What to write, of these.")] = "json,csv,html",
) -> None:
    """Score the user's own systems."""
    from microcalc.comparison.job import EvaluateOptions, evaluate_to_folder

    wishes = _given(level=level, rule=rule, split=split, coco_images=coco_images)
    wishes |= {"per": per, "unmatched": unmatched, "resample": resample, "draws": draws, "seed": seed, "force": force}
    chosen = _listed(formats)
    files = [*findings, *(more or ())]
    evaluation = evaluate_to_folder(files, truth, out, EvaluateOptions(**wishes), formats=chosen, images=images)
    typer.echo(_evaluation_summary(evaluation, out, html="html" in chosen))


def _listed(names: str) -> list[str]:
    """Names with commas between."""
    return [name.strip() for name in names.split(",") if name.strip()]


def _evaluation_summary(evaluation: Evaluation, out: Path, *, html: bool) -> str:
    from microcalc.comparison.wording import AREA, p_value, said
    from microcalc.output.words import count

    settings, truth = evaluation.settings, evaluation.truth
    lines = [
        f"{count(truth.lesions, 'lesion')} on {count(truth.images, 'image')}, {truth.normal_images} of them normal; "
        f"level {settings.level}, rule {settings.rule}."
    ]
    lines += [f"{system.name}: {AREA[settings.per]} {said(system.froc.area)}" for system in evaluation.systems]
    lines += [
        f"{one.first} minus {one.second}: {one.measure} {said(one.difference)}"
        + ("" if one.p_value is None else f", {p_value(one)}")
        for one in evaluation.differences
        if one.measure == AREA[settings.per]
    ]
    lines += [f"Note: {remark}" for remark in evaluation.remarks]
    lines += [f"Numbers: {out / 'evaluation.json'}"]
    lines += [f"Report: {out / 'evaluation.html'}"] if html else []
    return "\n".join(lines)


models = typer.Typer(help="Model packages: those that come with microcalc, and the card of any.", no_args_is_help=True)
app.add_typer(models, name="models")


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


@contextlib.contextmanager
def _progress(doing: str, line: Callable[[Any], str]) -> Iterator[Callable[[Any, int, int], None]]:
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


def _line(outcome: Outcome) -> str:
    from microcalc.findings import Failure
    from microcalc.output.words import count

    if outcome is None:
        return "not an image, passed over"
    if isinstance(outcome, Failure):
        return f"{outcome.path}: FAILED: {outcome.reason}"
    return f"{outcome.path}: {count(len(outcome.clusters), 'cluster')}, {outcome.seconds:.1f} s"


def _study_line(outcome: StudyOutcome) -> str:
    from microcalc.findings import Failure
    from microcalc.output.words import count

    if isinstance(outcome, Failure):
        return f"{outcome.path}: FAILED: {outcome.reason}"
    return f"{outcome.patient}: {count(sum(len(i.calcifications) for i in outcome.images), 'visible calcification')}"


def _step_line(step: Step) -> str:
    if step.failed is not None:
        return f"{step.name}: FAILED: {step.failed}"
    return f"{step.name}, {step.seconds:.1f} s"
