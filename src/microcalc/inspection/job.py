"""The job behind ``microcalc data check``: a data set in, a page of what is wrong with it out."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import microcalc
from microcalc.batch import MakeExecutor, work
from microcalc.datasets import Listing, list_data
from microcalc.findings import RunInfo
from microcalc.inspection.across import faults_across, mirrored
from microcalc.inspection.counts import count_all
from microcalc.inspection.image import Task, died, look
from microcalc.inspection.page import write_page
from microcalc.inspection.records import InspectedImage, Inspection
from microcalc.journal import Journal
from microcalc.output import replacing
from microcalc.provenance import write_run_record

if TYPE_CHECKING:
    from microcalc.synthesis.generate import OnStudy

OnImage = Callable[[InspectedImage, int, int], None]


def inspect_data(
    data: str,
    out: Path,
    *,
    quick: bool = False,
    make_executor: MakeExecutor | None = None,
    resume: bool = False,
    on_image: OnImage | None = None,
    on_study: OnStudy | None = None,
) -> Inspection:
    """Look at every image of a data set, and write ``inspection.json``, ``inspection.html`` and ``run.json``.

    One image at a time is in the memory of each process. After an interruption ``resume`` goes on where it was.

    Args:
        data: SPEC of :func:`~microcalc.datasets.open_data`.
        out: folder, made where missing.
        quick: read headers only: no pixel is decoded, and copies, inverted images, wrong sides and what lies off the
            breast are not found.
        make_executor: makes the pool that works on the images; None: the work is done here.
        resume: take over the images that an earlier run into the same folder has looked at.
        on_image: called after each image with what was found, the number done and the number of all.
        on_study: for a benchmark that has to be made, told of each study.

    Raises:
        UsageError: the SPEC makes no sense, or the earlier run was of another data set, truth or depth.
        ReadError: the place is no such data set.
        WriteError: the folder cannot be written.
    """
    started, clock = datetime.now(UTC), time.perf_counter()
    listing = list_data(data, make_executor=make_executor, on_study=on_study)
    settings = {
        "package": {"version": microcalc.__version__},
        "data": {"spec": data, "truth_sha256": _truth_sha256(listing)},
        "options": {"quick": quick},
    }
    journal = Journal(out / "inspection.partial.jsonl", settings, InspectedImage, _results, resume=resume)
    seen = {image.path: image for image in journal.finished}
    todo = [Task(record, quick) for record in listing.records if record.truth.path not in seen]
    for task, image in work(todo, look, died, make_executor if len(todo) > 1 else None):
        seen[task.record.truth.path] = image
        journal.add(image)
        if on_image:
            on_image(image, len(seen), len(listing.records))
    images = tuple(seen[record.truth.path] for record in listing.records)
    inspection = Inspection(
        data=data,
        root=str(listing.root),
        quick=quick,
        run=RunInfo(
            microcalc=microcalc.__version__,
            device="cpu",
            started=started.isoformat(timespec="seconds"),
            seconds=round(time.perf_counter() - clock, 3),
        ),
        counts=count_all(listing.records, images),
        problems=listing.problems + mirrored(images),
        faults=tuple(fault for image in images for fault in image.faults)
        + tuple(faults_across(listing.records, images)),
        images=images,
    )
    with replacing(out / "inspection.json") as file:
        file.write(inspection.to_json().encode())
    write_page(inspection, listing.records, out / "inspection.html", make_executor)
    facts = {"seed": None, "run": inspection.run.model_dump(), "faults": len(inspection.faults)}
    write_run_record(out / "run.json", settings, facts)
    journal.remove()
    return inspection


def _truth_sha256(listing: Listing) -> str:
    """Of all that is known about the images, so that a changed truth is another data set."""
    digest = hashlib.sha256()
    for record in listing.records:
        digest.update(record.truth.model_dump_json().encode())
        digest.update(record.facts.model_dump_json().encode())
    return digest.hexdigest()


def _results(folder: Path) -> Sequence[InspectedImage] | None:
    """The images that a complete run into the folder has looked at."""
    path = folder / "inspection.json"
    return Inspection.from_json(path).images if path.exists() else None
