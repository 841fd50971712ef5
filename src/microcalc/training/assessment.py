"""A detector that was just trained, looked at on the images held out, as the recipes of all kinds of detectors ask.

What it finds on the validation images gives calibration and operating points. Only when all that is fixed are the test
images looked at, once, beside other detectors, for the numbers on the card.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from microcalc.comparison.choice import check_defined
from microcalc.comparison.drawing import Drawing, write_figures
from microcalc.datasets import Table
from microcalc.detection import Outcome
from microcalc.detectors import load_detector
from microcalc.errors import UsageError
from microcalc.evaluation.calibration import Isotonic, Platt
from microcalc.evaluation.froc import froc
from microcalc.findings import Failure, ImageFindings, Report
from microcalc.models import Metric, Package
from microcalc.output.words import count
from microcalc.recipe.detector import DetectorRecipe, DetectorRecipeT
from microcalc.training.calibrations import CALIBRATIONS
from microcalc.training.job import Job
from microcalc.training.measure import Measured
from microcalc.training.part_figures import froc_drawing, reliability_drawing
from microcalc.training.phases import Phases
from microcalc.training.samples import RULE
from microcalc.training.scan import FINDINGS, Scan, accounts, scan
from microcalc.training.smoke_studies import smoke_studies
from microcalc.training.stages import Marking, choose_points
from microcalc.training.steps import Step
from microcalc.training.tables import write_tables
from microcalc.truth import Split

_CHOSEN_ON = "thresholds and calibration were chosen on these very images"


class HeldOut(NamedTuple):
    """Whole mammograms that nothing is fitted on."""

    validation: Table
    #: Empty where the data have no such part.
    test: Table

    def looks(self, recipe: DetectorRecipe) -> dict[str, int]:
        """The looks at them as phases of a run (:class:`~microcalc.training.phases.Phases`): name -> images."""
        at_test = dict.fromkeys((recipe.name, *recipe.beside), len(self.test)) if self.test else {}
        return {"validation": len(self.validation), **at_test}


class Reading(NamedTuple):
    """How the marks of a detector are read, and what it then reaches."""

    calibration: Isotonic | Platt
    population: str
    marking: Marking
    metrics: tuple[Metric, ...]


def held_out(job: Job[DetectorRecipeT]) -> HeldOut:
    """The images that a detector is to be looked at on; drawn for a smoke run without data.

    Raises:
        UsageError: there are none to validate on, numbers would not be defined on them, or a detector that is to be
            measured beside is not there: told of before hours of training.
    """
    table = job.table
    if table is None:
        table = smoke_studies(job.out / "work" / "data", job.make_executor, ("validation", "test"))
    parts = HeldOut(table.split("validation"), table.filter(lambda truth: truth.split == "test"))
    for part in filter(None, parts):
        check_defined([record.truth for record in part], "calcification", RULE, "image")
    for other in job.recipe.beside:
        load_detector(other)
    return parts


def assess(
    job: Job[DetectorRecipeT], phases: Phases, package: Package, parts: HeldOut, *, if_unreadable: str
) -> Reading:
    """Look at validation and choose; then look at the test part. Figures and ``metrics.csv`` are written.

    Args:
        job: whose recipe says how marks are to be read.
        phases: those of the run, the looks of :meth:`HeldOut.looks` among them; looks that an earlier run has had are
            taken over.
        package: the detector, not calibrated.
        parts: the images.
        if_unreadable: what to do where its scores cannot be calibrated.

    Raises:
        UsageError: on validation no mark is a hit, or all are; or no image can be processed.
        MicrocalcError: see :func:`~microcalc.detection.detect_to_folder`.
    """
    own = job.recipe.name
    seen = accounts(parts.validation, {own: _looked(job, phases, "validation", parts.validation, package.path)})
    _check_readable(seen[own], if_unreadable)
    reading = reading_of(job, seen[own])
    scans: dict[Split, dict[str, Scan]] = {"validation": seen}
    if parts.test:  # from here on nothing is chosen any more
        detectors = {own: package.path} | {name: name for name in job.recipe.beside}
        reports = {name: _looked(job, phases, name, parts.test, detector) for name, detector in detectors.items()}
        scans = {"test": accounts(parts.test, reports), **scans}
    measured = []
    for split, of_part in scans.items():
        of_part[own] = of_part[own].rescored(reading.calibration)
        measured.append(_measured(job, split, of_part))
    reading = reading._replace(metrics=tuple(itertools.chain(*(_metrics(own, one, reading) for one in measured))))
    drawings = (_drawings(own, one, scans[one.split][own]) for one in measured)
    write_figures(itertools.chain(*drawings), job.out / "figures")
    write_tables(job.out / "tables", {"metrics": reading.metrics})
    return reading


def reading_of(job: Job[DetectorRecipeT], seen: Scan) -> Reading:
    """Calibration and operating points, from validation alone, where hits and false marks were seen."""
    calibration = CALIBRATIONS[job.recipe.calibration](seen.labels, seen.scores)
    population = (
        f"marks on the validation images of {job.data}; of several on one calcification the first, none in regions to "
        "ignore"
    )
    points = choose_points(seen.rescored(calibration).images, job.recipe.operating_points, job.data)
    return Reading(calibration, population, points, ())


def _check_readable(seen: Scan, if_unreadable: str) -> None:
    if seen.labels.all() or not seen.labels.any():
        raise UsageError(
            expected="hits and false marks on the validation images, to calibrate scores by",
            found=f"{count(int(seen.labels.sum()), 'hit')} among {count(seen.labels.size, 'mark')}",
            do=if_unreadable,
        )


def _looked(job: Job[DetectorRecipeT], phases: Phases, name: str, table: Table, detector: Path | str) -> Report:
    """What a detector finds on a part; asked once."""
    folder, started = phases.steps.folder / "scans" / name, time.perf_counter()
    if phases.steps.has(name):
        return Report.from_json(folder / FINDINGS)

    def on_outcome(outcome: Outcome, done: int, _: int) -> None:
        seconds = outcome.seconds if isinstance(outcome, ImageFindings) else 0.0
        failed = outcome.reason if isinstance(outcome, Failure) else None
        phases.tell(name, done, Step(name=f"{name}, image {done} of {len(table)}", seconds=seconds, failed=failed))

    report = scan(
        table, str(detector), folder, make_executor=job.make_executor, resume=job.resume, on_outcome=on_outcome
    )
    phases.note(name, time.perf_counter() - started)
    return report


def _measured(job: Job[DetectorRecipeT], split: Split, scans: Mapping[str, Scan]) -> Measured:
    return Measured(
        {name: one.images for name, one in scans.items()},
        split,
        job.data,
        job.seed,
        remark=_CHOSEN_ON if split == "validation" else None,
        left_out=scans[job.recipe.name].left_out,
    )


def _metrics(own: str, measured: Measured, reading: Reading) -> Iterator[Metric]:
    yield from measured.metrics([(own, other) for other in measured.images if other != own])
    yield from measured.at(own, reading.marking.operating_points)


def _drawings(own: str, measured: Measured, seen: Scan) -> Iterator[Drawing]:
    """``froc-PART``, ``froc-PART-snr`` and ``reliability-PART``."""
    yield froc_drawing(f"froc-{measured.split}", "Side by side", measured.curves, measured)
    if measured.bands:
        bands = {f"SNR {band}": froc(images[own]) for band, images in measured.bands.items()}
        yield froc_drawing(f"froc-{measured.split}-snr", "By how well a calcification shows", bands, measured)
    yield reliability_drawing(seen.labels, seen.scores, measured)
