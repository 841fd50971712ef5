"""Whether a folder is the data set that it is said to be, and whether all of its files are there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path, PurePosixPath

from microcalc.datasets.listing import ENDED, Problem, Trouble
from microcalc.errors import ReadError

_ARCHIVES = (".zip", ".tar", ".gz", ".tgz", ".7z", ".rar")
#: Up to so many missing files are named one by one.
_NAMED = 20
#: How many folders a level are looked into for the one that was meant.
_LOOKED_INTO = 200


def check_root(root: Path, name: str, layout: str, is_root: Callable[[Path], bool]) -> None:
    """Make sure that a folder is the root of a data set.

    Args:
        root: the folder given.
        name: of the data set, as users know it.
        layout: what its root holds, in a few words.
        is_root: whether an existing folder is such a root, from its entries alone; an OSError counts as no.

    Raises:
        ReadError: it is none; the error names the folder one or two levels up or down that is, or an archive that was
            left unpacked.
    """

    def is_meant(folder: Path) -> bool:
        try:
            return is_root(folder)
        except OSError:  # it, or a folder in it, may not be opened
            return False

    if root.is_dir() and is_meant(root):
        return
    if not root.is_dir():
        found = "a file" if root.exists() else "no such folder"
        do = "unpack it, and name its folder" if _is_archive(root) else "check the path"
    elif meant := next(filter(is_meant, _around(root)), None):
        found, do = "another folder of the same download", f"name {meant}"
    elif archive := next(filter(_is_archive, _entries(root)), None):
        found, do = f"the archive {archive.name}", "unpack it first"
    else:
        found, do = "nothing of it", "check the path, or download it again"
    raise ReadError(expected=f"the root of {name}, with {layout}", found=found, do=do, where=root)


def missing_files(missing: Sequence[str], total: int, root: Path, what: str = "images") -> tuple[Problem, ...]:
    """What to say of files that a data set names and that are not there.

    Args:
        missing: POSIX paths below the root.
        total: how many files the data set names.
        root: of the data set.
        what: the files are.

    Returns:
        A problem for each file; where they are many, one for all.

    Raises:
        ReadError: not one of the files is there.
    """
    if missing and len(missing) == total:
        raise ReadError(
            expected=f"the {total} {what} that the data set names",
            found=f"none of them, such as {missing[0]}",
            do="complete the download, and unpack it",
            where=root,
        )
    do = "complete the download, or do without"
    if len(missing) > _NAMED:
        found = f"{total - len(missing)}; {len(missing)} are missing, such as {missing[0]}"
        return (Problem(kind="missing", path=".", expected=f"{total} {what}", found=found, do=do),)
    expected = "a file that the data set names"
    return tuple(Problem(kind="missing", path=path, expected=expected, found="none", do=do) for path in missing)


def left_out(path: str, error: ReadError) -> Problem:
    """What to say of an image that is left out because of an error.

    Args:
        path: of the image, POSIX, below the root.
        error: about the image's file where it names a file, else about what is said of the image.
    """
    kind: Trouble = "contradiction" if error.where is None else "unreadable"
    return Problem(kind=kind, path=path, expected=error.expected, found=error.found, do=error.do)


def ended(path: str) -> Problem:
    """What to say of an image, POSIX below the root, where the process ended that read it or what belongs to it."""
    return Problem(kind="unreadable", path=path, expected="sound image files", found=ENDED, do="fetch them again")


def posix_path(path: str) -> str:
    """A path as a user writes it, as paths are compared: forward slashes, no ``./``, letter case kept."""
    return PurePosixPath(path.replace("\\", "/")).as_posix()


def _is_archive(path: Path) -> bool:
    return path.suffix.lower() in _ARCHIVES and path.is_file()


def _around(root: Path) -> Iterator[Path]:
    """The folders one and two levels below, then those above."""
    below = _folders(root)
    yield from below
    for folder in below:
        yield from _folders(folder)
    yield from root.resolve().parents[:2]


def _folders(folder: Path) -> list[Path]:
    return [entry for entry in _entries(folder) if entry.is_dir()][:_LOOKED_INTO]


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:  # one that may not be opened is not the one meant
        return []
