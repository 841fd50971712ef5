"""What systems reach on one part of the data, as the card of a package states it: AUC50 with intervals, in pairs.

FROC as Cortina Uribe et al., section 2.2.3: sensitivity over all target calcifications, false positives on normal
images only, up to 50 an image. Intervals and differences by bootstrap over patients, on the same resamples.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray

from microcalc.evaluation.bootstrap import FrocDraws, Resamples, compare, froc_draws, interval, resample
from microcalc.evaluation.classification import auc, average_precision
from microcalc.evaluation.froc import POINTS, Froc, froc
from microcalc.evaluation.scores import ImageScores
from microcalc.evaluation.strata import strata
from microcalc.findings import OperatingPoint
from microcalc.models import Metric
from microcalc.output.words import count
from microcalc.training.pool import Pool
from microcalc.training.samples import RULE
from microcalc.truth import Split

Array = NDArray[np.float64]

_NO_SPREAD = "no interval: too few patients"
_NO_DRAWS = "no interval: not resampled"


@dataclass(frozen=True, eq=False)
class Measured:
    """One part of the data, scored by several systems."""

    #: Name -> the account of every image, in one order.
    images: Mapping[str, Sequence[ImageScores]]
    split: Split
    #: What the data are called.
    data: str
    #: Of the resamples.
    seed: int
    #: On numbers that the system was chosen by.
    remark: str | None = None
    #: Images that could not be read, and are not among these.
    left_out: int = 0

    @cached_property
    def curves(self) -> dict[str, Froc]:
        """The FROC of each system."""
        return {system: froc(images) for system, images in self.images.items()}

    @cached_property
    def bands(self) -> dict[str, dict[str, list[ImageScores]]]:
        """Band of SNR -> system -> its account of the calcifications in the band, against all normal images."""
        by_system = {system: strata(images) for system, images in self.images.items()}
        return {
            parts[0].name: {system: list(part.images) for system, part in zip(by_system, parts, strict=True)}
            for parts in zip(*by_system.values(), strict=True)
            if parts[0].by == "snr"
        }

    def metrics(self, pairs: Sequence[tuple[str, str]]) -> tuple[Metric, ...]:
        """AUC50, sensitivities and differences of AUC50, which are also by SNR.

        Args:
            pairs: systems whose difference is asked for, first minus second.

        Raises:
            UsageError: no target lesion, or no normal image.
        """
        resamples = resample([image.truth for image in next(iter(self.images.values()))], seed=self.seed)
        rows = [*self._of_part(self.images, resamples, pairs, "")]
        for band, images in self.bands.items():
            rows += self._of_part(images, resamples, pairs, f", SNR {band}")
        return tuple(rows)

    def at(self, system: str, points: Sequence[OperatingPoint]) -> Iterator[Metric]:
        """What a system finds and lets through at each of its operating points."""
        curve = self.curves[system]
        for point in points:
            last = int(np.count_nonzero(curve.thresholds >= point.threshold)) - 1
            for measure, values in (
                ("sensitivity", curve.sensitivity),
                ("false marks per normal image", curve.false_positives),
            ):
                name = f"{measure} at {point.name}, {system}"
                yield self._of_curve(name, float(values[last]), None, curve)

    def _of_part(
        self,
        images: Mapping[str, Sequence[ImageScores]],
        resamples: Resamples,
        pairs: Sequence[tuple[str, str]],
        part: str,
    ) -> Iterator[Metric]:
        draws = {name: froc_draws(of, resamples) for name, of in images.items()}
        curves = {name: froc(of) for name, of in images.items()}
        for name, curve in curves.items():
            yield self._of_curve(f"AUC50, {name}{part}", curve.auc50, interval(draws[name].area), curve)
            if not part:
                yield from self._sensitivities(name, curve, draws[name])
        for first, second in pairs:
            paired = compare(draws[first].area, draws[second].area)
            difference = curves[first].auc50 - curves[second].auc50
            ends = paired.difference_low, paired.difference_high
            yield self._of_curve(f"AUC50, {first} minus {second}{part}", difference, ends, curves[first])

    def _sensitivities(self, name: str, curve: Froc, draws: FrocDraws) -> Iterator[Metric]:
        for point, rate in enumerate(POINTS["image"]):
            value, ends = curve.sensitivity_at(rate), interval(draws.sensitivity[:, point])
            yield self._of_curve(f"sensitivity at {rate:g} FP, {name}", value, ends, curve)

    def _of_curve(self, measure: str, value: float, ends: tuple[float, float] | None, curve: Froc) -> Metric:
        return self._metric(measure, value, ends, curve.lesions, normal_images=curve.normal_images)

    def _metric(
        self,
        measure: str,
        value: float,
        ends: tuple[float, float] | None,
        n: int,
        *,
        level: str = "calcification",
        normal_images: int | None = None,
    ) -> Metric:
        known = ends is not None and np.isfinite(ends).all()
        low, high = ends if known and ends is not None else (None, None)
        remarks = (None if known else _NO_DRAWS if ends is None else _NO_SPREAD, self.remark, self._left_out)
        return Metric.model_validate(
            {
                "measure": measure,
                "value": value,
                "low": low,
                "high": high,
                "data": self.data,
                "split": self.split,
                "n": n,
                "normal_images": normal_images,
                "level": level,
                "rule": RULE.name,
                "remark": "; ".join(filter(None, remarks)) or None,
            }
        )

    @property
    def _left_out(self) -> str | None:
        """An image that cannot be read is in no number, hard or easy as it may have been."""
        if not self.left_out:
            return None
        images = self.left_out + len(next(iter(self.images.values())))
        return f"without {self.left_out} of {count(images, 'image')}, which could not be read"


@dataclass(frozen=True, eq=False, kw_only=True)
class MeasuredPool(Measured):
    """Systems that score the same candidates."""

    pool: Pool
    #: Name -> (candidates,) scores in 0..1 of each image.
    scores: Mapping[str, Sequence[Array]]

    @classmethod
    def of(
        cls,
        pool: Pool,
        split: Split,
        data: str,
        scores: Mapping[str, Sequence[Array]],
        seed: int,
        remark: str | None = None,
    ) -> Self:
        """The account of a pool by systems that have scored its candidates."""
        images = {
            system: [
                one.scored(record, scores) for record, one, scores in zip(pool.records, pool.samples, of, strict=True)
            ]
            for system, of in scores.items()
        }
        return cls(images, split, data, seed, remark=remark, left_out=pool.left_out, pool=pool, scores=scores)

    def metrics(self, pairs: Sequence[tuple[str, str]]) -> tuple[Metric, ...]:
        """Before those of every :class:`Measured`: AUROC and AUPRC over candidates."""
        return (*(row for system in self.scores for row in self._of_candidates(system)), *super().metrics(pairs))

    def at(self, system: str, points: Sequence[OperatingPoint]) -> Iterator[Metric]:
        """Beside that of every :class:`Measured`: the most that the system could find."""
        yield from super().at(system, points)
        found, targets = (sum(getattr(one, count) for one in self.pool.samples) for count in ("found", "targets"))
        yield self._of_curve("share of calcifications with a candidate", found / targets, None, self.curves[system])

    def _of_candidates(self, system: str) -> Iterator[Metric]:
        scores = self.pool.of_rows(self.scores[system])
        for measure, area in (("AUROC", auc), ("AUPRC", average_precision)):
            value = area(self.pool.labels, scores)
            yield self._metric(f"{measure}, {system}", value, None, len(self.pool), level="candidate")
