"""Listings kept from call to call, for as long as the files they were made from stay as they are."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

from pydantic import Field

import microcalc
from microcalc import findings
from microcalc.datasets.cache import cache_folder
from microcalc.datasets.listing import Listing, Options, Problem
from microcalc.datasets.record import Facts, Record
from microcalc.errors import ReadError, WriteError
from microcalc.findings import Document
from microcalc.output import replacing
from microcalc.truth import ImageTruth


class _Entry(findings.Record):
    """A record of a listing."""

    path: str
    truth: ImageTruth
    facts: Facts


class _Index(Document):
    """A listing, and what it holds for."""

    schema_: Literal["microcalc.index/1"] = Field(default="microcalc.index/1", alias="schema")
    made_from: str
    root: str
    entries: tuple[_Entry, ...]
    problems: tuple[Problem, ...]


def indexed(kind: str, root: Path, options: Options, read: Callable[[], Listing], *, fresh: bool = False) -> Listing:
    """The listing of a folder: the one kept in the cache, or else a new one, which is kept.

    One is good while this package's version, the source of its readers, and name, size and time of every file below
    the root (and below options that are paths) are what they were. A damaged one is made anew. The listing of a root
    that is a file is not kept: the images may lie anywhere. Nor is one made while a process ended over a file.

    Args:
        kind: of the data set.
        root: its folder, absolute.
        options: of its reader; listings with different ones are kept side by side.
        read: makes a new listing.
        fresh: make a new one in any case.
    """
    if not root.is_dir():
        return read()
    key = hashlib.sha256(json.dumps([str(root), options.model_dump(mode="json")]).encode()).hexdigest()
    path = cache_folder() / "index" / f"{kind}-{key[:16]}.json"
    places = [root, *(value for _, value in options if isinstance(value, Path))]
    made_from = _stamp(places)
    if not fresh and (kept := _kept(path, made_from)):
        return kept
    listing = read()
    if listing.lasting:
        _keep(listing, path, made_from)
    return listing


def _kept(path: Path, made_from: str) -> Listing | None:
    try:
        index = _Index.from_json(path)
    except ReadError:
        return None
    if index.made_from != made_from:
        return None
    root = Path(index.root)
    records = (Record(root / entry.path, entry.truth, entry.facts) for entry in index.entries)
    return Listing(root, tuple(records), index.problems)


def _keep(listing: Listing, path: Path, made_from: str) -> None:
    index = _Index(
        made_from=made_from,
        root=str(listing.root),
        entries=tuple(
            _Entry(path=os.path.relpath(record.path, listing.root), truth=record.truth, facts=record.facts)
            for record in listing.records
        ),
        problems=listing.problems,
    )
    with contextlib.suppress(WriteError), replacing(path) as file:  # without it, only time is lost
        file.write(index.to_json().encode())


def _stamp(places: list[Path]) -> str:
    """Changes with this package's version, its readers, and every file at or below the places."""
    digest = hashlib.sha256(f"{microcalc.__version__} {_readers()}".encode())
    for place in places:
        digest.update(str(place.resolve()).encode("utf-8", "surrogateescape"))
        for line in sorted(_files(place, "", set())):
            digest.update(line.encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


@functools.cache
def _readers() -> str:
    """Hash of this room: its source, and the lists that come with it."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.rglob("*")):
        if path.is_file() and path.suffix != ".pyc":
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _files(place: str | Path, below: str, visited: set[tuple[int, int]]) -> Iterator[str]:
    """A line for each file at or below a place: its path, size in bytes and time of change. Links are followed."""
    with contextlib.suppress(OSError):  # what cannot be looked at, a reader cannot read either
        status = Path(place).stat()
        if not stat.S_ISDIR(status.st_mode):
            yield f"{below}|{status.st_size}|{status.st_mtime_ns}"
        elif (identity := (status.st_dev, status.st_ino)) not in visited:  # links may go round in circles
            visited.add(identity)
            with os.scandir(place) as entries:
                for entry in entries:
                    yield from _files(entry.path, f"{below}/{entry.name}", visited)
