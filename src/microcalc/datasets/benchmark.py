"""The folder of a public benchmark: found in the cache, or made there."""

from __future__ import annotations

import contextlib
import functools
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from microcalc.batch import MakeExecutor
from microcalc.datasets.cache import cache_folder
from microcalc.errors import ReadError, UsageError

if TYPE_CHECKING:
    from microcalc.synthesis.generate import OnStudy


def benchmark_folder(name: str, make_executor: MakeExecutor | None, on_study: OnStudy | None) -> Path:
    """The folder of the benchmark of that name; its studies are drawn where they are not in the cache.

    Raises:
        UsageError: there is no such benchmark.
        MicrocalcError: it cannot be written, or this machine's truth is not that of the benchmark.
    """
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
    return folder


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
