"""What came of training a network on patches: thresholds, calibration, numbers, card and report.

Calibration and thresholds come from validation alone; the test part, where there is one, is only measured.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import microcalc
from microcalc.evaluation.tables import PAPERS
from microcalc.models import Card
from microcalc.output import replacing
from microcalc.recipe.patch_classifier import PatchRecipe
from microcalc.training.beside import beside
from microcalc.training.card import origin
from microcalc.training.classifier_card import make_card
from microcalc.training.classifier_numbers import DRAWS, balance, images_of, part_result, patients_of
from microcalc.training.classifier_records import ClassifierReport, PartResult
from microcalc.training.classifier_report import write_page
from microcalc.training.contrast import centre_words
from microcalc.training.job import Job
from microcalc.training.parts import Parts
from microcalc.training.predictions import Predictions
from microcalc.training.questions import Question, ask
from microcalc.training.scoring import score_of_marks, score_of_patches
from microcalc.training.tables import write_tables

if TYPE_CHECKING:  # torch
    from microcalc.training.fit import Fitted
    from microcalc.training.marks import Marks


@dataclass(frozen=True, eq=False)
class Outcome:
    """All that is stated of a training run."""

    card: Card
    report: ClassifierReport


def outcome(
    job: Job[PatchRecipe],
    parts: Parts,
    fitted: Fitted,
    validation: Predictions,
    test: Predictions | None,
    marks: Marks | None = None,
) -> Outcome:
    """Choose calibration and thresholds on validation, and measure.

    Args:
        job: recipe, data and seed.
        parts: of the data.
        fitted: the network.
        validation: what it says of the validation patches.
        test: of the test patches; None where there are none.
        marks: that it makes on the validation patches; None: it makes none, and its score is that of patches.

    Raises:
        UsageError: for some target all validation patches are of one class.
    """
    recipe = job.recipe
    questions = ask(validation, recipe)
    measured = [part_result(of, questions, recipe, job.seed) for of in (test, validation) if of is not None]
    report = _report(job, parts, fitted, questions, measured)
    scoring = score_of_patches(job, validation, questions[0]) if marks is None else score_of_marks(job, marks)
    return Outcome(make_card(job, parts.train, fitted, scoring, report), report)


def write_outcome(found: Outcome, out: Path) -> None:
    """Write ``report.json``, ``report.html``, ``figures/`` and ``tables/``.

    Raises:
        WriteError: one of them cannot be written.
    """
    with replacing(out / "report.json") as file:
        file.write(found.report.to_json().encode())
    write_tables(
        out / "tables",
        {"metrics": found.card.metrics, "history": found.report.history, "paper": found.report.beside},
    )
    write_page(found.report, out)


def _report(
    job: Job[PatchRecipe],
    parts: Parts,
    fitted: Fitted,
    questions: tuple[Question, ...],
    measured: list[PartResult],
) -> ClassifierReport:
    recipe = job.recipe
    manifest, titles = parts.train.store.manifest, {str(key): title for key, title in PAPERS.items()}
    pitch = "the image’s own pixel pitch" if manifest.spacing_mm is None else f"{manifest.spacing_mm:g} mm"
    return ClassifierReport(
        microcalc=microcalc.__version__,
        recipe=recipe.name,
        title=recipe.title,
        paper=recipe.paper and titles.get(recipe.paper, recipe.paper),
        data=job.data,
        protocol=manifest.protocol,
        patch=f"{manifest.size_px} px at {pitch}",
        seed=job.seed,
        draws=DRAWS,
        remarks=tuple(_remarks(job, questions, measured)),
        choices=recipe.notes,
        trained_on=balance(parts.train, recipe),
        trained_images=images_of(parts.train),
        trained_patients=patients_of(parts.train),
        left_out=dict(parts.left_out),
        network=fitted.network,
        parameters=sum(weights.numel() for weights in fitted.module.parameters()),
        start=fitted.start,
        history=fitted.history,
        kept=fitted.kept,
        stopped=fitted.stopped,
        seconds=fitted.seconds,
        waiting=fitted.waiting,
        contrast=centre_words(manifest.protocol),
        parts=tuple(measured),
        beside=tuple(beside(recipe, measured)),
    )


def _remarks(job: Job[PatchRecipe], questions: tuple[Question, ...], measured: list[PartResult]) -> Iterator[str]:
    """What a reader of the numbers has to know, the gravest first."""
    if of_data := origin(job):
        yield of_data.rstrip()
    if job.recipe.patches.split_by == "patch":
        yield (
            "The parts were split by patch, as in the paper, so that patients stand on both sides: "
            "every number is too good."
        )
    if measured[0].split != "test":
        yield "There is no test part: thresholds and calibration were chosen on the very patches they are measured on."
    if any(one.malignancy for one in questions):
        yield (
            "Benign against malignant is experimental: nothing here was validated on biopsy-proven cases, and on "
            "synthetic images it measures the odds by which the generator gives a class to a shape."
        )
    if questions[0].uncalibrated is not None:
        yield f"Scores are plain probabilities; {questions[0].uncalibrated}."
    if any(part.unit == "image" for part in measured):
        yield "Not every patch has a known patient: its image stands for it, and intervals may be too narrow."
