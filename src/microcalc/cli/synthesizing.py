"""``microcalc synthesize``."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from microcalc.cli.shared import (
    EXIT_NOTHING_DONE,
    EXIT_SOME_FAILED,
    Jobs,
    Out,
    Resume,
    ended_early,
    given,
    progress,
    refuse,
)
from microcalc.errors import UsageError, WriteError

if TYPE_CHECKING:
    from microcalc.synthesis.generate import Outcome as StudyOutcome
    from microcalc.synthesis.generate import Plan
    from microcalc.truth import Truth


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
    resume: Resume = False,
    jobs: Jobs = None,
) -> None:
    """Make mammograms with exact truth: from random numbers, or lesions in your own normal mammograms."""
    from microcalc.findings import Failure
    from microcalc.parallel import process_pool
    from microcalc.synthesis import synthesize as draw
    from microcalc.synthesis.bench import make_benchmark

    dial = given(diameter=diameter, contrast=contrast, noise=noise)
    wishes = given(normal_share=normal_share, density=density, unit=unit, spacing=spacing)
    if benchmark is not None:
        refuse("--benchmark", given(count=count, seed=seed, layout=layout, normals=normals) | wishes | dial)
        job = functools.partial(make_benchmark, benchmark, out)
    else:
        plans = _plans(normals, count, 1 if seed is None else seed, wishes, dial)
        job = functools.partial(draw, plans, out, layout=layout or "truth")
    told: list[StudyOutcome] = []
    try:
        with progress("Drawing", _study_line) as tell:

            def on_study(outcome: StudyOutcome, done: int, total: int) -> None:
                told.append(outcome)
                tell(outcome, done, total)

            truth = job(make_executor=process_pool(jobs), resume=resume, on_study=on_study)
    except KeyboardInterrupt:
        ended_early("Interrupted.", out)
    except WriteError as error:
        if not told:
            raise
        ended_early(f"microcalc: {error}.", out)
    failed = sum(isinstance(outcome, Failure) for outcome in told)
    typer.echo(_set_summary(truth, failed, out))
    if not truth.images:
        raise typer.Exit(EXIT_NOTHING_DONE)
    if failed:
        raise typer.Exit(EXIT_SOME_FAILED)


def _plans(
    normals: Path | None, count: int | None, seed: int, wishes: dict[str, Any], dial: dict[str, Any]
) -> Sequence[Plan]:
    """What to draw, of what the call names: on the user's own normal mammograms, or from random numbers."""
    from microcalc.synthesis import Difficulty, plan_insertions, plan_studies

    difficulty = Difficulty(**dial)
    if normals is not None:
        own = {name: wishes.pop(name) for name in ("normal_share",) if name in wishes}
        own |= given(spacing_mm=wishes.pop("spacing", None))
        refuse("--normals", wishes | {name: value for name, value in dial.items() if name == "noise"})
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


def _study_line(outcome: StudyOutcome) -> str:
    from microcalc.findings import Failure
    from microcalc.output.words import count

    if isinstance(outcome, Failure):
        return f"{outcome.path}: FAILED: {outcome.reason}"
    return f"{outcome.patient}: {count(sum(len(i.calcifications) for i in outcome.images), 'visible calcification')}"
