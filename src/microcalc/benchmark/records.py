"""What a benchmark found, and its JSON (``microcalc.benchmark/1``).

A number that is not defined on these images is null, and a remark says why. Shares lie in 0..1. Intervals hold 95 %.
What the detectors find, and how they differ, stands in ``evaluation/evaluation.json`` beside it; what each proposer
does on each image, in ``candidates/candidates.json`` (``microcalc.candidates/1``).
"""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from microcalc.comparison.records import Estimate
from microcalc.evaluation.bootstrap import Unit
from microcalc.evaluation.tables import Published
from microcalc.findings import DetectorInfo, Document, Failure, Record
from microcalc.recipe.proposer import Proposer
from microcalc.truth import Split


class Seconds(Record):
    """Seconds an image, without reading its file."""

    median: float = Field(ge=0.0)
    ninetieth: float = Field(ge=0.0, description="90 % of the images took no longer.")
    images: int = Field(ge=1)


class BoxNumbers(Record):
    """Of boxes of 14 px at 0.07 mm around the best 100 marks of each image and around the calcifications asked for."""

    average_precision: Estimate = Field(description="At an IoU of 0.5: AP50.")
    average_recall: Estimate = Field(description="Mean over IoUs of 0.50 to 0.95 in steps of 0.05.")


class DetectorResult(Record):
    """One detector: where its findings lie, and how long it took."""

    name: str = Field(description="As the evaluation calls it.")
    detector: DetectorInfo
    kind: str | None = Field(description="Of its model package; null: it has none.")
    computed: str | None = Field(description="What its network was computed by and in; null: it has no network.")
    findings: str = Field(description="POSIX, below the folder of this file.")
    area: Estimate | None = Field(description="Under the FROC, as in the evaluation; null: it failed on every image.")
    boxes: BoxNumbers | None = Field(description="null: likewise, or the rule is about clusters.")
    published: tuple[Published, ...] = Field(description="What its paper prints of it, on other images.")
    seconds: Seconds | None = Field(description="null: it failed on every image.")
    seconds_by_image: tuple[float, ...]
    resumed: int = Field(description="How many of the images an earlier run did, maybe on another machine.")
    failed: tuple[Failure, ...]


class Outcome(Record):
    """What one proposer does on one image."""

    candidates: int = Field(ge=0)
    found: tuple[bool, ...] = Field(description="For each lesion that is asked for, whether a candidate hits it.")
    false_positives: int = Field(ge=0)
    covered: float = Field(ge=0.0, le=1.0, description="Share of the breast within reach of a candidate.")
    seconds: float = Field(ge=0.0)
    processor_seconds: float = Field(ge=0.0, description="Of all processors together, whatever else they do.")

    @property
    def hits(self) -> int:
        """Lesions found."""
        return sum(self.found)


class ProposedImage(Record):
    """One image, with what every proposer does on it."""

    path: str = Field(description="As the truth names it.")
    lesions: tuple[int, ...] = Field(description="Those asked for, among the truth's calcifications.")
    outcomes: dict[str, Outcome] = Field(description="By name of the proposer.")

    @model_validator(mode="after")
    def _account_for_every_lesion(self) -> Self:
        for name, outcome in self.outcomes.items():
            if len(outcome.found) != len(self.lesions):
                raise ValueError(f"{name} accounts for {len(outcome.found)} of {len(self.lesions)} lesions")
        return self


class Proposed(Document):
    """What every proposer does on every image: ``candidates/candidates.json``."""

    schema_: Literal["microcalc.candidates/1"] = Field(default="microcalc.candidates/1", alias="schema")
    proposers: tuple[str, ...] = Field(description="As the call has them.")
    rule: str = Field(description="What counts as a hit.")
    images: tuple[ProposedImage, ...]
    failed: tuple[Failure, ...]


class Recall(Record):
    """The share of the lesions of one kind that a proposer finds."""

    by: str = Field(description="snr, size.")
    name: str
    recall: Estimate


class ProposerResult(Record):
    """One proposer on all images."""

    name: str = Field(description="As the call has it.")
    proposer: Proposer
    recall: Estimate = Field(description="Share of all lesions found.")
    sensitivity: Estimate = Field(description="The same image by image: mean over images with a lesion (Equation 8).")
    fp_per_tp: Estimate = Field(description="False positives per lesion found, mean over images with one (Equation 8).")
    fp_per_tp_median: Estimate
    none_found: int = Field(description="Images with a lesion and none found: they have no false positives per one.")
    fp_per_normal_image: Estimate
    candidates: Estimate = Field(description="Mean over all images.")
    covered: Estimate = Field(
        description="Mean share of the breast within reach of a candidate: about the recall of as many thrown blindly."
    )
    seconds: Seconds
    processor_seconds: Seconds
    recall_by: tuple[Recall, ...]


class CandidateComparison(Record):
    """Proposers of candidates side by side, before any scoring."""

    rule: str
    resample: Unit
    draws: int
    seed: int
    images: int
    lesions: int
    normal_images: int
    patients: int | None = Field(description="null where the truth does not name all of them.")
    remarks: tuple[str, ...]
    proposers: tuple[ProposerResult, ...]
    failed: tuple[Failure, ...]


class Benchmark(Document):
    """A whole benchmark."""

    schema_: Literal["microcalc.benchmark/1"] = Field(default="microcalc.benchmark/1", alias="schema")
    microcalc: str = Field(description="Version.")
    data: str = Field(description="SPEC of the data set, without the folders that it names.")
    split: Split | None
    images: int
    remarks: tuple[str, ...] = Field(description="What a reader of the numbers has to know.")
    detectors: tuple[DetectorResult, ...]
    candidates: CandidateComparison | None

    @property
    def failed(self) -> tuple[Failure, ...]:
        """Every failure of any method."""
        of_candidates = () if self.candidates is None else self.candidates.failed
        return tuple(failure for result in self.detectors for failure in result.failed) + of_candidates
