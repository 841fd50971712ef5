"""Every error the package raises on purpose says what was expected, what was found, where, and what to do."""

from __future__ import annotations

import os
from collections.abc import Collection


class MicrocalcError(Exception):
    """One clear line for a user: ``where: expected ..., found ...; do``.

    ``where`` (a path, or None) is kept apart from ``reason``, so that a pseudonymised report can state the reason
    without the path.
    """

    def __init__(self, *, expected: str, found: str, do: str, where: str | os.PathLike[str] | None = None) -> None:
        self.expected = expected
        self.found = found
        self.do = do
        self.where = None if where is None else os.fspath(where)
        super().__init__(str(self))

    @property
    def reason(self) -> str:
        """The error in one line, without the path it is about."""
        return " ".join(f"expected {self.expected}, found {self.found}; {self.do}".split())

    def __str__(self) -> str:
        return self.reason if self.where is None else f"{self.where}: {self.reason}"

    def __reduce__(self):  # type: ignore[no-untyped-def]  # keyword-only arguments do not survive the default pickling
        return _rebuild, (type(self), self.expected, self.found, self.do, self.where)


def _rebuild(kind: type[MicrocalcError], expected: str, found: str, do: str, where: str | None) -> MicrocalcError:
    return kind(expected=expected, found=found, do=do, where=where)


class ReadError(MicrocalcError):
    """A file that cannot be read as a mammogram."""


class NotAnImageError(ReadError):
    """A sound file that holds no image (a DICOM report, a presentation state): folders pass over it in silence."""


class WriteError(MicrocalcError):
    """A result that cannot be written."""


class UsageError(MicrocalcError):
    """Arguments that make no sense together or name nothing that exists."""


def check_known(name: str, asked: str, known: Collection[str]) -> None:
    """Make sure that an option is one of those there are.

    Raises:
        UsageError: names them all.
    """
    if asked not in known:
        raise UsageError(expected=f"a {name}: {', '.join(known)}", found=repr(asked), do="give one of them")
