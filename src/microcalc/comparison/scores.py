"""What the scores of a system's detections are worth: by what each detection is, and as probabilities."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from microcalc.comparison.estimates import estimate, share
from microcalc.comparison.records import Histogram, Reliability
from microcalc.comparison.scored import ScoredSystem
from microcalc.evaluation.calibration import expected_calibration_error, reliability

#: Bins of the histogram of scores.
_BINS = 50


def histogram(system: ScoredSystem) -> Histogram:
    """Scores by what the detection is."""
    edges = np.linspace(0.0, 1.0, _BINS + 1)
    return Histogram(
        edges=tuple(edges.tolist()),
        counts={kind: tuple(np.histogram(of, edges)[0].tolist()) for kind, of in _scores_by_kind(system).items()},
    )


def reliability_of(system: ScoredSystem) -> Reliability | None:
    """Whether scores are the share of detections on a lesion, of all that are not ignored; None without any."""
    scores = _scores_by_kind(system)
    true = np.concatenate([scores["hit"], scores["duplicate"]])
    false = np.concatenate([scores["false positive"], scores["elsewhere"]])
    values = np.concatenate([true, false])
    if not values.size:
        return None
    return reliability_numbers(np.repeat([True, False], [true.size, false.size]), values)


def reliability_numbers(labels: NDArray[np.bool_], values: NDArray[np.float64]) -> Reliability:
    """Whether scores (n,) in 0..1 are the share of positive cases, labels (n,); at least one."""
    bins = reliability(labels, values)
    error = expected_calibration_error(labels, values)
    return Reliability(
        scores=tuple(bins.scores.tolist()),
        shares=tuple(share(int(hits), int(n)) for hits, n in zip(bins.positives, bins.counts, strict=True)),
        expected_calibration_error=estimate(
            error, (np.nan, np.nan), values.size, "no interval: it has none in closed form"
        ),
    )


def _scores_by_kind(system: ScoredSystem) -> dict[str, NDArray[np.float64]]:
    """(detections,) scores of those of each kind."""

    def gather(place: str, judged: bool | None = None) -> NDArray[np.float64]:
        parts = [
            image.detections.scores[getattr(image.match, place)]
            for image in system.images
            if judged in (None, image.judged)
        ]
        return np.concatenate([np.empty(0), *parts])

    return {
        "hit": gather("hit"),
        "duplicate": gather("duplicate"),
        "false positive": gather("false_positive", judged=True),
        "elsewhere": gather("false_positive", judged=False),
        "ignored": gather("ignored"),
    }
