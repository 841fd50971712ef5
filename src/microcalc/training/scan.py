"""A detector on the images of a part: its marks, and which of them are true."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from microcalc.batch import MakeExecutor
from microcalc.benchmark.detector_run import common_spacing
from microcalc.datasets import Record, Table
from microcalc.detection import DetectionOptions, OnOutcome, detect_to_folder
from microcalc.errors import UsageError
from microcalc.evaluation.detections import Detections
from microcalc.evaluation.matching import match
from microcalc.evaluation.scores import ImageScores, score_image
from microcalc.findings import ImageFindings, Report
from microcalc.training.samples import RULE

Array = NDArray[np.float64]
FINDINGS = "findings.json"


@dataclass(frozen=True, eq=False)
class Scan:
    """What a detector found on the images that it could process."""

    images: tuple[ImageScores, ...]
    #: (marks,) of all images, those that count: whether each hits a calcification, or none at all.
    labels: NDArray[np.bool_]
    #: (marks,) their scores.
    scores: Array
    #: Images that could not be processed.
    left_out: int

    def rescored(self, change: Callable[[Array], Array]) -> Scan:
        """The same marks with their scores changed by a function that never falls."""
        images = tuple(_rescored(image, change) for image in self.images)
        return dataclasses.replace(self, images=images, scores=change(self.scores))


def scan(
    table: Table,
    detector: str,
    folder: Path,
    *,
    make_executor: MakeExecutor | None,
    resume: bool,
    on_outcome: OnOutcome | None = None,
) -> Report:
    """Detect on all images of a part; ``findings.json`` is left in the folder, as ``microcalc detect`` writes it.

    Raises:
        MicrocalcError: see :func:`~microcalc.detection.detect_to_folder`.
    """
    return detect_to_folder(
        [record.path for record in table],
        folder,
        DetectionOptions(detector, spacing_mm=common_spacing(table)),
        formats=["json"],
        make_executor=make_executor,
        resume=resume,
        on_outcome=on_outcome,
    )


def accounts(table: Table, reports: Mapping[str, Report]) -> dict[str, Scan]:
    """Which of each detector's marks are true, by the rule ``disc14``, on the images that all of them could process.

    Args:
        table: the images, with their truth.
        reports: by detector, of these images.

    Raises:
        UsageError: there is no such image.
    """
    found = {name: by_path(report) for name, report in reports.items()}
    common = [record for record in table if all(record.path.resolve() in of for of in found.values())]
    if not common:
        raise UsageError(
            expected="images that can be processed",
            found=f"none of {len(table)}",
            do="check the data (microcalc data check)",
        )
    return {name: _account(common, of, len(table) - len(common)) for name, of in found.items()}


def by_path(report: Report) -> dict[Path, ImageFindings]:
    """What a report says, by the files that its images are."""
    return {(Path(report.root) / image.path).resolve(): image for image in report.images}


def _account(records: Sequence[Record], found: Mapping[Path, ImageFindings], left_out: int) -> Scan:
    matched = [_matched(record, found[record.path.resolve()]) for record in records]
    return Scan(
        images=tuple(scored for scored, _, _ in matched),
        labels=np.concatenate([labels for _, labels, _ in matched]),
        scores=np.concatenate([scores for _, _, scores in matched]),
        left_out=left_out,
    )


def _matched(record: Record, found: ImageFindings) -> tuple[ImageScores, NDArray[np.bool_], Array]:
    """The account of an image; of its marks that count, whether each is a hit, and its score."""
    assert found.spacing_mm is not None  # a detector states it, or what it assumed
    marks = Detections.of_marks(found.calcifications, found.spacing_mm)
    result = match(marks, record.truth, RULE, found.spacing_mm)
    counts = result.hit | result.false_positive
    return score_image(marks, result, record.truth, RULE), result.hit[counts], marks.scores[counts]


def _rescored(image: ImageScores, change: Callable[[Array], Array]) -> ImageScores:
    return dataclasses.replace(
        image,
        best=_where_found(image.best, change),
        false_positives=change(image.false_positives),
        highest=float(_where_found(np.array([image.highest]), change)[0]),
    )


def _where_found(scores: Array, change: Callable[[Array], Array]) -> Array:
    """Scores changed, but those of what was missed."""
    return np.where(np.isfinite(scores), change(np.clip(scores, 0, 1)), scores)
