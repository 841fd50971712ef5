"""Model packages: ``card.yaml`` and the files that it lists, and nothing else, in a folder or a zip.

Loading runs no code of the package: arrays are safetensors, and networks are ONNX. Nothing is unpickled.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from numpy.typing import NDArray
from pydantic import ValidationError

from microcalc.errors import ReadError, UsageError
from microcalc.models import PACKAGES, shipped
from microcalc.models.card import CARD, Card
from microcalc.models.container import Container, Folder, Zip, refused
from microcalc.output import remove, replacing
from microcalc.recipe.yaml_text import first_wrong

_FOLDER = Path(__file__).parents[1] / "packages"
_MAX_CARD_BYTES = 2**20


@dataclass(frozen=True)
class Package:
    """A package whose card has been read and whose files have been found to be those of the card."""

    card: Card
    container: Container
    #: Of ``card.yaml``, which holds those of all other files: it stands for the whole package.
    sha256: str

    @property
    def path(self) -> Path:
        """Of the folder or zip."""
        return self.container.path

    def read(self, name: str) -> bytes:
        """The content of a file, checked against the card once more.

        Raises:
            UsageError: the card lists no such file.
            ReadError: the file cannot be read, or is not the one that the card lists.
        """
        if name not in self.card.files:
            raise UsageError(
                expected=f"a file of the package {self.card.name}: {', '.join(self.card.files)}",
                found=repr(name),
                do="choose one of them",
            )
        content = self.container.read(name)
        found, listed = hashlib.sha256(content).hexdigest(), self.card.files[name]
        if found != listed:
            raise refused(
                self.path, f"{name} as its card lists it, SHA-256 {listed[:12]}...", f"SHA-256 {found[:12]}..."
            )
        return content

    def inner(self, name: str) -> Package:
        """The package that lies as a zip in this one, checked as any other; its path is that of a file in a folder.

        Raises:
            UsageError: the card lists no such file.
            ReadError: something about it is not as it should be.
        """
        return _opened(Zip(self.path / name, self.read(name)))

    def zipped(self) -> bytes:
        """The package as a zip, the same each time, such as one to lie in another package."""
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as archive:
            for name in (CARD, *self.card.files):
                archive.writestr(zipfile.ZipInfo(name), self.container.read(name))
        return content.getvalue()

    def keep_from(self, *folders: Path) -> None:
        """Make sure that a run which leaves this package as it is writes into other folders.

        Raises:
            UsageError: the package lies in one of them.
        """
        for folder in folders:
            if self.path.resolve() == folder.resolve():
                raise UsageError(
                    expected="another folder for the new package",
                    found="that of the old one, which is to stay as it is",
                    do="choose another --out",
                    where=folder,
                )

    def arrays(self, name: str) -> dict[str, NDArray[Any]]:
        """The arrays of a safetensors file, read-only, by their names.

        Raises:
            UsageError: the card lists no such file.
            ReadError: it is damaged, or no safetensors.
        """
        from safetensors import SafetensorError
        from safetensors.numpy import load

        try:
            return load(self.read(name))
        except (SafetensorError, KeyError) as error:  # KeyError: of a type that numpy does not have
            raise refused(self.path, f"arrays as safetensors in {name}", str(error)) from error


def load_package(name_or_path: str | PathLike[str]) -> Package:
    """The package of that name, or the first of that kind, that comes with microcalc; or in that folder or zip.

    A text that is a name or a kind stands for it.

    Everything is checked before anything is used: the card, that the files which it lists are there and no others, and
    the SHA-256 of each.

    Raises:
        UsageError: there is neither.
        ReadError: something about the package is not as it should be.
    """
    ours = shipped(name_or_path) if isinstance(name_or_path, str) else None
    path = _FOLDER / ours if ours else Path(name_or_path).expanduser()
    if not path.exists():
        names = f"a package out of {', '.join(PACKAGES)}, or" if PACKAGES else "a package:"
        raise UsageError(
            expected=f"{names} a folder with {CARD}, or a zip of one", found=repr(str(name_or_path)), do="check it"
        )
    return _opened(Folder(path) if path.is_dir() else Zip(path))


def _opened(container: Container) -> Package:
    """The package in a folder or a zip, once everything about it has been checked."""
    path, sizes = container.path, container.sizes()
    if CARD not in sizes:
        raise refused(path, f"{CARD} in a model package", ", ".join(sorted(sizes)) or "nothing")
    if sizes[CARD] > _MAX_CARD_BYTES:
        raise refused(path, f"a {CARD} of {_MAX_CARD_BYTES} bytes at most", f"{sizes[CARD]} bytes")
    content = container.read(CARD)
    card = Card.from_yaml(content, path / CARD)
    _check_names(card, sizes.keys() - {CARD}, path)
    package = Package(card, container, hashlib.sha256(content).hexdigest())
    for name in card.files:
        package.read(name)
    return package


def write_package(folder: Path, card: Card, files: Mapping[str, bytes | Path]) -> Package:
    """Write a package and load it, so that what cannot be loaded is never taken for written.

    Args:
        folder: made where missing; a package of the same files that is there already is replaced.
        card: without the list of files, which is made here.
        files: name -> content, or the file to copy.

    Raises:
        UsageError: no files, a name or type of file that a package cannot hold, or a folder that holds anything else.
        ReadError: a file to copy cannot be read.
        WriteError: the folder cannot be written.
    """
    if not files:
        raise UsageError(expected="files of a package", found="none", do="give at least its weights", where=folder)
    contents = {name: _content(source) for name, source in sorted(files.items())}
    card = _listing(card, contents)
    strange = sorted({path.name for path in folder.glob("*")} - {CARD, *contents})
    if strange:
        raise UsageError(
            expected="a new or an empty folder for a package",
            found=", ".join(strange),
            do="choose another folder, or remove them",
            where=folder,
        )
    remove(folder / CARD)  # a package that is half old and half new has no card
    for name, content in contents.items():
        with replacing(folder / name) as file:
            file.write(content)
    with replacing(folder / CARD) as file:
        file.write(card.to_yaml().encode())
    return load_package(Path(folder))


def _check_names(card: Card, found: set[str], path: Path) -> None:
    missing, strange = sorted(card.files.keys() - found), sorted(found - card.files.keys())
    wrong = [f"{name} is missing" for name in missing] + [f"{name} is not listed" for name in strange]
    if wrong or not card.files:
        raise refused(
            path,
            f"the files that {CARD} lists and no others: {', '.join(card.files) or 'at least one'}",
            ", ".join(wrong[:5]) + ("" if len(wrong) <= 5 else f" and {len(wrong) - 5} more") or "none listed",
        )


def _content(source: bytes | Path) -> bytes:
    if isinstance(source, bytes):
        return source
    try:
        return source.read_bytes()
    except OSError as error:
        raise ReadError(
            expected="a file for the package", found=error.strerror or str(error), do="check the path", where=source
        ) from error


def _listing(card: Card, contents: Mapping[str, bytes]) -> Card:
    """The card with the list of files."""
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    try:
        return Card.model_validate_json(json.dumps(card.model_dump(mode="json", by_alias=True) | {"files": hashes}))
    except ValidationError as error:
        raise UsageError(
            expected="names of files that a package may hold", found=first_wrong(error), do="rename them"
        ) from error
