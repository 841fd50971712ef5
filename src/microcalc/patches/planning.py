"""Planning: which patches of which images; every one drawn from the seed and its image alone."""

from __future__ import annotations

import dataclasses
import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import get_args

import numpy as np
from numpy.random import Generator
from pydantic import Field

from microcalc import findings
from microcalc.batch import MakeExecutor, death, work
from microcalc.datasets import Record, Table
from microcalc.errors import MicrocalcError
from microcalc.findings import Failure
from microcalc.journal import Journal
from microcalc.patches.ground import Ground
from microcalc.patches.patch import HEALTHY, Patch
from microcalc.patches.protocol import LeftOut, Protocol, Sites
from microcalc.patches.protocols import find_protocol
from microcalc.truth import Split

_LEAVES = "patches whose margin around the window leaves the image"
_SIDES: tuple[Split | None, ...] = (None, *get_args(Split))


class ImagePlan(findings.Record):
    """The patches of one image, before classes are balanced."""

    image: str
    patches: tuple[Patch, ...]
    left_out: dict[str, int] = Field(description="What the protocol passes over, by reason.")
    spacing_assumed: bool = Field(description="Whether it was brought to a pitch from one that nothing states.")


def plan_all(
    table: Table,
    protocol: Protocol,
    seed: int,
    journal: Journal[ImagePlan],
    make_executor: MakeExecutor | None,
    on_image: Callable[[ImagePlan | Failure, int, int], None],
) -> tuple[list[ImagePlan], list[Failure]]:
    """The plans of all images that can be read, and why others cannot, in the table's order."""
    outcomes: dict[str, ImagePlan | Failure] = {plan.image: plan for plan in journal.finished}
    tasks = [_Task(record, protocol.name, seed) for record in table if record.truth.path not in outcomes]
    for task, outcome in work(tasks, _plan, _died, make_executor if len(tasks) > 1 else None):
        outcomes[task.record.truth.path] = outcome
        if isinstance(outcome, ImagePlan):
            journal.add(outcome)
        on_image(outcome, len(outcomes), len(table))
    ordered = [outcomes[record.truth.path] for record in table]
    failed = [outcome for outcome in ordered if isinstance(outcome, Failure)]
    plans = [outcome for outcome in ordered if isinstance(outcome, ImagePlan)]
    return _of_healthy_patients(plans, table) if protocol.healthy_patients else plans, failed


@dataclass(frozen=True)
class _Task:
    record: Record
    protocol: str
    seed: int


def _plan(task: _Task) -> ImagePlan | Failure:
    try:
        return plan_image(task.record, find_protocol(task.protocol), task.seed)
    except MicrocalcError as error:
        return Failure(path=task.record.truth.path, reason=error.reason)


def _died(task: _Task) -> ImagePlan | Failure:
    return death(task.record.truth.path)


def plan_image(record: Record, protocol: Protocol, seed: int) -> ImagePlan:
    """Plan the patches of one image.

    Raises:
        MicrocalcError: the image cannot be read, shows no breast, or is smaller than a patch.
    """
    ground = Ground.of(record, protocol.cut_px, protocol.spacing_mm)
    windows = dataclasses.replace(ground, size_px=protocol.size_px)
    patches: dict[str, Patch] = {}
    left_out: Counter[str] = Counter()
    for part in protocol.plan(windows, _rng(seed, record.truth.path)):
        if isinstance(part, LeftOut):
            left_out[part.reason] += part.count
        else:
            corners = part.corners - protocol.margin_px
            inside = ((corners >= 0) & (corners <= np.array(ground.shape[::-1]) - protocol.cut_px)).all(axis=1)
            left_out[_LEAVES] += int((~inside).sum())
            for patch in _patches(ground, dataclasses.replace(part, corners=corners[inside])):
                patches.setdefault(patch.key, patch)
    return ImagePlan(
        image=record.truth.path,
        patches=tuple(patches.values()),
        left_out=dict(+left_out),
        spacing_assumed=ground.spacing_assumed,
    )


def _of_healthy_patients(plans: Sequence[ImagePlan], table: Table) -> list[ImagePlan]:
    """Without healthy patches of patients of whom any image shows something."""
    shows = (r.truth for r in table if r.findings or r.truth.ignore or r.truth.normal is False)
    with_findings = {truth.patient for truth in shows if truth.patient is not None}
    kept = []
    for plan in plans:
        gone = [patch for patch in plan.patches if patch.origin == HEALTHY and patch.patient in with_findings]
        if gone:
            patches = tuple(patch for patch in plan.patches if patch not in gone)
            left_out = plan.left_out | {"healthy patches of patients with findings": len(gone)}
            plan = plan.model_copy(update={"patches": patches, "left_out": left_out})
        kept.append(plan)
    return kept


def _rng(seed: int, path: str) -> Generator:
    """The same for an image, whatever others there are and whichever process draws."""
    digest = hashlib.sha256(path.encode("utf-8", "surrogateescape")).digest()
    return np.random.default_rng([seed, int.from_bytes(digest[:8])])


def _patches(ground: Ground, sites: Sites) -> Iterator[Patch]:
    truth = ground.record.truth
    for x0, y0 in ground.to_original(sites.corners).tolist():
        yield Patch(truth.path, x0, y0, ground.side_px, sites.label, sites.origin, truth.split, truth.patient)


def balanced(patches: Sequence[Patch], protocol: Protocol, seed: int) -> list[Patch]:
    """The patches that the protocol's balance of classes leaves, in their order; each side of a split for itself."""
    groups: defaultdict[tuple[Split | None, str], list[int]] = defaultdict(list)
    for index, patch in enumerate(patches):
        groups[patch.split, patch.label].append(index)
    kept: list[int] = []
    for number, side in enumerate(_SIDES):
        most = protocol.balance({label: len(groups[side, label]) for label in protocol.labels}, side)
        for code, label in enumerate(protocol.labels):
            group = groups[side, label]
            rng = np.random.default_rng([seed, number, code])
            chosen = rng.choice(len(group), min(most.get(label, len(group)), len(group)), replace=False)
            kept += [group[i] for i in chosen]
    return [patches[index] for index in sorted(kept)]
