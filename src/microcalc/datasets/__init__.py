"""Data sets by their SPEC: ``truth:/path``, ``bench:v1-small``; every one becomes the same :class:`Table`."""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from microcalc.batch import MakeExecutor
from microcalc.datasets.record import Facts, OtherFinding, Record
from microcalc.datasets.table import Table
from microcalc.errors import ReadError, UsageError

if TYPE_CHECKING:
    from microcalc.synthesis.generate import OnStudy

__all__ = ["KINDS", "Facts", "Kind", "OtherFinding", "Record", "Table", "cache_folder", "open_data"]


@dataclass(frozen=True)
class Kind:
    """One kind of data set: what stands after the colon, and how that is opened."""

    example: str
    open: Callable[[str, MakeExecutor | None, OnStudy | None], Table]


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
    return KINDS[kind].open(place, make_executor, on_study)


def cache_folder() -> Path:
    """Where data that can be made again are kept: ``MICROCALC_CACHE``, or ``~/.cache/microcalc``."""
    return Path(os.environ.get("MICROCALC_CACHE") or Path.home() / ".cache" / "microcalc")


def _open_truth(place: str, make_executor: MakeExecutor | None, on_study: OnStudy | None) -> Table:
    return Table.from_truth(Path(place).expanduser())


def _open_benchmark(name: str, make_executor: MakeExecutor | None, on_study: OnStudy | None) -> Table:
    from microcalc.synthesis.bench import load_benchmark, make_benchmark

    benchmark = load_benchmark(name)
    # Another recipe or another version is another folder: an old one is never taken for the new.
    folder = cache_folder() / "bench" / f"{name}-{benchmark.key}"
    damaged = folder.exists()  # asked first: folders appear whole
    if not benchmark.is_in(folder):
        make = functools.partial(make_benchmark, name, make_executor=make_executor, resume=True, on_study=on_study)
        with _built(folder, damaged) as own:
            try:
                make(own)
            except (ReadError, UsageError):  # what was begun is past going on with
                shutil.rmtree(own, ignore_errors=True)
                make(own)
    return Table.from_truth(folder)


@contextlib.contextmanager
def _built(folder: Path, damaged: bool) -> Iterator[Path]:
    """A folder of this process alone, which takes the name ``folder`` once the block has ended well.

    It begins with what is left of a damaged ``folder`` or of a block that was broken off: of several processes, one
    gets that. Of several that end well, the first gives the folder.
    """
    left = folder.with_name(f"{folder.name}.part")
    own = folder.with_name(f"{folder.name}.{uuid.uuid4().hex}.part")
    for begun in (folder, left) if damaged else (left,):
        with contextlib.suppress(OSError):  # there is none, or another process has it, or this one has the first
            begun.rename(own)
    try:
        yield own
    except BaseException:
        with contextlib.suppress(OSError):  # nothing was begun, or another process has left its own
            own.rename(left)
        raise
    with contextlib.suppress(OSError):  # another process was faster
        own.rename(folder)
    shutil.rmtree(own, ignore_errors=True)


#: By the word before the colon.
KINDS: dict[str, Kind] = {
    "truth": Kind("FOLDER", _open_truth),
    "bench": Kind("v1-small", _open_benchmark),
}
