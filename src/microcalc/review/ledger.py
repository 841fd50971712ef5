"""Decisions on patches, each on the disk before the reviewer goes on: a CSV file that only grows."""

from __future__ import annotations

import contextlib
import csv
import errno
import io
import os
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Literal, Self

from microcalc.errors import UsageError, WriteError
from microcalc.patches.decisions import COLUMNS, read_decisions
from microcalc.patches.patch import Patch

if sys.platform == "win32":
    import msvcrt

    def _lock(file: BinaryIO) -> None:
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(file: BinaryIO) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


#: What a reviewer says of a patch; "undecided" takes an earlier decision back.
Choice = Literal["keep", "drop", "unsure", "undecided"]

_HEADER = ",".join(COLUMNS).encode() + b"\n"


class Ledger:
    """The file of decisions, open to be added to by this process alone; a context manager.

    What a crash left half written at its end is cut off; all before stays as it is.

    Args:
        path: of the file, made where missing.

    Raises:
        UsageError: another process has it open.
        ReadError: it is no file of decisions.
        WriteError: it cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        with contextlib.ExitStack() as opened, self._writing():
            path.parent.mkdir(parents=True, exist_ok=True)
            # A file of its own: a lock on the decisions themselves would keep others on Windows from reading them.
            lock = opened.enter_context(path.with_name(f".{path.name}.lock").open("ab"))
            self._take(lock)
            # Unbuffered: what could not be written must not come out later.
            self._file = opened.enter_context(path.open("ab", buffering=0))
            content = path.read_bytes()
            #: What had been decided, by the keys of patches.
            self.decided = {} if _HEADER.startswith(content) else read_decisions(path)
            self._end = content.rfind(b"\n") + 1
            self._file.truncate(self._end)
            if not self._end:
                self._append(COLUMNS)
                _sync_folder(path.parent)
            self._opened = opened.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._opened.close()

    def add(self, patch: Patch, choice: Choice) -> None:
        """Add a line; once this returns, it is on the disk.

        Raises:
            WriteError: it could not be written; the file is as it was.
        """
        at = datetime.now(UTC).isoformat(timespec="seconds")
        self._append([patch.image, patch.x0, patch.y0, patch.size_px, patch.label, choice, at])

    def _append(self, row: Sequence[object]) -> None:
        line = io.StringIO()
        csv.writer(line, lineterminator="\n").writerow(row)
        content = line.getvalue().encode()
        with self._writing():
            try:
                if self._file.write(content) != len(content):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                os.fsync(self._file.fileno())
            except OSError:
                with contextlib.suppress(OSError):
                    self._file.truncate(self._end)
                raise
        self._end += len(content)

    def _take(self, lock: BinaryIO) -> None:
        try:
            _lock(lock)
        except (BlockingIOError, PermissionError) as error:
            raise UsageError(
                expected="one review in this folder at a time",
                found="another one that is still running",
                do="go on in its page, or end it with Ctrl-C",
                where=self._path.parent,
            ) from error

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise WriteError(
                expected="a file of decisions that can be written",
                found=error.strerror or str(error),
                do="check the folder, its permissions and the free disk space",
                where=self._path,
            ) from error


def _sync_folder(folder: Path) -> None:
    """Put the name of a new file on the disk too, where the system can."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
