"""What a reader finds in the folder of a data set: images with their truth, and what is wrong with the rest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import Field

from microcalc import findings
from microcalc.batch import MakeExecutor
from microcalc.datasets.record import Record
from microcalc.output.words import count

#: missing: a file that the data set names; unreadable: one that is damaged; contradiction: sources disagree, or what
#: one says makes no sense; left out: what is not used, on purpose; note: something to know, and nothing wrong.
Trouble = Literal["missing", "unreadable", "contradiction", "left out", "note"]


#: What is found where a process ended that read a file: the file may be damaged, or the memory was full at that moment.
ENDED = "one that ended the process that read it"


class Problem(findings.Record):
    """Something about one file of a data set that a user should know."""

    kind: Trouble
    path: str = Field(description="POSIX, below the root of the data set; . for the set as a whole.")
    expected: str
    found: str
    do: str

    def __str__(self) -> str:
        return f"{self.path}: {self.kind}: expected {self.expected}, found {self.found}; {self.do}"


class Options(findings.Record):
    """Of one kind of data set, as written behind the question mark of its SPEC; every kind has its own."""


OptionsT = TypeVar("OptionsT", bound=Options)


@dataclass(frozen=True)
class Listing:
    """All that a reader found. Patients may stand on two sides here; a :class:`Table` refuses them."""

    root: Path
    records: tuple[Record, ...]
    problems: tuple[Problem, ...] = ()

    @property
    def lasting(self) -> bool:
        """Whether the same files make the same listing: no process ended that read them."""
        return all(problem.found != ENDED for problem in self.problems)

    @property
    def lacking(self) -> str | None:
        """In a sentence, what is missing or unreadable: on half a download, numbers are those of that half."""
        lacking = [problem for problem in self.problems if problem.kind in ("missing", "unreadable")]
        if not lacking:
            return None
        return (
            f"The data set is not whole: {count(len(lacking), 'remark')} about missing or unreadable files, such as "
            f"{lacking[0]}. All of them: microcalc data check."
        )


#: Reads the folder (or file) of one kind of data set. One bad file is a problem in the listing; a folder that is no
#: such data set at all, or that lacks what nothing can be read without, is a ReadError.
Reader = Callable[[Path, OptionsT, MakeExecutor | None], Listing]
