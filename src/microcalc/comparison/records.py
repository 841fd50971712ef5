"""What an evaluation found, and its JSON (``microcalc.evaluation/1``).

A number that is not defined on these images is null, and a remark says why. Curves leave out their first point, where
nothing is marked. Percentages are never used: shares lie in 0..1. Intervals hold 95 %.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from microcalc.comparison.pairing import Unmatched
from microcalc.evaluation.bootstrap import Unit
from microcalc.evaluation.froc import Per
from microcalc.evaluation.levels import Level
from microcalc.findings import DetectorInfo, Document, Record
from microcalc.truth import Split


class Estimate(Record):
    """A number with its interval."""

    value: float | None
    low: float | None = None
    high: float | None = None
    n: int | None = Field(default=None, description="What it was counted on.")
    remark: str | None = Field(default=None, description="Why there is no value or no interval, or what to know of it.")


class At(Record):
    """A sensitivity at a stated rate of false positives."""

    false_positives: float
    sensitivity: Estimate


class Account(Record):
    """Where every lesion and every detection went."""

    threshold: float | None = Field(description="Detections at or above it; null: all that are listed.")
    lesions: int = Field(description="That a detector is asked for.")
    ignored_lesions: int
    lesions_found: int
    lesions_missed: int
    detections: int = Field(description="Each in exactly one of the five places below.")
    detections_hit: int = Field(description="That count for a lesion.")
    duplicates: int = Field(
        description="On lesions that others count for, with better scores, or that too few marks lie in."
    )
    false_positives: int = Field(
        description="On images where they count: those known to be normal; all, where no image is."
    )
    false_positives_elsewhere: int = Field(description="On other images, which enter no rate.")
    ignored: int = Field(description="Detections that touch only regions to ignore.")


class ImageAccount(Record):
    """The account of one image."""

    path: str
    normal: bool | None
    listed: Account = Field(description="All detections of the file.")
    shown: Account | None = Field(description="Those at or above the detector's threshold.")


class FrocResult(Record):
    """A free-response curve: a step function, of which the points are given at which it rises, and its last.

    Beyond that it continues level. The point that the detector's own threshold reaches is among them too. Counted as
    the public code does (legacy), every point is given: it joins them by straight lines. The band and
    the sensitivities at stated rates are of the step function even so.
    """

    lesions: int
    normal_images: int
    denominator: float = Field(description="Images or cm2 that false positives are divided by.")
    limit: float = Field(description="Up to which the area is taken.")
    area: Estimate = Field(
        description="Area up to the limit, divided by it: AUC50 where the limit is 50; legacy: up to the curve's "
        "end, where that comes first."
    )
    legacy_area: float | None = Field(description="The same by the public code's definition.")
    at: tuple[At, ...]
    thresholds: tuple[float, ...]
    false_positives: tuple[float, ...]
    sensitivity: tuple[float, ...]
    band_at: tuple[float, ...] = Field(description="False positives at which the band is given.")
    band_low: tuple[float, ...]
    band_high: tuple[float, ...]


class Operation(Record):
    """Cases told apart at one threshold."""

    name: str = Field(description="own: the detector's; others, such as youden: chosen on these very cases.")
    threshold: float
    chosen_here: bool = Field(description="True: chosen on the cases it is measured on, and so too good.")
    true_positives: int
    false_positives: int
    true_negatives: int
    false_negatives: int
    metrics: dict[str, Estimate] = Field(
        description="accuracy, sensitivity, specificity, ppv, npv (Wilson's interval, as if cases were independent), "
        "f1 and mcc (no interval)."
    )


class CaseResult(Record):
    """Positive cases against negative ones, by a score of each.

    Images, breasts or patients with a lesion against those known to be normal, by their best score; or, as malignancy,
    malignant lesions against benign ones, by the malignancy of the detection that hits each.
    """

    level: Level
    positives: int
    negatives: int
    left_out: int = Field(
        description="Neither: not known to be normal; as malignancy, missed, or of unknown pathology or malignancy."
    )
    auc: Estimate = Field(description="Area under the ROC curve, interval by resampling.")
    auc_delong: Estimate = Field(description="The same with DeLong's interval, as if cases were independent.")
    average_precision: Estimate
    thresholds: tuple[float | None, ...] = Field(
        description="null: reached by no threshold, cases without a detection."
    )
    false_positive_rate: tuple[float, ...]
    true_positive_rate: tuple[float, ...]
    operations: tuple[Operation, ...]


class Histogram(Record):
    """Scores counted in bins of equal width from 0 to 1, by what the detection is."""

    edges: tuple[float, ...]
    counts: dict[str, tuple[int, ...]] = Field(description="hit, duplicate, false positive, elsewhere, ignored.")


class Reliability(Record):
    """Whether scores are probabilities: the share of detections on a lesion, of all that are not ignored.

    On all images, so that a calcification that nobody listed counts as false.
    """

    scores: tuple[float, ...] = Field(description="Mean score in each bin that holds any.")
    shares: tuple[Estimate, ...] = Field(description="Of detections on a lesion; Wilson interval.")
    expected_calibration_error: Estimate


class Stratum(Record):
    """A part of the images or lesions, scored by itself."""

    by: str = Field(description="density, age, side, view, vendor, size, morphology, snr, pathology.")
    name: str
    patients: int | None = Field(description="Who have its lesions; null where the truth names no patients.")
    lesions: int
    normal_images: int
    area: Estimate
    at: At = Field(description="The second of the stated rates of false positives.")


class SystemResult(Record):
    """One system."""

    name: str
    source: str = Field(description="Name of the file, without its folder.")
    sha256: str
    detector: DetectorInfo | None
    listed: Account = Field(description="All detections of the file.")
    shown: Account | None = Field(description="Those at or above the detector's threshold.")
    froc: FrocResult
    afroc: Estimate = Field(description="Figure of merit by lesion, jackknife interval.")
    cases: CaseResult
    malignancy: CaseResult | None = Field(description="Benign from malignant, on lesions hit; null without scores.")
    histogram: Histogram
    reliability: Reliability | None
    strata: tuple[Stratum, ...]
    images: tuple[ImageAccount, ...]


class Difference(Record):
    """Two systems on the same resamples: first minus second."""

    first: str
    second: str
    measure: str = Field(
        description="As a report writes it: AUC50, sensitivity at 1, ROC AUC, AFROC, ROC AUC (DeLong)."
    )
    difference: Estimate
    p_value: float | None = Field(
        description="Two-sided, of no difference: by resampling; for AFROC the jackknife's t-test; or DeLong's. Not "
        "adjusted for several comparisons."
    )
    least_p: float | None = Field(
        description="The smallest p-value that so many resamples can give: one as small may be smaller in truth. Null "
        "where nothing was resampled."
    )


class Settings(Record):
    """How it was scored."""

    level: Level
    rule: str
    per: Per
    split: Split | None
    unmatched: Unmatched
    resample: Unit
    draws: int
    seed: int


class TruthInfo(Record):
    """What it was scored against."""

    source: str = Field(description="Name of the file, without its folder.")
    sha256: str
    images: int
    normal_images: int
    patients: int | None
    lesions: int


class Evaluation(Document):
    """A whole evaluation."""

    schema_: Literal["microcalc.evaluation/1"] = Field(default="microcalc.evaluation/1", alias="schema")
    microcalc: str = Field(description="Version.")
    settings: Settings
    truth: TruthInfo
    remarks: tuple[str, ...] = Field(description="What a reader of the numbers has to know.")
    systems: tuple[SystemResult, ...]
    differences: tuple[Difference, ...]
