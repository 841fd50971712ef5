"""Data sets by their SPEC: ``truth:/path``, ``bench:v1-small``; every one becomes the same :class:`Table`."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from microcalc.batch import MakeExecutor
from microcalc.datasets.table import Record, Table
from microcalc.errors import UsageError

if TYPE_CHECKING:
    from microcalc.synthesis.generate import OnStudy

__all__ = ["KINDS", "Kind", "Making", "Record", "Table", "cache_folder", "open_data"]


@dataclass(frozen=True)
class Making:
    """How a data set is made that is not there yet."""

    #: Makes the pool that draws the studies; None: one after the other, here.
    make_executor: MakeExecutor | None = None
    #: Called after each study with its outcome, the number done and the number of all.
    on_study: OnStudy | None = None


@dataclass(frozen=True)
class Kind:
    """One kind of data set: what stands after the colon, and how that is opened."""

    example: str
    open: Callable[[str, Making], Table]


def open_data(
    spec: str,
    *,
    make_executor: MakeExecutor | None = None,
    on_study: OnStudy | None = None,
) -> Table:
    """The data set that a SPEC names.

    Args:
        spec: ``KIND:PLACE``, the kind out of ``KINDS``. ``truth:/path`` is a truth file, or a folder with a
            ``truth.json``; ``bench:v1-small`` a benchmark, which is found in, or made into, ``cache_folder()``.
        make_executor: for a benchmark that has to be made, the pool that draws its studies.
        on_study: for a benchmark that has to be made, told of each study.

    Raises:
        UsageError: no such kind of data, or no such benchmark.
        ReadError: files are missing or damaged.
        MicrocalcError: the truth contradicts itself, or is not that of the benchmark.
    """
    kind, colon, place = spec.partition(":")
    if kind not in KINDS or not place:
        raise UsageError(
            expected=f"data as {', '.join(f'{name}:{known.example}' for name, known in KINDS.items())}",
            found=repr(spec),
            do="name the kind of data first" if not colon else "choose one of these kinds",
        )
    return KINDS[kind].open(place, Making(make_executor, on_study))


def cache_folder() -> Path:
    """Where data that can be made again are kept: ``MICROCALC_CACHE``, or ``~/.cache/microcalc``."""
    return Path(os.environ.get("MICROCALC_CACHE") or Path.home() / ".cache" / "microcalc")


def _open_truth(place: str, making: Making) -> Table:
    return Table.from_truth(Path(place).expanduser())


def _open_benchmark(name: str, making: Making) -> Table:
    from microcalc.synthesis.bench import load_benchmark, make_benchmark

    benchmark = load_benchmark(name)
    # Another recipe or another version is another folder: an old one is never taken for the new.
    folder = cache_folder() / "bench" / f"{name}-{benchmark.key}"
    if not benchmark.is_in(folder):
        make_benchmark(name, folder, make_executor=making.make_executor, resume=True, on_study=making.on_study)
    return Table.from_truth(folder)


#: By the word before the colon.
KINDS: dict[str, Kind] = {
    "truth": Kind("FOLDER", _open_truth),
    "bench": Kind("v1-small", _open_benchmark),
}
