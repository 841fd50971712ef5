"""Images with what is known about them, one type for every data set: filter, split, merge."""

from __future__ import annotations

import dataclasses
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import overload

from microcalc.datasets.record import Record
from microcalc.datasets.truth_folder import TruthOptions, check_complete, read
from microcalc.errors import MicrocalcError, UsageError
from microcalc.truth import ImageTruth, Split


class Table(Sequence[Record]):
    """An immutable sequence of records; every way to take or change some gives another table.

    Args:
        records: in the order they are to keep.

    Raises:
        MicrocalcError: an image listed twice, an image of a split without a patient, or a patient on two sides.
    """

    def __init__(self, records: Iterable[Record]) -> None:
        self._records = tuple(records)
        _check_unique("file", [str(record.path) for record in self._records])
        _check_unique("SOPInstanceUID", [r.truth.sop_instance_uid for r in self._records if r.truth.sop_instance_uid])
        _check_splits(self._records)

    @classmethod
    def from_truth(cls, path: Path) -> Table:
        """The images of a truth file, or of the ``truth.json`` in a folder.

        Raises:
            ReadError: the truth or an image is missing, or the truth is damaged.
            MicrocalcError: as the class says.
        """
        listing = read(path, TruthOptions(), None)
        check_complete(listing)
        return cls(listing.records)

    @overload
    def __getitem__(self, index: int) -> Record: ...
    @overload
    def __getitem__(self, index: slice) -> Table: ...
    def __getitem__(self, index: int | slice) -> Record | Table:
        return Table(self._records[index]) if isinstance(index, slice) else self._records[index]

    def __len__(self) -> int:
        return len(self._records)

    def __iter__(self) -> Iterator[Record]:
        return iter(self._records)

    def __repr__(self) -> str:
        return f"Table of {len(self)} images of {len(self.patients)} patients"

    @property
    def patients(self) -> tuple[str, ...]:
        """The distinct patients, in the order of their first images."""
        return tuple(dict.fromkeys(record.truth.patient for record in self if record.truth.patient is not None))

    def filter(self, keep: Callable[[ImageTruth], bool]) -> Table:
        """The records whose truth ``keep`` accepts."""
        return Table(record for record in self if keep(record.truth))

    def split(self, name: Split) -> Table:
        """The records on one side of the split.

        Raises:
            UsageError: there are none.
        """
        chosen = self.filter(lambda truth: truth.split == name)
        if not chosen:
            sides = sorted({record.truth.split for record in self if record.truth.split is not None})
            raise UsageError(
                expected=f"images of the split {name!r}",
                found=f"the splits {', '.join(sides)}" if sides else "no split in this data set",
                do="choose another, or write the split into the truth",
            )
        return chosen

    def merge(self, *others: Table) -> Table:
        """The records of this table and others; equal patient names count as one patient."""
        return Table(record for table in (self, *others) for record in table)

    def with_truth(self, change: Callable[[ImageTruth], ImageTruth]) -> Table:
        """The same images with another truth: renamed patients, another split, other lesions left out."""
        return Table(dataclasses.replace(record, truth=change(record.truth)) for record in self)


def _check_unique(what: str, names: Sequence[str]) -> None:
    twice = [name for name, times in Counter(names).items() if times > 1]
    if twice:
        raise MicrocalcError(
            expected=f"each image once, by its {what}",
            found=f"{len(twice)} listed more than once",
            do="remove the doubles from the truth",
            where=twice[0],
        )


def _check_splits(records: Sequence[Record]) -> None:
    sides: dict[str, set[str]] = defaultdict(set)
    for record in records:
        truth = record.truth
        if truth.split is None:
            continue
        if truth.patient is None:
            raise MicrocalcError(
                expected=f"the patient of every image of a split ({truth.split})",
                found="none",
                do="complete the truth: images of one patient must stay on one side",
                where=record.path,
            )
        sides[truth.patient].add(truth.split)
    torn = [patient for patient, on in sides.items() if len(on) > 1]
    if torn:
        raise MicrocalcError(
            expected="every patient on one side of the split",
            found=f"{len(torn)} on two or more, such as one in {' and '.join(sorted(sides[torn[0]]))}",
            do="split by patient; where data sets share names, rename the patients first",
            where=next(str(record.path) for record in records if record.truth.patient == torn[0]),
        )
