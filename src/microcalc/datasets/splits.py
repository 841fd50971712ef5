"""Splits by patient: made, written, read, and mended where official parts share patients."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import get_args

import numpy as np

from microcalc.datasets.listing import Problem
from microcalc.datasets.record import Record
from microcalc.datasets.rows import read_rows
from microcalc.datasets.table import Table
from microcalc.errors import ReadError, UsageError
from microcalc.output import replacing
from microcalc.truth import Split

_COLUMNS = ("path", "patient", "split")


def split_by_patient(
    records: Sequence[Record],
    shares: Mapping[Split, float],
    seed: int,
    *,
    stratify: Callable[[Sequence[Record]], str] | None = None,
) -> Table:
    """The same images, their patients shared out at random.

    Patients are put in random order, stratum by stratum, and each in turn goes to the side that lags most behind its
    share. So every side has its share of all patients to within one or two, and of those of each stratum.

    Args:
        records: images with their patients; a split that they have, be it one that tears patients, is replaced.
        shares: of the patients, by side; positive, 1 together.
        seed: another one gives another split; the same one the same split of the same patients in any order.
        stratify: names the stratum of a patient with these images (all of one patient's).

    Raises:
        UsageError: shares that make no sense, fewer patients than sides, or an image without a patient.
        MicrocalcError: an image listed twice.
    """
    if not shares or not all(share > 0 for share in shares.values()) or abs(sum(shares.values()) - 1) > 1e-9:
        raise UsageError(
            expected="positive shares that are 1 together",
            found=", ".join(f"{side} {share:g}" for side, share in shares.items()) or "none",
            do="give the share of each side, such as train 0.8 and test 0.2",
        )
    images = _by_patient(records)
    if len(images) < len(shares):
        raise UsageError(
            expected=f"at least {len(shares)} patients, one a side",
            found=f"{len(images)}",
            do="name fewer sides, or add patients",
        )
    rng = np.random.default_rng(seed)
    patients = sorted(images)
    strata = {patient: stratify(images[patient]) if stratify else "" for patient in patients}
    shuffled = (patients[index] for index in rng.permutation(len(patients)))
    side_of: dict[str, Split] = {}
    lag = dict.fromkeys(shares, 0.0)
    for patient in sorted(shuffled, key=lambda patient: strata[patient]):
        lag = {side: lag[side] + share for side, share in shares.items()}
        side_of[patient] = max(lag, key=lambda side: lag[side])
        lag[side_of[patient]] -= 1
    return Table(_on_side(record, side_of[str(record.truth.patient)]) for record in records)


def by_finding(records: Sequence[Record]) -> str:
    """A stratum by the worst that is known of a patient: malignant, benign, calcified, other finding, nothing."""
    findings = [finding for record in records for finding in record.findings]
    pathologies = {finding.pathology for finding in findings} | {record.facts.pathology for record in records}
    for pathology in ("malignant", "benign"):
        if pathology in pathologies:
            return pathology
    if any(record.truth.calcifications or record.truth.clusters for record in records):
        return "calcified"
    return "other finding" if findings else "nothing"


def write_split(table: Table, path: Path) -> None:
    """Write the split of a table as CSV with the columns path, patient and split, an image a line.

    Raises:
        WriteError: the file cannot be written.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    writer.writerows((r.truth.path, r.truth.patient or "", r.truth.split or "") for r in table)
    with replacing(path) as file:
        file.write(text.getvalue().encode())


def read_split(table: Table, path: Path) -> Table:
    """The table with the split of a file such as :func:`write_split` writes; lines about other images are passed over.

    Raises:
        ReadError: the file is missing or damaged, lacks an image of the table, or gives it another patient.
        MicrocalcError: it tears a patient apart.
    """
    rows = {row["path"]: row for row in read_rows(path, _COLUMNS)}
    lacking = [record.truth.path for record in table if record.truth.path not in rows]
    if lacking:
        raise ReadError(
            expected="a line for each image of the data set",
            found=f"none for {len(lacking)} of {len(table)}, such as {lacking[0]}",
            do="use the split of this data set, or make a new one",
            where=path,
        )
    for record in table:
        row = rows[record.truth.path]
        if row["split"] not in ("", *get_args(Split)) or row["patient"] != (record.truth.patient or ""):
            raise ReadError(
                expected=f"the data set's own patient, and a split out of {', '.join(get_args(Split))}",
                found=f"others for {record.truth.path}",
                do="use the split of this data set, or make a new one",
                where=path,
            )
    return table.with_truth(lambda truth: truth.model_copy(update={"split": rows[truth.path]["split"] or None}))


def without_leaks(records: Sequence[Record], side: Split = "test") -> tuple[tuple[Record, ...], tuple[Problem, ...]]:
    """The records with every patient who stands on two sides wholly on ``side``, and a note that says how many do.

    Official parts of a data set, each sound by itself, may share patients once they are merged.
    """
    sides: defaultdict[str | None, set[Split | None]] = defaultdict(set)
    for record in records:
        sides[record.truth.patient].add(record.truth.split)
    torn = {patient for patient, on in sides.items() if patient is not None and len(on) > 1}
    if not torn:
        return tuple(records), ()
    moved = [record.truth.patient in torn and record.truth.split != side for record in records]
    problem = Problem(
        kind="contradiction",
        path=".",
        expected="every patient on one side of the official split",
        found=f"{len(torn)} on two",
        do=f"nothing: their {sum(moved)} images of another side were moved to {side}",
    )
    kept = (_on_side(record, side) if move else record for record, move in zip(records, moved, strict=True))
    return tuple(kept), (problem,)


def _on_side(record: Record, side: Split) -> Record:
    return replace(record, truth=record.truth.model_copy(update={"split": side}))


def _by_patient(records: Sequence[Record]) -> dict[str, list[Record]]:
    images: defaultdict[str, list[Record]] = defaultdict(list)
    for record in records:
        if record.truth.patient is None:
            raise UsageError(
                expected="the patient of every image, to split by patient",
                found="none",
                do="complete the truth, or leave the image out",
                where=record.path,
            )
        images[record.truth.patient].append(record)
    return images
