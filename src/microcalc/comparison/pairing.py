"""Images of systems paired with those of the truth, so that every system is scored on the same images.

By SOPInstanceUID where both have one, else by path, else by file name where no other image has it on either side.
Nothing is guessed: what could be two images is an error, and so is an image that not every file names, unless the
caller says what that means.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

from microcalc.comparison.agreement import check_agreement
from microcalc.comparison.systems import System, SystemImage
from microcalc.datasets.folders import posix_path
from microcalc.errors import ReadError, UsageError
from microcalc.evaluation.detections import Detections
from microcalc.output import PSEUDONYM
from microcalc.output.words import count
from microcalc.truth import ImageTruth

#: What it means that a system does not name an image of the truth: an error; it found nothing; leave it out for all.
Unmatched = Literal["fail", "empty", "common"]

#: How many images an error names.
_FEW = 3


@dataclass(frozen=True, eq=False)
class Aligned:
    """The same images for the truth and for every system."""

    truths: tuple[ImageTruth, ...]
    #: [system][image]: what each system says of each image of ``truths``.
    found: tuple[tuple[SystemImage, ...], ...]
    #: What a reader of the numbers has to know of how images were paired.
    remarks: tuple[str, ...]


def align(
    truths: Sequence[ImageTruth],
    systems: Sequence[System],
    others: Sequence[ImageTruth] | None = None,
    unmatched: Unmatched = "fail",
) -> Aligned:
    """Pair each image of the truth with what every system says of it.

    Args:
        truths: the images to score on.
        systems: at least one.
        others: further images of the truth (other splits) that systems may name and that are passed over.
        unmatched: what to do about images that not every file names. ``fail``: raise. ``empty``: where a system does
            not name an image of the truth, it found nothing there; an image that only a system names is still an
            error. ``common``: keep the images that the truth and all systems name.

    Raises:
        UsageError: images that cannot be paired, or could be in more than one way.
        ReadError: files that contradict each other: an image twice, another size, a mark outside it.
    """
    catalogue = _Catalogue([*truths, *(others or ())])
    pairings = [_pair(system, catalogue, len(truths)) for system in systems]
    common = [index for index in range(len(truths)) if all(index in pairing.found for pairing in pairings)]
    if unmatched != "common" or not common:
        for pairing in pairings:
            _check_complete(pairing, truths, unmatched)
    kept = common if unmatched == "common" else range(len(truths))
    return Aligned(
        tuple(truths[index] for index in kept),
        tuple(tuple(pairing.image(index, truths[index]) for index in kept) for pairing in pairings),
        _remarks(pairings, len(truths), len(truths) - len(kept)),
    )


@dataclass(frozen=True)
class _Pairing:
    """One system's images beside those of the truth, which go by their indices."""

    system: System
    found: dict[int, SystemImage]
    #: Images of the truth that the system does not name, or failed on.
    missing: tuple[int, ...]
    #: Of those, the ones it failed on.
    failed: tuple[int, ...]
    #: Paths that the truth does not name.
    foreign: tuple[str, ...]

    def image(self, index: int, truth: ImageTruth) -> SystemImage:
        """What the system says of an image; of a missing one, that it found nothing."""
        if index in self.found:
            check_agreement(self.found[index], truth, self.system.source)
            return self.found[index]
        return SystemImage(
            path=posix_path(truth.path),
            sop_instance_uid=truth.sop_instance_uid,
            marks=Detections.of_marks((), None),
            clusters=None if self.system.detector is None else Detections.of_clusters((), ()),
            spacing_mm=None,
            breast_area_cm2=None,
            shape=None,
        )


class _Catalogue:
    """The images of the truth by every name that a system may call them."""

    def __init__(self, truths: Sequence[ImageTruth]) -> None:
        self.truths = truths
        self.by_path = {posix_path(truth.path): index for index, truth in enumerate(truths)}
        uids = [(truth.sop_instance_uid, index) for index, truth in enumerate(truths) if truth.sop_instance_uid]
        self.by_uid = dict(uids)
        if len(self.by_path) < len(truths) or len(self.by_uid) < len(uids):
            raise ReadError(
                expected="each image once in the truth, by its path and its SOPInstanceUID",
                found="one of them twice",
                do="remove the doubles from the truth",
            )
        self.by_name: dict[str, list[int]] = defaultdict(list)
        for path, index in self.by_path.items():
            self.by_name[PurePosixPath(path).name].append(index)

    def exact(self, path: str, uid: str | None, source: Path) -> int | None:
        """The image of that SOPInstanceUID, else of that path.

        Raises:
            ReadError: the truth has another SOPInstanceUID at that path.
        """
        if uid in self.by_uid:
            return self.by_uid[uid]
        index = self.by_path.get(path)
        if index is not None and self.differs(index, uid):
            raise ReadError(
                expected=f"{path} to be the image that the truth is about",
                found="another SOPInstanceUID",
                do="score on the images that the truth was made on",
                where=source,
            )
        return index

    def differs(self, index: int, uid: str | None) -> bool:
        """Whether an image of the truth is known to have another SOPInstanceUID."""
        stated = self.truths[index].sop_instance_uid
        return None not in (uid, stated) and uid != stated


def _pair(system: System, catalogue: _Catalogue, scored: int) -> _Pairing:
    """Pair what a system lists, and what it failed on, with the truth, whose first ``scored`` images are asked for."""
    images = system.images
    keys = [(image.path, image.sop_instance_uid) for image in images]
    indices = _indices([*keys, *((path, None) for path in system.failed)], catalogue, system.source)
    found: dict[int, SystemImage] = {}
    foreign = []
    for index, image in zip(indices, images, strict=False):
        if index is None:
            foreign.append(image.path)
        elif found.setdefault(index, image) is not image:
            raise ReadError(
                expected="each image of the truth once",
                found=f"{found[index].path} and {image.path}, which are one by SOPInstanceUID and path",
                do="keep one of them",
                where=system.source,
            )
    missing = tuple(index for index in range(scored) if index not in found)
    failures = set(indices[len(images) :])
    failed = tuple(index for index in missing if index in failures)
    return _Pairing(system, found, missing, failed, tuple(foreign))


def _indices(keys: Sequence[tuple[str, str | None]], catalogue: _Catalogue, source: Path) -> list[int | None]:
    """The index of each (path, SOPInstanceUID) among the images of the truth; None where the truth has none such."""
    indices = [catalogue.exact(path, uid, source) for path, uid in keys]
    taken = set(indices)
    namesakes = Counter(PurePosixPath(path).name for path, _ in keys)
    for place, (path, uid) in enumerate(keys):
        name = PurePosixPath(path).name
        bearers = catalogue.by_name.get(name, [])
        if indices[place] is not None or (len(bearers) > 1 and path != name):
            continue  # where the truth tells images of one name apart by folders, another folder is another image
        free = [index for index in bearers if index not in taken and not catalogue.differs(index, uid)]
        if not free:
            continue
        if len(bearers) > 1 or namesakes[name] > 1:
            raise UsageError(
                expected="file names that tell images apart where paths and SOPInstanceUIDs do not",
                found=f"{path}, one of {namesakes[name]} of its name here and of {len(bearers)} in the truth",
                do="give the paths of the truth, or SOPInstanceUIDs",
                where=source,
            )
        indices[place] = free[0]
    return indices


def _check_complete(pairing: _Pairing, truths: Sequence[ImageTruth], unmatched: Unmatched) -> None:
    """Refuse a system that lacks images of the truth, or names others, unless the caller has said what that means."""
    missing = () if unmatched == "empty" else pairing.missing
    found = []
    if missing:
        failed = f", {len(pairing.failed)} of which the system failed on" if pairing.failed else ""
        found.append(f"{_some([truths[index].path for index in missing])} not listed{failed}")
    if pairing.foreign:
        found.append(f"{_some(pairing.foreign)} not in the truth")
    if found:
        raise UsageError(
            expected=f"the {len(truths)} images of the truth, by SOPInstanceUID, path or file name",
            found="; ".join(found),
            do=_remedy(pairing, unmatched),
            where=pairing.system.source,
        )


def _remedy(pairing: _Pairing, unmatched: Unmatched) -> str:
    if not pairing.found and any(path.startswith(PSEUDONYM) for path in pairing.foreign):
        return "these findings are pseudonymised and their hashes match nothing: detect without --pseudonymise"
    if not pairing.found and pairing.foreign:
        return "give paths relative to the truth's root, or the truth of these images"
    if unmatched == "common":
        return "no image is in all files: score the systems one at a time"
    if pairing.foreign:
        return "take out what has no truth, or score on the images that all files name: --unmatched common"
    state = "where nothing was found, say so (CSV: a row with the image alone; COCO: an entry in images), or "
    choices = "--unmatched empty counts them as nothing found, --unmatched common leaves them out for all systems"
    return choices if pairing.system.detector else state + choices


def _remarks(pairings: Sequence[_Pairing], total: int, left_out: int) -> tuple[str, ...]:
    """What became of images that not every file names."""
    remarks = []
    if left_out:
        remarks.append(f"{count(left_out, 'image')} of {total} left out for all systems: not every file lists them.")
    for pairing in pairings:
        name, missing = pairing.system.name, count(len(pairing.missing), "image")
        failed = f", {len(pairing.failed)} of which it failed on" if pairing.failed else ""
        if pairing.missing and left_out:
            remarks.append(f"{name} does not list {missing} of {total}{failed}.")
        elif pairing.missing:
            remarks.append(f"{missing} that {name} does not list{failed}: taken as read, with nothing found.")
        if pairing.foreign:
            remarks.append(f"{name} lists {count(len(pairing.foreign), 'image')} without truth: left out.")
    return tuple(remarks)


def _some(paths: Sequence[str]) -> str:
    """How many images, with the names of a few."""
    few, others = ", ".join(paths[:_FEW]), len(paths) - _FEW
    return f"{count(len(paths), 'image')} ({few}{f' and {others} others' if others > 0 else ''})"
