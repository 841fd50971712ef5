"""What an explanation says, and its JSON (``microcalc.explanation/1``)."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from microcalc.findings import Box, Document, Record, RunInfo, Score, Spacing
from microcalc.mammogram import SpacingSource

#: Whether a class is one of the question's.
Role = Literal["for", "against"]
Method = Literal["gradcam", "gradcam++"]
Xy = tuple[float, float]


class ImageFacts(Record):
    """The image that was asked about."""

    name: str = Field(description="Of the file.")
    sop_instance_uid: str | None
    rows: int = Field(ge=1)
    columns: int = Field(ge=1)
    spacing_mm: Spacing | None = Field(description="(row, column), mm.")
    spacing_source: SpacingSource | None


class PatchPlace(Record):
    """What the network looked at."""

    bbox: Box = Field(description="On outer pixel edges of the original image.")
    size_px: int = Field(ge=1, description="Side as cut, at the pitch worked at.")
    network_px: int = Field(ge=1, description="Side as the network is fed.")
    spacing_mm: float | None = Field(description="Pixel pitch worked at; null: that of the image.")


class Model(Record):
    """The package that was asked, and what it was asked."""

    name: str
    version: str
    package_sha256: str
    network: str
    question: str = Field(description="The target whose score this is: how likely is one of these classes?")
    classes: tuple[str, ...] = Field(description="Those of the question.")


class Alike(Record):
    """Validation patches that scored alike, and the share of positives among them."""

    score_from: Score = Field(description="Above it (the first bin holds 0 too),")
    score_to: Score = Field(description="and up to it.")
    positives: int = Field(ge=0)
    patches: int = Field(ge=1)
    low: Score = Field(description="Wilson's 95 % interval of the share; patches are taken as independent.")
    high: Score


class Probability(Record):
    """What the score stands for on the calibration population, and there alone."""

    value: Score
    population: str
    alike: Alike | None = Field(description="null: the reason says why.")
    reason: str | None = Field(description="Why there is no interval.")


class Operation(Record):
    """On which side of an operating point the score lies."""

    name: str
    threshold: Score
    reached: bool
    meaning: str = Field(description="Of the point, in the words of the package's card.")


class Opinion(Record):
    """The answer."""

    score: Score
    calibrated: bool
    probability: Probability | None
    reason: str | None = Field(description="Why the score is a score and no probability.")
    operating_points: tuple[Operation, ...]
    classes: dict[str, Score] = Field(description="Probability of each class as the network gives it, not calibrated.")

    @model_validator(mode="after")
    def _a_probability_or_why_none(self) -> Opinion:
        if (self.probability is None) == (self.reason is None):
            raise ValueError("give a probability, or the reason why there is none")
        return self


class Map(Record):
    """A map in numbers."""

    role: Role
    class_name: str
    peak: Xy | None = Field(description="x, y in pixels of the original image; null: the map is empty.")
    standing_out: Score = Field(description="Share of the patch above Li's threshold.")


class Evidence(Record):
    """Where the network sees what it says."""

    method: Method
    layer: str = Field(description="Of the network, whose output the maps explain.")
    maps: tuple[Map, Map] = Field(description="Of the likeliest class of the question, and of the others.")


class Explanation(Document):
    """A second opinion on one spot."""

    schema_: Literal["microcalc.explanation/1"] = Field(default="microcalc.explanation/1", alias="schema")
    image: ImageFacts
    at: Xy = Field(description="x, y of the spot in pixels of the image.")
    patch: PatchPlace
    model: Model
    opinion: Opinion
    evidence: Evidence
    doubts: tuple[str, ...] = Field(description="What is doubtful about how the image was read.")
    notes: tuple[str, ...] = Field(description="How the image was read.")
    run: RunInfo
