"""Where a package's files lie: a folder, or a zip that is read where it lies and never unpacked."""

from __future__ import annotations

import contextlib
import io
import stat
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from microcalc.errors import ReadError
from microcalc.models.card import CARD

#: All files of a package together: as much as one ONNX file can hold.
MAX_BYTES = 2**31
#: How many times its own size a zip may hold; trained weights hardly shrink, zip bombs do a thousandfold.
MAX_GROWTH = 50

_COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


@dataclass(frozen=True)
class Folder:
    """The files in a folder."""

    path: Path

    def sizes(self) -> dict[str, int]:
        """Name -> bytes of everything in the folder.

        Raises:
            ReadError: it cannot be read, holds a link, a folder or what else is no file, or is too large.
        """
        with _reading(self.path):
            found = {path.name: path.lstat() for path in sorted(self.path.iterdir())}
        for name, status in found.items():
            if not stat.S_ISREG(status.st_mode):
                what = "a link" if stat.S_ISLNK(status.st_mode) else "a folder or the like"
                raise refused(self.path, "files alone in the folder of a package", f"{what}, {name}")
        return _limited(self.path, {name: status.st_size for name, status in found.items()}, MAX_BYTES)

    def read(self, name: str) -> bytes:
        """The content of one file.

        Raises:
            ReadError: it cannot be read.
        """
        with _reading(self.path):
            return (self.path / name).read_bytes()


@dataclass(frozen=True)
class Zip:
    """The files in a zip, or those in the folder that was zipped."""

    path: Path
    #: Of a zip that lies within another package, which ``path`` then names as if that were a folder; None: at ``path``.
    content: bytes | None = field(default=None, repr=False)

    def sizes(self) -> dict[str, int]:
        """Name -> bytes, unpacked, of everything in the zip.

        Raises:
            ReadError: it cannot be read, has a name twice, is encrypted or packed in a rare way, or is too large.
        """
        with _reading(self.path), self._open() as archive:
            found = _entries(archive)
            own_size = self.path.stat().st_size if self.content is None else len(self.content)
        sizes = {name: info.file_size for name, info in found}
        if len(sizes) < len(found):
            raise refused(self.path, "a zip with every name once", "a name twice")
        if any(info.flag_bits & 1 or info.compress_type not in _COMPRESSIONS for _, info in found):
            raise refused(self.path, "a zip that is stored or deflated, and not encrypted", "another one")
        return _limited(self.path, sizes, min(MAX_BYTES, MAX_GROWTH * own_size))

    def read(self, name: str) -> bytes:
        """The content of one file, no more of it than :meth:`sizes` says.

        Raises:
            ReadError: it cannot be read.
        """
        with _reading(self.path), self._open() as archive:
            return archive.read(dict(_entries(archive))[name])

    def _open(self) -> zipfile.ZipFile:
        return zipfile.ZipFile(self.path if self.content is None else io.BytesIO(self.content))


Container = Folder | Zip


def refused(path: Path, expected: str, found: str) -> ReadError:
    """The error of a package that is not what it should be; its own names cannot write on the terminal."""
    shown = "".join(character if character.isprintable() else "?" for character in found)
    return ReadError(expected=expected, found=shown, do="fetch the package again, from where you trust it", where=path)


def _entries(archive: zipfile.ZipFile) -> list[tuple[str, zipfile.ZipInfo]]:
    """Names and entries of the files; where the card is in a folder, names are those in that folder."""
    files = [info for info in archive.infolist() if not info.is_dir()]
    cards = [info.filename for info in files if info.filename.split("/")[-1] == CARD]
    root = min(cards, key=len).removesuffix(CARD) if cards else ""
    return [(info.filename.removeprefix(root), info) for info in files]


def _limited(path: Path, sizes: dict[str, int], limit: int) -> dict[str, int]:
    total = sum(sizes.values())
    if total > limit:
        raise refused(path, f"a package of {limit / 2**20:.0f} MB at most, unpacked", f"{total / 2**20:.0f} MB")
    return sizes


@contextlib.contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, EOFError, KeyError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
        found = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise refused(path, "a model package: a folder with card.yaml, or a zip of one", found) from error
