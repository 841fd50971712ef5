"""The job behind ``microcalc models calibrate``: a package and a user's own images in, a package out."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from microcalc.batch import MakeExecutor
from microcalc.datasets import Record, Table, open_data
from microcalc.datasets.spec import named
from microcalc.detection import OnOutcome
from microcalc.errors import UsageError
from microcalc.findings import Failure, Report
from microcalc.models import Package, load_package, write_package
from microcalc.output.words import count
from microcalc.provenance import write_run_record
from microcalc.recalibration.card import Ground, reanchored
from microcalc.recalibration.rates import Marks, check_enough
from microcalc.training.scan import by_path, scan

#: Marks per image, by operating point.
WISHES: Mapping[str, float] = {"sensitive": 5.0, "balanced": 1.0, "specific": 0.2}


@dataclass(frozen=True)
class Recalibrated:
    """What came of it."""

    package: Package
    #: Images that could not be read.
    failed: tuple[Failure, ...]


def recalibrate(
    package: str,
    data: str,
    out: Path,
    wishes: Mapping[str, float] = WISHES,
    *,
    seed: int = 0,
    make_executor: MakeExecutor | None = None,
    resume: bool = False,
    on_outcome: OnOutcome | None = None,
) -> Recalibrated:
    """Anchor the thresholds of a package to rates of marks per image, in a new package.

    Images that the data set lists calcium on are left out. Where all others are known to be normal, the rates are of
    false marks; else of marks, and the card says so.

    Args:
        package: name, folder or zip; it is not changed.
        data: SPEC of :func:`~microcalc.datasets.open_data`.
        out: made where missing. Gets ``package/``, ``detection/`` with the findings and ``run.json``.
        wishes: operating point -> marks per image; these replace the points that the package has.
        seed: of the resamples of patients.
        make_executor: makes the pool that works on the images; None: the work is done here.
        resume: take over what an earlier run into the same folder has found.
        on_outcome: told of each image.

    Raises:
        UsageError: a package that makes no detector or lies where the new one goes, a name that no operating point can
            have, too few images or patients for a rate (:mod:`microcalc.recalibration.rates`), or a rate that no
            threshold gives.
        ReadError: the package or the data cannot be read.
        WriteError: the folder cannot be written.
    """
    started = time.perf_counter()
    source = load_package(package)
    source.keep_from(out / "package")
    _check_points(source)
    table = open_data(data, make_executor=make_executor)
    used = table.filter(lambda truth: not (truth.calcifications or truth.clusters))
    check_enough(len(used), _owners(used), wishes)
    report = scan(used, package, out / "detection", make_executor=make_executor, resume=resume, on_outcome=on_outcome)
    done, marks = _marks(used, report)
    check_enough(len(done), marks.owners, wishes)
    rates = {name: marks.anchor(rate, seed=seed) for name, rate in wishes.items()}
    ground = _ground(named(data), done, len(table) - len(used), len(report.failed))
    card = reanchored(source.card, rates, ground)
    made = write_package(out / "package", card, {name: source.read(name) for name in source.card.files})
    write_run_record(
        out / "run.json",
        {"package": source.sha256, "data": named(data), "marks_per_image": dict(wishes)},
        {
            "seed": seed,
            "package_sha256": made.sha256,
            "failed": len(report.failed),
            "seconds": round(time.perf_counter() - started, 1),
        },
    )
    return Recalibrated(made, report.failed)


def _check_points(source: Package) -> None:
    """Raise UsageError for a classifier of patches, whose points are thresholds for those: its detector has others."""
    if source.card.kind == "patch-classifier":
        raise UsageError(
            expected="a package whose operating points are those of a detector",
            found=f"{source.card.name} of the kind patch-classifier",
            do="make a patch map of it (microcalc train RECIPE --classifiers PACKAGE), and calibrate that",
            where=source.path,
        )


def _marks(table: Table, report: Report) -> tuple[Table, Marks]:
    """The images that could be done, and their marks."""
    found = by_path(report)
    done = Table(record for record in table if record.path.resolve() in found)
    marks = (found[record.path.resolve()].calcifications for record in done)
    scores = tuple(np.array([mark.score for mark in of_image], np.float64) for of_image in marks)
    return done, Marks(tuple(record.truth.path for record in done), _owners(done), scores)


def _owners(table: Table) -> tuple[str, ...]:
    """Whose each image is; where the data set does not say, each is another one's."""
    return tuple(_owner(record) for record in table)


def _owner(record: Record) -> str:
    patient = record.truth.patient
    return f"image {record.path}" if patient is None else f"patient {patient}"


def _ground(data: str, done: Table, calcified: int, failed: int) -> Ground:
    known = Counter(bool(record.truth.normal) for record in done)
    patients = {record.truth.patient for record in done}
    left_out = (
        f"{count(calcified, 'image')} with known calcium left out" if calcified else None,
        f"{count(failed, 'image')} could not be read" if failed else None,
        f"{known[True]} of them known to be normal" if known[True] and known[False] else None,
    )
    return Ground(
        data,
        len(done),
        None if None in patients else len(patients),
        normal=not known[False],
        left_out=tuple(filter(None, left_out)),
    )
