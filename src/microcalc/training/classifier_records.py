"""What a patch classifier reaches, and its JSON (``microcalc.patch-report/1``).

A number that is not defined on these patches is null, and a remark says why. Shares lie in 0..1. Intervals hold 95 %,
by resampling patients with all their patches unless they say otherwise.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from microcalc.comparison.records import Difference, Estimate, Reliability
from microcalc.evaluation.bootstrap import Unit
from microcalc.evaluation.classification import Metric, Proportion
from microcalc.findings import Document, Record
from microcalc.training.history import EpochRow
from microcalc.truth import Split

#: Low and high.
Interval = tuple[float, float]


class AtPoint(Record):
    """Patches of one part told apart at one operating point, which validation chose."""

    name: str
    threshold: float = Field(description="Patches with a score at or above it are called positive.")
    true_positives: int
    false_positives: int
    true_negatives: int
    false_negatives: int
    metrics: dict[Metric, Estimate]
    wilson: dict[Proportion, Interval] = Field(description="The same with every patch taken as independent.")
    as_printed: dict[Proportion, Interval] = Field(
        description="As Pesapane et al. print theirs: normal approximation, n the whole part; empty for other papers."
    )


class Against(Record):
    """A plain score of the same patches, and what the network is ahead of it."""

    name: str
    auc: Estimate
    difference: Difference = Field(description="Network minus plain score, on the same resamples.")


class Stratum(Record):
    """Some of the patches of a part, judged by themselves."""

    by: Literal["snr", "age"] = Field(
        description="snr: positives of the band against all negatives; age: patches of patients of that age."
    )
    name: str
    positives: int
    negatives: int
    patients: int | None = Field(description="Behind the positives; null where the data do not say.")
    auc: Estimate
    sensitivity: Estimate = Field(description="At the default operating point, as accuracy is.")
    accuracy: Estimate
    contrast: Against | None


class TargetResult(Record):
    """One question put to the network, on one part."""

    target: str
    classes: tuple[str, ...]
    malignancy: bool = Field(description="Whether it tells malignant from benign.")
    uncalibrated: str | None = Field(description="Why its scores are plain probabilities; null: they are calibrated.")
    chosen_by: dict[str, str] = Field(description="Name of the operating point -> how validation chose it.")
    positives: int
    negatives: int
    auc: Estimate
    average_precision: Estimate
    false_positive_rate: tuple[float, ...] = Field(description="Corners of the ROC.")
    true_positive_rate: tuple[float, ...]
    points: tuple[AtPoint, ...]
    reliability: Reliability
    strata: tuple[Stratum, ...]
    contrast: Against | None = Field(description="null for malignancy, of which contrast says nothing.")


class PartResult(Record):
    """Everything on one part of the data."""

    split: Split
    images: int
    patients: int | None = Field(description="null where the data do not say.")
    unit: Unit = Field(description="What is resampled.")
    patches: dict[str, int] = Field(description="By class.")
    confusion: tuple[tuple[int, ...], ...] = Field(description="A row for each true class, a column for each called.")
    accuracy: Estimate = Field(description="Share of patches whose likeliest class is the true one.")
    targets: tuple[TargetResult, ...]


class Beside(Record):
    """A number of the paper, and ours of the same name."""

    place: str
    name: str
    measure: str
    target: str | None
    printed: str
    low: float | None
    high: float | None
    worth: str = Field(description="What the printed number can be taken for.")
    ours: dict[Split, Estimate] = Field(description="By part; empty where there is no such number here.")


class ClassifierReport(Document):
    """Of one training run."""

    schema_: Literal["microcalc.patch-report/1"] = Field(default="microcalc.patch-report/1", alias="schema")
    microcalc: str = Field(description="Version.")
    recipe: str
    title: str
    paper: str | None
    data: str
    protocol: str
    patch: str = Field(description="Side and pixel pitch, in words.")
    seed: int
    draws: int = Field(description="Resamples behind each interval.")
    remarks: tuple[str, ...] = Field(description="What a reader of the numbers has to know.")
    choices: tuple[str, ...] = Field(description="Of the recipe, where the paper is silent, or set by hand.")
    trained_on: dict[str, int] = Field(description="Training patches by class.")
    trained_images: int
    trained_patients: int | None
    left_out: dict[str, int] = Field(description="Patches of the store in no part, by reason.")
    network: str
    parameters: int = Field(description="Weights of the network.")
    start: str = Field(description="Where its weights started.")
    history: tuple[EpochRow, ...]
    kept: int = Field(description="The epoch whose weights are kept.")
    stopped: str = Field(description="Why training ended.")
    seconds: float
    waiting: float | None = Field(description="Share of the training time spent waiting for data.")
    contrast: str = Field(description="What plain contrast is taken of.")
    parts: tuple[PartResult, ...]
    beside: tuple[Beside, ...]
