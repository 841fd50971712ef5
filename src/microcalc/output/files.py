"""Where results are written: whole files or none, in folders named after the image."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from microcalc.errors import WriteError

#: Begins what stands for an image's path in pseudonymised findings: a hash of its content follows.
PSEUDONYM = "sha256-"
#: Characters of an image's path kept in its key: readable, and far below any file system's limit.
_KEY_CHARACTERS = 60


def image_key(path: str) -> str:
    """The name of an image's folder under ``pictures/``, from ``ImageFindings.path``.

    The path's last characters, made safe for every file system, and a hash of the whole path: two paths never share
    a key, not even where letter case or punctuation is all that differs.
    """
    readable = re.sub(r"[^A-Za-z0-9_]+", "-", path)[-_KEY_CHARACTERS:].strip("-")
    digest = hashlib.sha256(path.encode("utf-8", "surrogateescape")).hexdigest()[:10]
    return f"{readable}-{digest}".lstrip("-")


def is_own_picture(path: Path) -> bool:
    """Whether a file is a picture that a run has drawn: ``pictures/<image_key>/overlay.png`` or ``cluster-01.png``."""
    return (
        re.fullmatch(r"overlay\.png|cluster-\d+\.png", path.name) is not None
        and re.fullmatch(r".*-[0-9a-f]{10}|[0-9a-f]{10}", path.parent.name) is not None
        and path.parent.parent.name == "pictures"
    )


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A binary file to write ``path`` through: it appears under its name only once the block has ended well.

    Missing parent folders are made; a file already there is replaced.

    Raises:
        WriteError: the file cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            yield file
        temporary.replace(path)
    except OSError as error:
        raise _cannot_write(path, error) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def remove(path: Path) -> None:
    """Remove a file, if it is there.

    Raises:
        WriteError: it cannot be removed.
    """
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise _cannot_write(path, error) from error


def _cannot_write(path: Path, error: OSError) -> WriteError:
    return WriteError(
        expected="a file that can be written",
        found=error.strerror or str(error),
        do="check the folder, its permissions and the free disk space",
        where=path,
    )
