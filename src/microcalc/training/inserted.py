"""Normal images of a data set with synthetic lesions put into them, as images with exact truth of the same patients."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import numpy as np

from microcalc.batch import MakeExecutor
from microcalc.benchmark.detector_run import common_spacing
from microcalc.datasets import Record, Table
from microcalc.synthesis.generate import OnStudy, synthesize
from microcalc.synthesis.normals import InsertionPlan


def with_lesions(
    table: Table,
    out: Path,
    *,
    copies: int,
    seed: int,
    make_executor: MakeExecutor | None = None,
    resume: bool = False,
    on_study: OnStudy | None = None,
) -> Table:
    """The normal images, several times over with other lesions each time (:func:`~.synthesis.normals.draw_insertions`).

    Views of one breast get the same lesions; images that get none are left out, and so is a patient whose images are no
    plain CC or MLO views, or hold too many bright specks for normal ones.

    Args:
        table: images with their patients; those that are not known to be normal are passed over.
        out: for the images, which name no file and no patient of the table.
        copies: of each patient.
        seed: of the lesions.
        make_executor: makes the pool that draws them; None: they are drawn here.
        resume: take over what an earlier run into the same folder has drawn.
        on_study: told of each copy.

    Returns:
        Images with calcifications; their patients and split are those of the table. None where it holds no normal ones.

    Raises:
        WriteError: the folder cannot be written.
    """
    patients: defaultdict[str, list[Record]] = defaultdict(list)
    for record in table.filter(lambda truth: bool(truth.normal)):
        patients[str(record.truth.patient)].append(record)
    if not patients:
        return Table(())
    names = {f"normal-{number:04}": patient for number, patient in enumerate(sorted(patients), start=1)}
    plans = [
        _plan(f"{name}.{copy}", (copy - 1) * len(names) + number, seed, patients[patient])
        for copy in range(1, copies + 1)
        for number, (name, patient) in enumerate(names.items(), start=1)
    ]
    truth = synthesize(plans, out, make_executor=make_executor, resume=resume, on_study=on_study)
    return Table(
        Record(out / image.path, image.model_copy(update={"patient": names[str(image.patient)]}))
        for image in truth.images
        if image.calcifications
    )


def _plan(name: str, number: int, seed: int, records: list[Record]) -> InsertionPlan:
    (split,) = {record.truth.split for record in records}  # a patient stands on one side
    return InsertionPlan(
        patient=name,
        number=number,
        seed=int(np.random.SeedSequence([seed, number]).generate_state(1, np.uint64)[0]),
        paths=tuple(sorted(record.path for record in records)),
        split=split,
        spacing_mm=common_spacing(Table(records)),
    )
