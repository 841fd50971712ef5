"""Faults that show only when images are set side by side: copies, and patients torn apart."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Sequence
from typing import TypeVar

from microcalc.datasets import Problem, Record
from microcalc.inspection.likeness import alike
from microcalc.inspection.records import Fault, FaultKind, InspectedImage

#: A data set is stored mirrored when so many of its images, at least, look like the other side.
_MIRRORED_LEAST, _MIRRORED_SHARE = 4, 0.8

Key = TypeVar("Key", bound=Hashable)


def faults_across(records: Sequence[Record], images: Sequence[InspectedImage]) -> Iterator[Fault]:
    """The faults of a whole data set.

    Args:
        records: of the data set.
        images: what was seen of each, in the same order.
    """
    yield from _wrong_sides(images)
    yield from _listed_twice(records)
    yield from _two_sides(records)
    yield from _copies(records, images)
    yield from _near_copies(records, images)


def mirrored(images: Sequence[InspectedImage]) -> tuple[Problem, ...]:
    """A note where nearly all images look like the other side: that is how the data set is stored, and no fault."""
    stated = [image for image in images if image.side and image.side_seen]
    wrong = sum(image.side != image.side_seen for image in stated)
    if wrong < max(_MIRRORED_LEAST, _MIRRORED_SHARE * len(stated)):
        return ()
    problem = Problem(
        kind="note",
        path=".",
        expected="left breasts with the chest wall at the left",
        found=f"{wrong} of {len(stated)} images the other way round",
        do="nothing, if the set is stored mirrored; else mend the sides",
    )
    return (problem,)


def _wrong_sides(images: Sequence[InspectedImage]) -> Iterator[Fault]:
    if mirrored(images):
        return
    for image in images:
        if image.side and image.side_seen and image.side != image.side_seen:
            found = f"stated as {image.side}, the picture looks like {image.side_seen}"
            yield Fault(kind="side", path=image.path, found=found)


def _listed_twice(records: Sequence[Record]) -> Iterator[Fault]:
    by_path = _groups((str(record.path), record) for record in records)
    by_uid = _groups((r.truth.sop_instance_uid, r) for r in records if r.truth.sop_instance_uid)
    for what, groups in (("file", by_path), ("SOPInstanceUID", by_uid)):
        for first, *others in groups:
            yield _shared("listed twice", first, others, f"{len(others) + 1} times by its {what}")


def _two_sides(records: Sequence[Record]) -> Iterator[Fault]:
    for images in _groups((record.truth.patient, record) for record in records if record.truth.patient is not None):
        sides = sorted({record.truth.split for record in images if record.truth.split is not None})
        if len(sides) > 1:
            yield _shared("two sides", images[0], images[1:], f"images of one patient in {' and '.join(sides)}")


def _copies(records: Sequence[Record], images: Sequence[InspectedImage]) -> Iterator[Fault]:
    pairs = zip(records, images, strict=True)
    for same in _groups((image.pixels_sha256, record) for record, image in pairs if image.pixels_sha256):
        if len({record.path for record in same}) > 1:
            yield _shared("copy", same[0], same[1:], f"the pixels of {_whose(same)}")


def _near_copies(records: Sequence[Record], images: Sequence[InspectedImage]) -> Iterator[Fault]:
    seen = [(record, image) for record, image in zip(records, images, strict=True) if image.fingerprint]
    for i, j in alike([image.fingerprint or "" for _, image in seen]):
        (first, one), (second, other) = seen[i], seen[j]
        if one.pixels_sha256 != other.pixels_sha256:
            yield _shared("near copy", first, [second], f"looks like an image of {_whose([first, second])}")


def _whose(records: Sequence[Record]) -> str:
    patients = {record.truth.patient for record in records}
    if None in patients:
        return "a patient who may be another"
    return "the same patient" if len(patients) == 1 else "another patient"


def _shared(kind: FaultKind, first: Record, others: Iterable[Record], found: str) -> Fault:
    return Fault(kind=kind, path=first.truth.path, found=found, others=tuple(record.truth.path for record in others))


def _groups(pairs: Iterable[tuple[Key, Record]]) -> Iterator[list[Record]]:
    """The records that share a key with another, key by key."""
    by_key: defaultdict[Key, list[Record]] = defaultdict(list)
    for key, record in pairs:
        by_key[key].append(record)
    return (records for records in by_key.values() if len(records) > 1)
