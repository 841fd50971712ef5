"""Data with a truth of the package's own: ``truth.json`` and the images it names."""

from __future__ import annotations

from pathlib import Path

from microcalc.batch import MakeExecutor
from microcalc.datasets.listing import Listing, Options, Problem
from microcalc.datasets.record import Record
from microcalc.errors import ReadError
from microcalc.truth import Truth


class TruthOptions(Options):
    """None."""


def read(root: Path, options: TruthOptions, make_executor: MakeExecutor | None) -> Listing:
    """The images of a truth file, or of the ``truth.json`` in a folder; those that are not there are problems.

    Raises:
        ReadError: the truth is missing or damaged.
    """
    path = root / "truth.json" if root.is_dir() else root
    truth = Truth.from_json(path)
    folder = path.parent / truth.root
    records = [Record(folder / image.path, image) for image in truth.images]
    there = [record.path.exists() for record in records]
    return Listing(
        root=folder,
        records=tuple(record for record, found in zip(records, there, strict=True) if found),
        problems=tuple(
            Problem(
                kind="missing",
                path=record.truth.path,
                expected="an image that the truth names",
                found="no such file",
                do="complete the folder, or remove it from the truth",
            )
            for record, found in zip(records, there, strict=True)
            if not found
        ),
    )


def check_complete(listing: Listing) -> None:
    """Raise ReadError where images are missing that their own truth names."""
    if listing.problems:
        raise ReadError(
            expected=f"{len(listing.records) + len(listing.problems)} images beside their truth",
            found=f"{len(listing.problems)} missing",
            do="complete the folder, or remove them from the truth",
            where=listing.root / listing.problems[0].path,
        )
