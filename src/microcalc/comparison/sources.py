"""What an evaluation is made from: systems under names of their own, and the truth of the images to be scored."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from microcalc.comparison.systems import System, read_system
from microcalc.errors import ReadError, UsageError
from microcalc.truth import ImageTruth, Split, Truth


@dataclass(frozen=True, eq=False)
class KnownImages:
    """The truth of the images to be scored, and of those that may be named besides."""

    path: Path
    sha256: str
    #: Folder that the paths of the images start from; None where none of the images is there.
    root: Path | None
    chosen: tuple[ImageTruth, ...]
    #: Of the other sides of the split.
    others: tuple[ImageTruth, ...]


def read_truth(path: Path, split: Split | None) -> KnownImages:
    """Read ``truth.json``, or that of a folder, and keep one side of its split; None keeps all.

    Raises:
        ReadError: the file is missing, of another kind, or damaged.
        UsageError: no image on that side.
    """
    path = path / "truth.json" if path.is_dir() else path
    try:
        truth = Truth.from_json(path)
    except ReadError as error:
        if not error.found.startswith("schema:"):
            raise
        do = "give what is on the images as --truth, and detections as --findings"
        raise ReadError(expected=error.expected, found="a file of another kind", do=do, where=path) from error
    chosen = tuple(image for image in truth.images if split in (None, image.split))
    if not chosen:
        raise UsageError(
            expected="images" if split is None else f"images of the split {split}",
            found=f"none of {len(truth.images)}",
            do="complete the truth" if split is None else "leave --split out, or complete the truth",
            where=path,
        )
    root = path.parent / truth.root
    return KnownImages(
        path=path,
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        root=root if any((root / image.path).is_file() for image in chosen) else None,
        chosen=chosen,
        others=tuple(image for image in truth.images if split not in (None, image.split)),
    )


def read_systems(files: Sequence[str], coco_images: Path | None) -> tuple[System, ...]:
    """Read files of detections, each a system under a name of its own.

    Args:
        files: paths, or ``NAME=path``; a file whose own name has such a sign is taken as it is.
        coco_images: as for :func:`microcalc.comparison.systems.read_system`.

    Raises:
        ReadError: a file is missing, damaged or of another kind.
        UsageError: no file, or systems that cannot be told apart.
    """
    if not files:
        raise UsageError(expected="a file of detections", found="none", do="name one with --findings")
    systems = [_read_named(text, coco_images) for text in files]
    alike: dict[str, list[System]] = {}
    for system in systems:
        alike.setdefault(system.name, []).append(system)
    names = {id(system): name for group in alike.values() for system, name in zip(group, _names(group), strict=True)}
    return tuple(dataclasses.replace(system, name=names[id(system)]) for system in systems)


def _read_named(text: str, coco_images: Path | None) -> System:
    name, sign, path = text.partition("=")
    if not sign or Path(text).exists():
        return read_system(Path(text), images=coco_images)
    return read_system(Path(path), name, images=coco_images)


def _names(group: Sequence[System]) -> list[str]:
    """What to call systems that are called the same: their operating points or their files tell them apart."""
    if len(group) == 1:
        return [group[0].name]
    points = ["" if system.detector is None else system.detector.operating_point for system in group]
    for words in (points, [system.source.stem for system in group]):
        if len(set(words)) == len(group):
            return [f"{system.name} ({word})" for system, word in zip(group, words, strict=True)]
    raise UsageError(
        expected="a name of its own for each system",
        found=f"{len(group)} called {group[0].name}, in files of the same name",
        do="name them: --findings A=first.json B=second.json",
    )
