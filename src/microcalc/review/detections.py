"""What the default detector finds on every image of a data set, kept on disk so that it is looked for once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import microcalc
from microcalc.batch import MakeExecutor, death, work
from microcalc.datasets import Record
from microcalc.detectors import load_detector
from microcalc.errors import MicrocalcError
from microcalc.findings import DetectorInfo, Failure, ImageFindings
from microcalc.journal import Journal

Outcome = ImageFindings | Failure
OnOutcome = Callable[[Outcome, int, int], None]


@dataclass(frozen=True)
class Detections:
    """What was found, image by image, and on which images nothing could be looked for."""

    detector: DetectorInfo
    #: By the path of the image in its truth.
    findings: dict[str, ImageFindings]
    failed: tuple[Failure, ...]


def detect_all(
    records: Sequence[Record],
    folder: Path,
    *,
    make_executor: MakeExecutor | None = None,
    on_outcome: OnOutcome | None = None,
) -> Detections:
    """Detect on every image, or take what an earlier call left in the folder; images that failed are tried again.

    Args:
        records: images of one data set.
        folder: where the findings are kept; those of another detector or version stay beside them.
        make_executor: makes the pool that works on the images; None: the work is done here.
        on_outcome: called after each image with its outcome, the number done and the number of all.

    Raises:
        ReadError: what an earlier call left is damaged.
        WriteError: the folder cannot be written.
    """
    detector = load_detector()
    info = detector.info(detector.operating_point())
    settings = {"package": {"version": microcalc.__version__}, "detector": info.model_dump()}
    # Named after what the findings depend on: with a new version they are made anew.
    name = f"detections-{info.name}-{info.version}-microcalc-{microcalc.__version__}.jsonl"
    journal = Journal(folder / name, settings, ImageFindings, lambda _: None, resume=True)
    findings = {image.path: image for image in journal.finished}
    todo = [record for record in records if record.truth.path not in findings]
    failed: list[Failure] = []
    for done, (_, outcome) in enumerate(work(todo, _detect, _died, make_executor), start=len(records) - len(todo) + 1):
        if isinstance(outcome, ImageFindings):
            journal.add(outcome)
            findings[outcome.path] = outcome
        else:
            failed.append(outcome)
        if on_outcome:
            on_outcome(outcome, done, len(records))
    return Detections(info, findings, tuple(failed))


def _detect(record: Record) -> Outcome:
    detector = load_detector()
    try:
        return detector.detect(record.read(), detector.operating_point(), record.truth.path).findings
    except MicrocalcError as error:
        return Failure(path=record.truth.path, reason=error.reason)


def _died(record: Record) -> Outcome:
    return death(record.truth.path)
