"""What an evaluation is made from: systems under names of their own, and the truth of the images to be scored."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from microcalc.comparison.system_coco import images_of_coco
from microcalc.comparison.system_csv import images_of_csv
from microcalc.comparison.system_findings import images_of_report, parse_report
from microcalc.comparison.systems import System, SystemImage, read_content, schema_of
from microcalc.datasets.folders import posix_path
from microcalc.errors import ReadError, UsageError
from microcalc.truth import ImageTruth, Split, Truth

_DETECTIONS = "detections: findings.json, COCO results or CSV"
_TRUTH = Truth.model_fields["schema_"].default


@dataclass(frozen=True, eq=False)
class TruthSet:
    """The truth of the images to be scored, and of those that may be named besides."""

    path: Path
    sha256: str
    #: Folder that the paths of the images start from; None where none of the images is there.
    root: Path | None
    chosen: tuple[ImageTruth, ...]
    #: Of the other sides of the split.
    others: tuple[ImageTruth, ...]


def read_truth(path: Path, split: Split | None) -> TruthSet:
    """Read ``truth.json``, or that of a folder, and keep one side of its split; None keeps all.

    Raises:
        ReadError: the file is missing, of another kind, or damaged.
        UsageError: no image on that side.
    """
    path = path / "truth.json" if path.is_dir() else path
    expected = f"truth ({_TRUTH})"
    content, sha256 = read_content(path, expected)
    schema = schema_of(content, path, expected)
    if schema != _TRUTH:
        raise ReadError(
            expected=expected,
            found="a file of another kind" if schema is None else f"a file of {schema}",
            do="give what is on the images as --truth, and detections as --findings",
            where=path,
        )
    truth = Truth.from_bytes(content, path)
    chosen = tuple(image for image in truth.images if split in (None, image.split))
    if not chosen:
        raise UsageError(
            expected="images" if split is None else f"images of the split {split}",
            found=f"none of {len(truth.images)}",
            do="complete the truth" if split is None else "leave --split out, or complete the truth",
            where=path,
        )
    root = path.parent / posix_path(truth.root)
    return TruthSet(
        path=path,
        sha256=sha256,
        root=root if any((root / posix_path(image.path)).is_file() for image in chosen) else None,
        chosen=chosen,
        others=tuple(image for image in truth.images if split not in (None, image.split)),
    )


def read_systems(files: Sequence[str], coco_images: Path | None) -> tuple[System, ...]:
    """Read files of detections, each a system under a name of its own.

    Args:
        files: paths, or ``NAME=path``; a file whose own name has such a sign is taken as it is.
        coco_images: as ``images`` of :func:`read_system`.

    Raises:
        ReadError: a file is missing, damaged or of another kind.
        UsageError: no file, or systems that cannot be told apart.
    """
    if not files:
        raise UsageError(expected="a file of detections", found="none", do="name one with --findings")
    systems, named = zip(*(_read_named(text, coco_images) for text in files), strict=True)
    names = _distinct_names(systems, named)
    return tuple(dataclasses.replace(system, name=name) for system, name in zip(systems, names, strict=True))


def read_system(path: Path, name: str | None = None, *, images: Path | None = None) -> System:
    """Read one file of detections; its content, not its name, tells the format.

    Args:
        path: ``microcalc.findings/1``, COCO results or CSV (docs/reference/evaluation-inputs.md).
        name: what a report calls the system; else the detector that the findings name, or the file's name.
        images: COCO annotation file that says which file each number in ``image_id`` is; other formats need none.

    Raises:
        ReadError: a file is missing, empty, damaged or of another kind, or something in it makes no sense.
        UsageError: COCO results number their images, and nothing says which files those are.
    """
    content, sha256 = read_content(path, _DETECTIONS)
    detector, failed = None, tuple[str, ...]()
    if not content.startswith((b"{", b"[")):
        found = images_of_csv(content, path)
    elif (schema := schema_of(content, path, _DETECTIONS)) is None:
        found = images_of_coco(content, path, images)
    else:
        report = parse_report(content, path, schema)
        found, detector = images_of_report(report), report.detector
        failed = tuple(posix_path(failure.path) for failure in report.failed)
    _check_listed_once(found, failed, path)
    return System(name or (detector.name if detector else path.stem), path, sha256, detector, found, failed)


def _check_listed_once(images: Sequence[SystemImage], failed: Iterable[str], path: Path) -> None:
    paths = [*(image.path for image in images), *failed]
    path_of = {image.sop_instance_uid: image.path for image in images}
    uids = [path_of[image.sop_instance_uid] for image in images if image.sop_instance_uid is not None]  # named by path
    for what, listed in (("its path", paths), ("its SOPInstanceUID", uids)):
        twice = [name for name, times in Counter(listed).items() if times > 1]
        if twice:
            raise ReadError(
                expected=f"each image once, by {what}",
                found=f"{len(twice)} more than once, such as {twice[0]}",
                do="keep one of each",
                where=path,
            )


def _read_named(text: str, coco_images: Path | None) -> tuple[System, bool]:
    """A system, and whether the call names it."""
    name, sign, path = text.partition("=")
    if not sign or Path(text).exists():
        return read_system(Path(text), images=coco_images), False
    if not name:
        raise UsageError(expected="NAME=path", found=f"'{text}'", do="name the system, or leave the sign out")
    return read_system(Path(path), name, images=coco_images), True


def _distinct_names(systems: Sequence[System], named: Sequence[bool]) -> list[str]:
    """What to call systems: of one name where the call gives none, by their operating points or files."""
    names = [system.name for system in systems]
    for name, times in Counter(names).items():
        alike = [i for i, system in enumerate(systems) if system.name == name and not named[i]]
        if times > 1 and alike:
            for i, word in zip(alike, _words([systems[i] for i in alike]), strict=True):
                names[i] = f"{name} ({word})"
    twice = [name for name, times in Counter(names).items() if times > 1]
    if twice:
        raise UsageError(
            expected="a name of its own for each system",
            found=f"{twice[0]} more than once",
            do="name them: --findings A=first.json B=second.json",
        )
    return names


def _words(alike: Sequence[System]) -> list[str]:
    points = {system.detector.operating_point for system in alike if system.detector is not None}
    if len(points) == len(alike):
        return [system.detector.operating_point for system in alike if system.detector is not None]
    return [system.source.stem for system in alike]
