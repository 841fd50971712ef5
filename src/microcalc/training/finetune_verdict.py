"""Whether a fine-tuned package takes the place of the one that it was made from."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from microcalc import findings
from microcalc.comparison.wording import AREA
from microcalc.datasets import Table
from microcalc.models import Metric, Package
from microcalc.output.words import count
from microcalc.training.finetune_parts import Parts

#: The interval of the gain may reach so far below 0.
TOLERATED_LOSS = 0.01
#: With fewer patients held out, resamples say too little of others for an interval to be trusted.
LEAST_PATIENTS = 10
RULE_WORDS = (
    f"accepted if {AREA['image']} on at least {LEAST_PATIENTS} held-out patients rises, and the 95 % interval of the "
    f"gain, paired by patient, does not reach below {-TOLERATED_LOSS:g}"
)


class Side(findings.Record):
    """One part of the images."""

    images: int
    patients: int
    normal_images: int

    @classmethod
    def of(cls, table: Table) -> Side:
        """Of a table."""
        normal = sum(bool(record.truth.normal) for record in table)
        return cls(images=len(table), patients=len(table.patients), normal_images=normal)


class Verdict(findings.Record):
    """What came of it: AUC50 of both packages on the test part, and their difference on the same resamples."""

    before: Metric
    after: Metric
    gain: Metric
    patients: int = Field(description="Held out, with an image that could be read.")
    rule: str = RULE_WORDS

    @classmethod
    def of(cls, metrics: Sequence[Metric], before: str, after: str, patients: int) -> Verdict:
        """Out of the metrics of the test part, by the names that they call the packages."""
        by_measure, area = {metric.measure: metric for metric in metrics}, AREA["image"]
        return cls(
            before=by_measure[f"{area}, {before}"],
            after=by_measure[f"{area}, {after}"],
            gain=by_measure[f"{area}, {after} minus {before}"],
            patients=patients,
        )

    @property
    def accepted(self) -> bool:
        """By the rule; a gain without an interval is none."""
        value, low = self.gain.value, self.gain.low
        rises = value is not None and low is not None and value > 0 and low >= -TOLERATED_LOSS
        return rises and not self.too_few

    @property
    def too_few(self) -> bool:
        """Too few patients were held out to say anything, whatever the gain."""
        return self.patients < LEAST_PATIENTS

    def __str__(self) -> str:
        """The gain in a sentence."""
        before, after, gain = self.before.value, self.after.value, self.gain
        whom = f"{AREA['image']} on {count(self.patients, 'held-out patient')}"
        if before is None or after is None or gain.value is None:
            return f"{whom}: not defined ({gain.remark})"
        ends = "no interval" if gain.low is None else f"95 % interval {gain.low:+.3f} to {gain.high:+.3f}"
        few = f"; too few patients to tell, at least {LEAST_PATIENTS} are needed" if self.too_few else ""
        return f"{whom}: {before:.3f} before, {after:.3f} after, gain {gain.value:+.3f} ({ends}){few}"


class Account(findings.Record):
    """``finetune.json``."""

    package: str = Field(description="That it began with.")
    package_sha256: str
    data: str
    synthetic: bool = Field(description="The lesions held out are synthetic: no image came with any.")
    train: Side
    validation: Side
    test: Side
    unannotated: int = Field(description="Images of which nobody knows whether they hold calcium: not used.")
    failed: int = Field(description="Images that could not be read.")
    without_lesions: int = Field(description="Copies of patients' normal images that no lesion could be put into.")
    verdict: Verdict
    accepted: bool

    @classmethod
    def of(
        cls, source: Package, data: str, parts: Parts, verdict: Verdict, *, failed: int, without_lesions: int
    ) -> Account:
        """Of a run that is over."""
        return cls(
            package=source.card.name,
            package_sha256=source.sha256,
            data=data,
            synthetic=parts.synthetic,
            train=Side.of(parts.train),
            validation=Side.of(parts.validation),
            test=Side.of(parts.test),
            unannotated=parts.unannotated,
            failed=failed,
            without_lesions=without_lesions,
            verdict=verdict,
            accepted=verdict.accepted,
        )
