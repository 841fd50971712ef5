"""What systems reach on one part of the data, as the card of a package states it: AUC50 with intervals, in pairs.

FROC as Cortina Uribe et al., section 2.2.3: sensitivity over all target calcifications, false positives on normal
images only, up to 50 an image. Intervals and differences by bootstrap over patients, on the same resamples.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from microcalc.evaluation.bootstrap import Resamples, compare, froc_draws, interval, resample
from microcalc.evaluation.classification import auc, average_precision
from microcalc.evaluation.froc import POINTS, froc
from microcalc.evaluation.scores import ImageScores
from microcalc.evaluation.strata import strata
from microcalc.models import Metric
from microcalc.training.pool import Pool
from microcalc.training.samples import RULE
from microcalc.truth import Split

Array = NDArray[np.float64]

_NO_SPREAD = "no interval: too few patients"
_NO_DRAWS = "no interval: not resampled"


@dataclass(frozen=True, eq=False)
class Measured:
    """One part of the data, scored by several systems."""

    pool: Pool
    split: Split
    #: What the data are called.
    data: str
    #: Name -> (candidates,) scores in 0..1 of each image.
    scores: Mapping[str, Sequence[Array]]
    #: Of the resamples.
    seed: int
    #: On numbers that the system was chosen by.
    remark: str | None = None

    def images(self, system: str) -> list[ImageScores]:
        """The account of every image by one system."""
        parts = zip(self.pool.records, self.pool.samples, self.scores[system], strict=True)
        return [one.scored(record, scores) for record, one, scores in parts]

    def metrics(self, reference: str) -> tuple[Metric, ...]:
        """AUROC and AUPRC over candidates, AUC50, sensitivities, and differences from the reference, also by SNR.

        Args:
            reference: the system that all others are compared with.

        Raises:
            UsageError: no target lesion, or no normal image.
        """
        images = {name: self.images(name) for name in self.scores}
        resamples = resample([record.truth for record in self.pool.records], seed=self.seed)
        rows = [row for name in self.scores for row in self._of_candidates(name)]
        rows += self._of_part(images, resamples, reference, "")
        for parts in zip(*(strata(of) for of in images.values()), strict=True):
            if parts[0].by == "snr":
                by_system = {name: list(part.images) for name, part in zip(images, parts, strict=True)}
                rows += self._of_part(by_system, resamples, reference, f", SNR {parts[0].name}")
        return tuple(rows)

    def _of_candidates(self, system: str) -> Iterator[Metric]:
        scores = self.pool.of_rows(self.scores[system])
        for measure, area in (("AUROC", auc), ("AUPRC", average_precision)):
            value = area(self.pool.labels, scores)
            yield self._metric(f"{measure}, {system}", value, None, len(self.pool), level="candidate")

    def _of_part(
        self, images: Mapping[str, list[ImageScores]], resamples: Resamples, reference: str, part: str
    ) -> Iterator[Metric]:
        draws = {name: froc_draws(of, resamples) for name, of in images.items()}
        curves = {name: froc(of) for name, of in images.items()}
        lesions = curves[reference].lesions
        for name, curve in curves.items():
            yield self._metric(f"AUC50, {name}{part}", curve.auc50, interval(draws[name].area), lesions)
            if not part:
                for point, rate in enumerate(POINTS["image"]):
                    value, drawn = curve.sensitivity_at(rate), draws[name].sensitivity[:, point]
                    yield self._metric(f"sensitivity at {rate:g} FP, {name}", value, interval(drawn), lesions)
        for name, curve in curves.items():
            if name != reference:
                paired = compare(draws[name].area, draws[reference].area)
                yield self._metric(
                    f"AUC50, {name} minus {reference}{part}",
                    curve.auc50 - curves[reference].auc50,
                    (paired.difference_low, paired.difference_high),
                    lesions,
                )

    def _metric(
        self, measure: str, value: float, ends: tuple[float, float] | None, n: int, level: str = "calcification"
    ) -> Metric:
        known = ends is not None and np.isfinite(ends).all()
        reason = None if known else _NO_DRAWS if ends is None else _NO_SPREAD
        low, high = ends if known and ends is not None else (None, None)
        return Metric.model_validate(
            {
                "measure": measure,
                "value": value,
                "low": low,
                "high": high,
                "data": self.data,
                "split": self.split,
                "n": n,
                "level": level,
                "rule": RULE.name,
                "remark": "; ".join(filter(None, (reason, self.remark))) or None,
            }
        )
