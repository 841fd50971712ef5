"""Cutting the planned patches into shards: some images at a time, each shard a file of its own."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from microcalc import findings
from microcalc.batch import MakeExecutor, death, work
from microcalc.datasets import Record, Table
from microcalc.errors import MicrocalcError
from microcalc.findings import Failure
from microcalc.journal import Journal
from microcalc.output import replacing
from microcalc.patches.cut import cut, cut_classes
from microcalc.patches.ground import Ground
from microcalc.patches.patch import Patch
from microcalc.patches.protocol import Protocol
from microcalc.patches.protocols import find_protocol
from microcalc.patches.store import Shard

#: A shard is full with so many bytes of pixels, or so many images: those are cut at a time, in one process.
SHARD_BYTES, SHARD_IMAGES = 2**27, 16


@dataclass(frozen=True)
class ShardTask:
    """The images of one shard, with their patches."""

    out: Path
    number: int
    protocol: str
    pieces: tuple[tuple[Record, tuple[Patch, ...]], ...]

    @property
    def name(self) -> str:
        """Of the file of its pixels."""
        return f"shard-{self.number:04}.npy"

    @property
    def sha256(self) -> str:
        """Of what it is to hold."""
        keys = "\n".join(patch.key for _, patches in self.pieces for patch in patches)
        return hashlib.sha256(keys.encode("utf-8", "surrogateescape")).hexdigest()


class ShardDone(findings.Record):
    """A finished shard."""

    #: With the patches of the images that did not fail.
    shard: Shard
    #: Of what it was to hold.
    sha256: str
    failed: tuple[Failure, ...]


def share_out(out: Path, table: Table, protocol: Protocol, patches: Sequence[Patch]) -> list[ShardTask]:
    """The shards to cut: images with patches in the table's order, none of them in two."""
    by_image: defaultdict[str, list[Patch]] = defaultdict(list)
    for patch in patches:
        by_image[patch.image].append(patch)
    shards: list[list[tuple[Record, tuple[Patch, ...]]]] = []
    room = 0
    for record in table:
        here = tuple(by_image.get(record.truth.path, ()))
        if not here:
            continue
        if len(here) > room or len(shards[-1]) == SHARD_IMAGES:
            shards.append([])
            room = SHARD_BYTES // (2 * protocol.cut_px**2)
        shards[-1].append((record, here))
        room -= len(here)
    return [ShardTask(out, number, protocol.name, tuple(pieces)) for number, pieces in enumerate(shards)]


def cut_all(
    tasks: Sequence[ShardTask],
    journal: Journal[ShardDone],
    make_executor: MakeExecutor | None,
    on_shard: Callable[[ShardDone, int, int], None],
) -> list[ShardDone]:
    """Cut and write the shards that the journal does not know, or that hold something else; all of them, in order.

    Raises:
        WriteError: the folder cannot be written.
    """
    earlier = {(outcome.shard.name, outcome.sha256): outcome for outcome in journal.finished}
    done = {
        task.name: earlier[task.name, task.sha256]
        for task in tasks
        if (task.name, task.sha256) in earlier and (task.out / task.name).exists()
    }
    todo = [task for task in tasks if task.name not in done]
    for task, outcome in work(todo, _cut, _died, make_executor if len(todo) > 1 else None):
        done[task.name] = outcome
        journal.add(outcome)
        on_shard(outcome, len(done), len(tasks))
    return [done[task.name] for task in tasks]


def in_shards(cut: Iterable[tuple[ShardTask, ShardDone]]) -> list[Patch]:
    """The patches that the shards hold, in their order."""
    held: list[Patch] = []
    for task, outcome in cut:
        failed = {failure.path for failure in outcome.failed}
        held += [patch for record, patches in task.pieces if record.truth.path not in failed for patch in patches]
    return held


def _cut(task: ShardTask) -> ShardDone:
    protocol = find_protocol(task.protocol)
    pixels, classes, failed = [], [], []
    for record, patches in task.pieces:
        try:
            ground = Ground.of(record, protocol.cut_px, protocol.spacing_mm)
        except MicrocalcError as error:
            failed.append(Failure(path=record.truth.path, reason=error.reason))
            continue
        pixels.append(cut(ground, patches))
        if protocol.paint is not None:
            classes.append(cut_classes(ground, protocol.paint(ground), patches))
    shard = Shard(name=task.name, patches=sum(len(part) for part in pixels))
    for name, parts in ((shard.name, pixels), (shard.masks, classes)):
        if parts:
            with replacing(task.out / name) as file:
                np.save(file, np.concatenate(parts))
    return ShardDone(shard=shard, sha256=task.sha256, failed=tuple(failed))


def _died(task: ShardTask) -> ShardDone:
    failed = tuple(death(record.truth.path) for record, _ in task.pieces)
    return ShardDone(shard=Shard(name=task.name, patches=0), sha256=task.sha256, failed=failed)
