"""Boxes of 14 px around the marks of a detector: Table 5 of Cortina Uribe et al., on whole mammograms."""

from __future__ import annotations

import numpy as np

from microcalc.benchmark.means import Means
from microcalc.benchmark.records import BoxNumbers
from microcalc.comparison.estimates import Measured, why_no_interval
from microcalc.comparison.scored import ScoredSystem
from microcalc.evaluation.average_precision import BoxRanking, match_boxes
from microcalc.evaluation.bootstrap import Resamples


def box_numbers(system: ScoredSystem, resamples: Resamples) -> BoxNumbers:
    """Average precision and recall of a detector, with intervals.

    Args:
        system: scored by a rule about calcifications, on images of which at least one has a target.
        resamples: of these images.
    """
    ranking = BoxRanking.of(
        [match_boxes(it.detections, it.truth, it.scores.lesions, it.spacing_mm) for it in system.images]
    )
    value = ranking.average_precision(np.ones(len(system.images)))
    why_none = why_no_interval({"lesions": resamples.owner[ranking.targets > 0]}, resamples.unit)
    draws = np.full(resamples.draws, np.nan)
    if why_none is None:
        draws = np.array([ranking.average_precision(weights[resamples.owner]) for weights in resamples.weights])
    measured = Measured("average precision", value, draws, int(ranking.targets.sum()), why_none)
    return BoxNumbers(
        average_precision=measured.estimate(),
        average_recall=Means(resamples).share(ranking.recalled(), ranking.targets),
    )
