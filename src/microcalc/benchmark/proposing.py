"""Every proposer on one image: the candidates before any scoring, and what each of them is.

Cortina Uribe et al., section 2.1.5. A lesion is found if the disc of 14 px around a candidate covers a pixel of it (the
rule ``disc14``); of several candidates on one lesion one counts, and the others neither for nor against.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from microcalc.batch import death
from microcalc.benchmark.named import parse_proposer
from microcalc.benchmark.records import Outcome, ProposedImage
from microcalc.candidates import Candidates, Propose
from microcalc.candidates.geometry import PAPER_SPACING_MM
from microcalc.datasets import Record
from microcalc.detectors.view import WorkingView, working_view
from microcalc.errors import MicrocalcError
from microcalc.evaluation.detections import Detections, disc_boxes
from microcalc.evaluation.matching import DISC14_RADIUS_MM, ImageMatch, match, parse_rule
from microcalc.findings import Failure


@dataclass(frozen=True)
class Task:
    """One image for all proposers: what a worker process needs to know."""

    record: Record
    #: As :func:`~microcalc.benchmark.named.parse_proposer` takes them.
    proposers: tuple[str, ...]
    rule: str


def process(task: Task) -> ProposedImage | Failure:
    """Read one image and try every proposer on it; reading it and finding the breast are not timed."""
    try:
        view = working_view(task.record.read(), PAPER_SPACING_MM)
        return _propose(task, view)
    except MicrocalcError as error:
        return Failure(path=task.record.truth.path, reason=error.reason)


def _propose(task: Task, view: WorkingView) -> ProposedImage:
    found = {name: _try(_loaded(name), task, view) for name in task.proposers}
    targets = next(iter(found.values()))[0].target  # of the truth and the rule: whoever proposes, the same
    return ProposedImage(
        path=task.record.truth.path,
        lesions=tuple(np.flatnonzero(targets).tolist()),
        outcomes={name: outcome for name, (_, outcome) in found.items()},
    )


@lru_cache
def _loaded(name: str) -> Propose:
    """Kept: every image needs it, and importing it must not be timed."""
    return parse_proposer(name).load()


def _try(propose: Propose, task: Task, view: WorkingView) -> tuple[ImageMatch, Outcome]:
    start, processor_start = time.perf_counter(), time.process_time()
    candidates = propose(view.image, view.mask, view.working_spacing_mm)
    seconds, processor_seconds = time.perf_counter() - start, time.process_time() - processor_start
    account = match(_detections(candidates, view), task.record.truth, parse_rule(task.rule), view.spacing_mm)
    return account, Outcome(
        candidates=len(candidates.scores),
        found=tuple((account.hit_by[account.target] >= 0).tolist()),
        false_positives=int(account.false_positive.sum()),
        covered=covered(candidates.centres, view.mask, DISC14_RADIUS_MM / view.working_spacing_mm),
        seconds=round(seconds, 4),
        processor_seconds=round(processor_seconds, 4),
    )


def _detections(candidates: Candidates, view: WorkingView) -> Detections:
    """In pixels of the original image."""
    xy = view.frame.to_original(candidates.centres)
    boxes = disc_boxes(xy, candidates.diameters_mm, view.spacing_mm)
    return Detections(xy, candidates.scores, boxes, np.full(len(xy), np.nan))


def covered(centres: NDArray[np.float64], breast: NDArray[np.bool_], radius_px: float) -> float:
    """Share of the breast, (rows, columns), that lies within the radius of one of the (N, 2) x, y."""
    free = np.ones(breast.shape, np.uint8)
    columns, rows = np.rint(centres).astype(int).T
    free[rows, columns] = 0
    if free.all():
        return 0.0
    distance = cv2.distanceTransform(free, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return float((distance[breast] <= radius_px).mean())


def died(task: Task) -> Failure:
    """The outcome of an image that took its process down with it."""
    return death(task.record.truth.path)
