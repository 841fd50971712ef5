"""The job behind ``microcalc data patches``: a data set and a protocol in, a store of patches out."""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import microcalc
from microcalc.batch import MakeExecutor
from microcalc.datasets import Table
from microcalc.errors import MicrocalcError, ReadError, UsageError
from microcalc.findings import Failure
from microcalc.journal import Journal
from microcalc.output import remove, replacing
from microcalc.output.words import count
from microcalc.patches.contact import remove_contact_sheets, write_contact_sheets
from microcalc.patches.cutting import ShardDone, ShardTask, cut_all, in_shards, share_out
from microcalc.patches.decisions import read_decisions
from microcalc.patches.patch import Patch
from microcalc.patches.planning import ImagePlan, balanced, plan_all
from microcalc.patches.protocol import Protocol
from microcalc.patches.protocols import find_protocol
from microcalc.patches.store import MANIFEST, PLANS, ROWS, SHARDS, TRUTH, Manifest, PatchStore, Shard, write_rows
from microcalc.provenance import package_version, write_run_record
from microcalc.truth import Split, Truth

_RUN = "run.json"
#: Packages whose version can change a patch.
_PACKAGES = ("microcalc", "numpy", "opencv-python-headless")

Outcome = ImagePlan | ShardDone | Failure
OnOutcome = Callable[[Outcome, int, int], None]


def write_store(
    out: Path,
    protocol: str,
    table: Table,
    *,
    data: str | None = None,
    seed: int = 0,
    split: Split | None = None,
    review: Path | None = None,
    make_executor: MakeExecutor | None = None,
    resume: bool = False,
    on_outcome: OnOutcome | None = None,
) -> PatchStore:
    """Plan the patches of a protocol on a data set, cut them and write a store, with a contact sheet for each label.

    Equal data, protocol, seed and review give equal stores, whatever the number of processes. An image that cannot be
    read costs its own patches. An interruption leaves what is finished to ``resume``; the store is there once its
    manifest is.

    Args:
        out: made where missing; an earlier store in it is replaced, once all images are planned.
        protocol: one of ``PROTOCOLS``.
        table: the images.
        data: what the manifest calls them; see :func:`microcalc.datasets.spec.named`.
        seed: of everything drawn, 0 or more.
        split: the only side to take patches of; None: all images.
        review: decisions.csv of a review of such patches; those with the decision ``drop`` are left out, after
            classes are balanced, so that no unreviewed patch takes their place.
        make_executor: makes the pool that plans and cuts; None: here.
        resume: take over what an earlier run with the same settings has finished.
        on_outcome: told of each image as it is planned, then of each shard as it is cut, with the number done and the
            number of all of that stage.

    Raises:
        UsageError: no such protocol or split; a data set without truth of the kind that the protocol asks for; a
            review of other patches; other settings than the earlier run's.
        ReadError: the review is missing or damaged.
        MicrocalcError: there is no patch in the end.
        WriteError: the folder cannot be written.
    """
    clock, rules = time.perf_counter(), find_protocol(protocol)
    chosen = table if split is None else table.split(split)
    _check_truth(chosen, rules)
    dropped = _dropped(review)
    settings = _settings(chosen, rules, seed, split, dropped)
    if resume and (finished := _finished(out, settings)) is not None:
        return finished
    tell = on_outcome or _tell_nobody
    plans = Journal(out / PLANS, settings, ImagePlan, _nothing, resume=resume)
    shards = Journal(out / SHARDS, settings, ShardDone, _nothing, resume=resume)
    planned, failed = plan_all(chosen, rules, seed, plans, make_executor, tell)
    every = [patch for plan in planned for patch in plan.patches]
    even = balanced(every, rules, seed)
    try:
        reviewed = _reviewed(even, dropped, review)
    except UsageError:
        plans.remove()  # made for this review: no other call can go on with them
        shards.remove()
        raise
    cut = _cut(out, chosen, rules, reviewed, shards, make_executor, tell)
    store = _describe(
        out,
        rules,
        planned,
        cut,
        data=data,
        seed=seed,
        split=split,
        balanced_out=len(every) - len(even),
        dropped=len(even) - len(reviewed),
        dropped_elsewhere=len(dropped) - (len(even) - len(reviewed)),
        failed=(*failed, *(failure for _, outcome in cut for failure in outcome.failed)),
    )
    write_run_record(out / _RUN, settings, {"seconds": round(time.perf_counter() - clock, 3)})
    plans.remove()
    shards.remove()
    return store


def _check_truth(table: Table, rules: Protocol) -> None:
    if not any(rules.serves(record.truth) for record in table):
        raise UsageError(
            expected=f"a data set that lists {rules.asks_for}, by which {rules.name} takes its patches",
            found=f"none on {count(len(table), 'image')}",
            do="take another protocol, or a data set with such truth",
        )


def _dropped(review: Path | None) -> frozenset[str]:
    """Keys of the patches that a review dropped."""
    decisions = {} if review is None else read_decisions(review)
    return frozenset(key for key, decision in decisions.items() if decision == "drop")


def _reviewed(patches: Sequence[Patch], dropped: frozenset[str], review: Path | None) -> list[Patch]:
    kept = [patch for patch in patches if patch.key not in dropped]
    if dropped and len(kept) == len(patches):
        raise UsageError(
            expected="a review of the patches of this data set, protocol, split and seed",
            found=f"{len(dropped)} dropped, none of which is among these {len(patches)}",
            do="give the --protocol, --split and --seed that the review was made with",
            where=review,
        )
    return kept


def _settings(
    table: Table, rules: Protocol, seed: int, split: Split | None, dropped: frozenset[str]
) -> dict[str, dict[str, Any]]:
    """What the store depends on."""
    known = [f"{record.truth.model_dump_json()}{record.facts.model_dump_json()}" for record in table]
    asked = {"protocol": rules.name, "seed": seed, "split": split}
    return {
        "package": {name: package_version(name) for name in _PACKAGES},
        "patches": asked | {"data": _sha256(known), "dropped": _sha256(sorted(dropped))},
    }


def _sha256(lines: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode("utf-8", "surrogateescape")).hexdigest()


def _finished(out: Path, settings: Mapping[str, Any]) -> PatchStore | None:
    """The store of an earlier run with these settings; None where there is none, or a damaged one."""
    try:
        record = json.loads((out / _RUN).read_text(encoding="utf-8"))
        return PatchStore.open(out) if record["settings"] == json.loads(json.dumps(settings)) else None
    except (OSError, ValueError, KeyError, TypeError, ReadError):
        return None


def _forget(out: Path) -> None:
    """Remove an earlier store, the manifest first; what else is in the folder stays."""
    for name in (MANIFEST, _RUN, ROWS, TRUTH):
        remove(out / name)
    _remove_shards(out, but=())
    remove_contact_sheets(out)


def _remove_shards(out: Path, but: Sequence[Shard]) -> None:
    """Remove shards of an earlier store, or of a run that was interrupted and had planned otherwise."""
    kept = {name for shard in but for name in (shard.name, shard.masks)}
    for path in out.glob("*.npy"):
        if path.name not in kept and re.fullmatch(r"(shard|mask)-\d{4,}\.npy", path.name):
            remove(path)


def _nothing(out: Path) -> tuple[()]:
    """What a journal finds of a complete run: a store that is whole has been taken over before."""
    return ()


def _tell_nobody(outcome: Outcome, done: int, total: int) -> None:
    pass


def _cut(
    out: Path,
    table: Table,
    rules: Protocol,
    patches: Sequence[Patch],
    shards: Journal[ShardDone],
    make_executor: MakeExecutor | None,
    tell: OnOutcome,
) -> list[tuple[ShardTask, ShardDone]]:
    """Cut the patches into shards, in place of an earlier store, and write what is known of the images."""
    if not shards.finished:
        _forget(out)  # not before: until here a wrong call, or an interruption, costs nothing
    tasks = share_out(out, table, rules, patches)
    done = cut_all(tasks, shards, make_executor, tell)
    _remove_shards(out, but=[outcome.shard for outcome in done if outcome.shard.patches])
    with replacing(out / TRUTH) as file:
        file.write(Truth(root=".", images=tuple(record.truth for record in table)).to_json().encode())
    return list(zip(tasks, done, strict=True))


def _describe(
    out: Path,
    rules: Protocol,
    planned: Sequence[ImagePlan],
    cut: Sequence[tuple[ShardTask, ShardDone]],
    failed: tuple[Failure, ...],
    **facts: Any,
) -> PatchStore:
    """Write the rows, the contact sheets and, last, the manifest: whoever sees that finds the rest."""
    patches = in_shards(cut)
    if not patches:
        raise _no_patches(out, rules, failed)
    left_out: Counter[str] = Counter()
    for plan in planned:
        left_out.update(plan.left_out)
    manifest = Manifest(
        microcalc=microcalc.__version__,
        protocol=rules.name,
        paper=rules.paper,
        size_px=rules.cut_px,
        spacing_mm=rules.spacing_mm,
        labels=rules.labels,
        channels=rules.channels,
        images=len(planned),
        counts=_counts(patches, rules),
        shards=tuple(outcome.shard for _, outcome in cut if outcome.shard.patches),
        left_out=dict(left_out.most_common()),
        spacing_assumed=sum(plan.spacing_assumed for plan in planned),
        failed=failed,
        notes=rules.notes,
        **facts,
    )
    store = PatchStore(out, manifest, patches)
    write_rows(out / ROWS, patches)
    write_contact_sheets(store)
    with replacing(out / MANIFEST) as file:
        file.write(manifest.to_json().encode())
    return store


def _counts(patches: Sequence[Patch], rules: Protocol) -> dict[str, dict[str, int]]:
    found = Counter((patch.split or "none", patch.label) for patch in patches)
    return {side: {label: found[side, label] for label in rules.labels} for side in sorted({side for side, _ in found})}


def _no_patches(out: Path, rules: Protocol, failed: Sequence[Failure]) -> MicrocalcError:
    why = f", such as {failed[0].path}: {failed[0].reason}" if failed else ""
    return MicrocalcError(
        expected=f"patches of the protocol {rules.name}",
        found=f"none; {count(len(failed), 'image')} failed{why}",
        do="mend these images, or take another protocol",
        where=out,
    )
