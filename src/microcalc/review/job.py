"""The job behind ``microcalc data review``: a data set and a protocol in, a review to be served out."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

from microcalc.batch import MakeExecutor
from microcalc.datasets import open_data
from microcalc.datasets.spec import named
from microcalc.findings import ImageFindings
from microcalc.patches.job import Outcome as PatchOutcome
from microcalc.patches.job import write_store
from microcalc.patches.protocols import find_protocol
from microcalc.review.detections import detect_all
from microcalc.review.ledger import Ledger
from microcalc.review.pictures import Pictures
from microcalc.review.ranking import review_order, suspicion
from microcalc.review.session import Session
from microcalc.truth import Split

Outcome = PatchOutcome | ImageFindings
OnOutcome = Callable[[Outcome, int, int], None]

#: In the output folder, beside the store of patches.
DECISIONS = "decisions.csv"


@contextlib.contextmanager
def open_review(
    data: str,
    protocol: str,
    out: Path,
    *,
    split: Split | None = None,
    seed: int = 0,
    make_executor: MakeExecutor | None = None,
    on_outcome: OnOutcome | None = None,
) -> Iterator[Session]:
    """A review of the patches of a protocol, to be served by a :class:`~microcalc.review.server.ReviewServer`.

    The folder holds the store of patches, what the default detector found on their images, and ``decisions.csv``. What
    of it is there already is taken as it is: opened again, a review goes on where it stopped.

    Args:
        data: SPEC of the data set.
        protocol: one of ``microcalc.patches.protocols.PROTOCOLS``.
        out: made where missing.
        split: the only side to take patches of; None: all images.
        seed: of the patches.
        make_executor: makes the pool that cuts patches and detects; None: here.
        on_outcome: told of each image as its patches are planned, of each shard of them as it is cut, and of the
            findings on each image.

    Raises:
        UsageError: no such data, protocol or split; other patches in the folder; a review of it is under way.
        ReadError: data or decisions are damaged.
        WriteError: the folder cannot be written.
    """
    find_protocol(protocol)  # before a large data set is listed
    table = open_data(data, make_executor=make_executor)
    with Ledger(out / DECISIONS) as ledger:
        store = write_store(
            out,
            protocol,
            table,
            data=named(data),
            split=split,
            seed=seed,
            make_executor=make_executor,
            resume=True,
            on_outcome=on_outcome,
        )
        with_patches = {patch.image for patch in store.patches}
        records = {record.truth.path: record for record in table if record.truth.path in with_patches}
        detections = detect_all(list(records.values()), out, make_executor=make_executor, on_outcome=on_outcome)
        suspicions = suspicion(store.patches, detections.findings)
        yield Session(
            f"Review of {protocol}",
            store,
            # The first label of a protocol is that of patches without what is looked for.
            review_order(store.labels == 0, suspicions),
            suspicions,
            detections.detector.threshold,
            ledger,
            Pictures(store, records, detections.findings),
        )
