"""OMI-DB (OPTIMAM): screening mammograms with their history, through the official library ``omidb``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pydantic import Field

from microcalc.batch import MakeExecutor, work
from microcalc.datasets.folders import check_root, missing_files
from microcalc.datasets.listing import Listing, Options, Problem
from microcalc.datasets.omi_db_client import Processing, Task, died, library, read_client
from microcalc.datasets.omi_db_marks import Filters
from microcalc.datasets.splits import split_by_patient
from microcalc.truth import Split

_CLIENTS = ("demd", "optm")


class OmiDbOptions(Options):
    """How OMI-DB is read."""

    data: str = Field(default="data", description="Folder of the JSON files, below the root.")
    images: str = Field(default="images", description="Folder of the pictures, below the root.")
    processing: Processing = Field(
        default="presentation", description="Which pictures: those meant for a reader, raw ones, or both."
    )
    suspicious_alone: bool = Field(default=True, description="Boxes of suspicious calcifications and nothing else.")
    linked: bool = Field(default=True, description="Boxes whose lesions all have histology.")
    proven: bool = Field(default=True, description="Histology that is malignant or benign.")
    valid_boxes: bool = Field(default=True, description="Boxes that lie within the picture.")
    benign_kinds: bool = Field(default=False, description="Calcium of a benign kind is a cluster, not to be ignored.")
    validation_share: float = Field(default=0.2, ge=0.0, lt=1.0, description="Share of the clients; 0: no split.")
    seed: int = Field(default=0, ge=0, description="Of the split.")

    @property
    def filters(self) -> Filters:
        """Which marks are targets."""
        return Filters(self.suspicious_alone, self.linked, self.proven, self.valid_boxes, self.benign_kinds)


def read(root: Path, options: OmiDbOptions, make_executor: MakeExecutor | None) -> Listing:
    """List the pictures client by client; of pictures, headers alone are read.

    Raises:
        ReadError: not OMI-DB, no picture at all, or the package omidb is not installed.
    """
    library(root)
    check_root(
        root,
        "OMI-DB",
        f"{options.data}/<client> and {options.images}/<client>",
        lambda folder: _is_root(folder, options),
    )
    clients = sorted(path.name for path in (root / options.data).iterdir() if path.name.startswith(_CLIENTS))
    data, images, filters = root / options.data, root / options.images, options.filters
    tasks = [Task(root, data / name, images / name, options.processing, filters) for name in clients]
    found = dict(work(tasks, read_client, died, make_executor))
    parts = [found[task] for task in tasks]
    records = [record for part in parts for record in part.records]
    missing = [path for part in parts for path in part.missing]
    problems = [problem for part in parts for problem in part.problems]
    problems += missing_files(missing, sum(part.named for part in parts), root)
    problems += _passed_over(sum(part.passed_over for part in parts), options)
    if options.validation_share and len({record.truth.patient for record in records}) > 1:
        shares: dict[Split, float] = {"train": 1 - options.validation_share, "validation": options.validation_share}
        records = list(split_by_patient(records, shares, options.seed))
    return Listing(root, tuple(records), tuple(problems))


def _passed_over(number: int, options: OmiDbOptions) -> Iterator[Problem]:
    if number:
        yield Problem(
            kind="left out",
            path=options.images,
            expected=f"pictures for {options.processing}",
            found=f"{number} others",
            do="nothing, or read them too with processing=both",
        )


def _is_root(folder: Path, options: OmiDbOptions) -> bool:
    data = folder / options.data
    return (
        data.is_dir()
        and (folder / options.images).is_dir()
        and any(path.name.startswith(_CLIENTS) for path in data.iterdir())
    )
