"""``microcalc evaluate``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from microcalc.cli.shared import Out, given, listed

if TYPE_CHECKING:
    from microcalc.comparison.records import Evaluation


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
    """Score detectors against truth: one, or several compared on the same images."""
    from microcalc.comparison.job import EvaluateOptions, evaluate_to_folder

    wishes = given(level=level, rule=rule, split=split, coco_images=coco_images)
    wishes |= {"per": per, "unmatched": unmatched, "resample": resample, "draws": draws, "seed": seed, "force": force}
    chosen = listed(formats)
    files = [*findings, *(more or ())]
    compared = evaluate_to_folder(files, truth, out, EvaluateOptions(**wishes), formats=chosen, images=images)
    typer.echo(_evaluation_summary(compared.evaluation, out, html="html" in chosen))


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
