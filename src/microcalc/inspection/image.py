"""One image looked at: does it open, is it what its truth says, do the findings lie on it."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from microcalc.breast import find_breast, mend_polarity
from microcalc.breast.find import SIDE_OF
from microcalc.datasets import Record
from microcalc.datasets.headers import Stated, stated
from microcalc.errors import MicrocalcError
from microcalc.findings import Spacing
from microcalc.imageio import read_mammogram
from microcalc.inspection.fit import Misfit, misfits
from microcalc.inspection.likeness import fingerprint
from microcalc.inspection.records import Fault, InspectedImage
from microcalc.mammogram import Mammogram
from microcalc.truth import ImageTruth

#: Spacings that differ by less, relative to the file's, are the same.
_SPACING_TOLERANCE = 0.01


@dataclass(frozen=True)
class Task:
    """One image to look at; ``quick``: at its header only."""

    record: Record
    quick: bool


def look(task: Task) -> InspectedImage:
    """Look at one image; whatever is wrong with it comes back among its faults."""
    try:
        return _by_header(task.record) if task.quick else _by_pixels(task.record)
    except MicrocalcError as error:
        return _unreadable(task, error.reason)
    except Exception as error:  # a fault of ours must not cost the rest of the data set
        return _unreadable(task, f"unexpected {type(error).__name__}; please report this")


def died(task: Task) -> InspectedImage:
    """An image that takes the process down with it."""
    return _unreadable(task, "the process dies when it is decoded")


def _unreadable(task: Task, found: str) -> InspectedImage:
    path = task.record.truth.path
    return InspectedImage(path=path, faults=(Fault(kind="unreadable", path=path, found=found),))


def _by_header(record: Record) -> InspectedImage:
    told = stated(record.path)
    return _inspected(record, told, [*_contradictions(record.truth, told), *misfits(record, (told.rows, told.columns))])


def _by_pixels(record: Record) -> InspectedImage:
    read = read_mammogram(record.path)
    told = Stated(
        *read.shape,
        sop_instance_uid=read.sop_instance_uid,
        spacing_mm=read.spacing_mm,
        side=read.side,
        view=read.view,
    )
    found = list(_contradictions(record.truth, told))
    mammogram = mend_polarity(dataclasses.replace(read, side=record.truth.side or read.side))
    if mammogram.pixels is not read.pixels:
        found.append(("inverted", "the background is bright"))
    breast = None
    try:
        breast = find_breast(mammogram)
    except MicrocalcError as error:
        found.append(("no breast", error.reason))
    found.extend(misfits(record, mammogram.shape, breast))
    inspected = _inspected(record, told, found)
    return inspected.model_copy(
        update={
            "side_seen": None if breast is None else SIDE_OF[breast.chest_wall],
            "pixels_sha256": _pixels_sha256(mammogram),
            "fingerprint": None if breast is None else fingerprint(mammogram, breast),
        }
    )


def _inspected(record: Record, told: Stated, found: list[Misfit]) -> InspectedImage:
    path, spacing = record.truth.path, told.spacing_mm or record.truth.spacing_mm
    return InspectedImage(
        path=path,
        rows=told.rows,
        columns=told.columns,
        side=record.truth.side or told.side,
        spacing_mm=spacing,
        spacing_source="header" if told.spacing_mm else "dataset" if spacing else None,
        faults=tuple(Fault(kind=kind, path=path, found=words) for kind, words in found),
    )


def _contradictions(truth: ImageTruth, told: Stated) -> Iterator[Misfit]:
    """What the file says otherwise than the truth."""
    size = truth.rows or told.rows, truth.columns or told.columns
    if size != (told.rows, told.columns):
        yield "another image", f"{told.rows} x {told.columns} pixels; the truth says {size[0]} x {size[1]}"
    uids = truth.sop_instance_uid, told.sop_instance_uid
    if None not in uids and uids[0] != uids[1]:
        yield "another image", "its SOPInstanceUID is not that of the truth"
    if None not in (truth.side, told.side) and truth.side != told.side:
        yield "side", f"the file says {told.side}, the truth {truth.side}"
    if None not in (truth.view, told.view) and truth.view != told.view:
        yield "view", f"the file says {told.view}, the truth {truth.view}"
    if truth.spacing_mm and told.spacing_mm and not _alike(truth.spacing_mm, told.spacing_mm):
        theirs, ours = ("{:.4g} x {:.4g} mm".format(*spacing) for spacing in (told.spacing_mm, truth.spacing_mm))
        yield "spacing", f"the file says {theirs}, the truth {ours}"


def _alike(one: Spacing, other: Spacing) -> bool:
    return all(abs(a - b) <= _SPACING_TOLERANCE * b for a, b in zip(one, other, strict=True))


def _pixels_sha256(mammogram: Mammogram) -> str:
    """Of shape and pixels at 16 bits, so that copies in files of several kinds are the same."""
    digest = hashlib.sha256(repr(mammogram.shape).encode())
    digest.update(np.round(mammogram.pixels * np.float32(65535)).astype("<u2").tobytes())
    return digest.hexdigest()
