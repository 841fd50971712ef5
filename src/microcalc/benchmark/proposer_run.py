"""Every proposer on every image of a data set, kept image by image, so that an interrupted run can go on."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import microcalc
from microcalc.batch import MakeExecutor, work
from microcalc.benchmark.proposing import Task, died, process
from microcalc.benchmark.records import Proposed, ProposedImage
from microcalc.datasets import Table
from microcalc.errors import ReadError
from microcalc.findings import Failure
from microcalc.journal import Journal
from microcalc.output import replacing
from microcalc.provenance import write_run_record
from microcalc.truth import Truth


def run_proposers(
    table: Table,
    proposers: Sequence[str],
    rule: str,
    out: Path,
    *,
    make_executor: MakeExecutor | None,
    resume: bool,
    tell: Callable[[ProposedImage | Failure, int], None],
) -> Proposed:
    """Propose, and write ``candidates.json`` and ``run.json`` into a folder.

    Args:
        table: images and truth.
        proposers: as :func:`~microcalc.benchmark.named.parse_proposer` takes them.
        rule: what counts as a hit, for marks on calcifications.
        out: made where missing.
        make_executor: makes the pool that works on the images; None: the work is done here.
        resume: take over what an earlier run into the same folder has finished.
        tell: called with the outcome of each image, and how many there have been.

    Raises:
        ReadError: not one image could be processed.
        UsageError: an earlier run that does not match.
        WriteError: the folder cannot be written.
        KeyboardInterrupt: what is finished is kept.
    """
    started = time.perf_counter()
    truth = Truth(root=".", images=tuple(record.truth for record in table)).to_json()
    settings = {
        "package": {"version": microcalc.__version__},
        "candidates": {"proposers": list(proposers), "rule": rule},
        "data": {"truth": hashlib.sha256(truth.encode()).hexdigest()},
    }
    journal = Journal(out / "candidates.partial.jsonl", settings, ProposedImage, _results, resume=resume)
    done: dict[str, ProposedImage | Failure] = {image.path: image for image in journal.finished}
    tasks = [Task(record, tuple(proposers), rule) for record in table if record.truth.path not in done]
    for _, outcome in work(tasks, process, died, make_executor):
        done[outcome.path] = outcome
        if isinstance(outcome, ProposedImage):
            journal.add(outcome)
        tell(outcome, len(done))
    proposed = _proposed([done[record.truth.path] for record in table], proposers, rule)
    with replacing(out / "candidates.json") as file:
        file.write(proposed.to_json().encode())
    facts = {"failed": len(proposed.failed), "seconds": round(time.perf_counter() - started, 1)}
    write_run_record(out / "run.json", settings, facts)
    journal.remove()
    return proposed


def _proposed(outcomes: Sequence[ProposedImage | Failure], proposers: Sequence[str], rule: str) -> Proposed:
    images = tuple(outcome for outcome in outcomes if isinstance(outcome, ProposedImage))
    failed = tuple(outcome for outcome in outcomes if isinstance(outcome, Failure))
    if not images:
        raise ReadError(
            expected="an image that can be processed",
            found=failed[0].reason,
            do="check the data",
            where=failed[0].path,
        )
    return Proposed(proposers=tuple(proposers), rule=rule, images=images, failed=failed)


def _results(folder: Path) -> Sequence[ProposedImage] | None:
    """What a complete run into the folder has left."""
    path = folder / "candidates.json"
    return Proposed.from_json(path).images if path.exists() else None
