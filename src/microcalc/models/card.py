"""The card of a model package, ``card.yaml``: what it is, what it was made of, how good it is and what it is not for.

A card tells the whole truth about a package, to people and to the code: numbers are numbers with their intervals, and
what is not known is null, with the reason beside it.
"""

from __future__ import annotations

from os import PathLike
from typing import Annotated, Literal, Self

from pydantic import Field, JsonValue, model_validator

from microcalc.errors import ReadError
from microcalc.evaluation.calibration import Isotonic, Platt
from microcalc.evaluation.levels import Level
from microcalc.findings import Document, OperatingPoint, Record, Score
from microcalc.recipe import KINDS, CalibrationMethod, Network, PatchInput, Proposer, Recipe, recipe_from
from microcalc.recipe.base import Count, Name, Positive
from microcalc.recipe.segmentation import SegmentationInput
from microcalc.recipe.yaml_text import Text, read_yaml, record_from, write_yaml
from microcalc.truth import Split

SCHEMA = "microcalc.package/1"
CARD = "card.yaml"

#: What a package may hold. Nothing that runs code when it is read: no pickle, whatever it is called.
FILE_TYPES = ("safetensors", "onnx", "zip", "json", "csv", "svg", "png")

FileName = Annotated[str, Field(pattern=rf"^[A-Za-z0-9_][A-Za-z0-9_.-]*\.({'|'.join(FILE_TYPES)})$", max_length=100)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Member(Record):
    """A package within the package."""

    file: FileName
    name: Name
    version: Text
    sha256: Sha256 = Field(description="Of its own card, which stands for the whole of it.")


class Input(Record):
    """What the model is fed."""

    spacing_mm: Positive | Literal["native"] = Field(description="Pixel pitch worked at, mm, or that of the image.")
    proposer: Proposer | None = Field(description="Of candidates; null where every place is looked at.")
    patch: PatchInput | None = Field(default=None, description="How a network's patches are made ready.")
    network: Network | None = Field(default=None, description="That sees them; null where there is none.")
    segmentation: SegmentationInput | None = Field(
        default=None, description="How whole images are fed to a network that maps them; null where none does."
    )
    classifiers: tuple[Member, ...] = Field(
        default=(), description="Of a patch map, in the order of its recipe: whose probabilities it lays over images."
    )


class CalibrationBin(Record):
    """Cases whose calibrated scores lie above ``low`` and up to ``high``; the first bin holds 0 too."""

    low: Score
    high: Score
    positives: int = Field(ge=0)
    count: Count

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if not (self.low < self.high and self.positives <= self.count):
            raise ValueError(f"{self.positives} positives of {self.count} from {self.low} to {self.high}")
        return self


class Calibration(Record):
    """How scores were turned into probabilities, and of whom."""

    method: CalibrationMethod
    population: Text = Field(description="On whom it was fitted: outside it, a score is a score and no probability.")
    parameters: Isotonic | Platt
    bins: tuple[CalibrationBin, ...] = Field(
        default=(), description="Of the cases that it was fitted on, those without any left out; none: not counted."
    )

    @model_validator(mode="after")
    def _method_of_the_parameters(self) -> Self:
        if not self.method.endswith(type(self.parameters).__name__.lower()):
            raise ValueError(f"the parameters are not those of the method {self.method}")
        return self


class Training(Record):
    """What the model was trained on, and with."""

    data: Text
    terms: Text = Field(description="Under which the data may be used.")
    images: Count | None = Field(description="null where the data do not say.")
    patients: Count | None = Field(description="null where the data do not say.")
    coarsest_spacing_mm: Positive = Field(description="Largest pixel pitch worked at, mm.")
    epochs: Count | None = Field(default=None, description="Done; null where there are none, or it is not known.")
    patches: Count | None = Field(default=None, description="Drawn in all epochs, each as often as it came.")
    seed: Annotated[int, Field(ge=0)] | None = Field(description="null where it is not known.")
    seconds: Annotated[float, Field(ge=0.0)] | None = Field(
        description="Of all steps, those of images worked on side by side added up; null where it is not known."
    )
    made_with: dict[str, str] = Field(min_length=1, description="Package -> version.")


class Metric(Record):
    """A measured number, with its 95 % interval."""

    measure: Text = Field(description="As a report writes it: AUC50, sensitivity at 1 FP.")
    value: float | None = Field(description="null where it is not defined; the remark says why.")
    low: float | None
    high: float | None
    data: Text
    split: Split | None = Field(description="Part of the data; null where they have no parts.")
    n: int | None = Field(ge=0, description="What it was counted on.")
    normal_images: int | None = Field(default=None, ge=0, description="On which false marks were counted.")
    level: Level | Literal["candidate", "patch"] = Field(description="What is judged one by one.")
    rule: str | None = Field(description="Of matching, such as disc14; null where nothing is matched.")
    remark: Text | None = Field(default=None, description="Why there is no value, or no interval; what it is worth.")

    @model_validator(mode="after")
    def _undefined_with_a_reason(self) -> Self:
        if (self.low is None) != (self.high is None):
            raise ValueError("an interval has two ends, low and high")
        if self.low is not None and self.high is not None and (self.value is None or self.low > self.high):
            raise ValueError(f"an interval runs up around a value, got {self.value} in {self.low} to {self.high}")
        if self.low is None and self.remark is None:
            raise ValueError("a number without an interval needs a remark that says why")
        return self


class Card(Document):
    """What stands in ``card.yaml``, in this order."""

    schema_: Literal["microcalc.package/1"] = Field(default="microcalc.package/1", alias="schema")
    name: Name
    version: Text
    kind: Name = Field(description="Of its recipe, and of the detector that it makes.")
    title: Text
    intended_use: Text
    limitations: Text
    malignancy: Annotated[str, Field(pattern=r"^(experimental|validated: .+)$")] | None = Field(
        description="null: it says nothing of malignancy. validated: on which biopsy-proven cases."
    )
    licence: Text
    citation: Text
    input: Input
    labels: tuple[Text, ...] = Field(min_length=1, description="What a high score stands for, one an output.")
    score_floor: Score = Field(description="Marks below it are not listed.")
    operating_points: tuple[OperatingPoint, ...] = Field(min_length=1)
    default_operating_point: Name
    calibrated: bool
    calibration: Calibration | None
    metrics: tuple[Metric, ...]
    training: Training
    recipe: dict[str, JsonValue] = Field(description="The whole recipe that it was trained by.")
    files: dict[FileName, Sha256] = Field(default={}, description="Every other file of the package -> its SHA-256.")

    @model_validator(mode="after")
    def _operating_points_fit(self) -> Self:
        names = [point.name for point in self.operating_points]
        if len(set(names)) < len(names):
            raise ValueError("two operating points have the same name")
        if self.default_operating_point not in names:
            raise ValueError(f"the default operating point {self.default_operating_point!r} is not among them")
        for point in self.operating_points:
            if not self.score_floor <= point.threshold <= 1:
                raise ValueError(f"the threshold of {point.name} must lie between score floor and 1")
        return self

    @model_validator(mode="after")
    def _calibrated_with_a_calibration(self) -> Self:
        if self.calibrated != (self.calibration is not None):
            raise ValueError("calibrated and calibration go together")
        return self

    @model_validator(mode="after")
    def _recipe_of_the_kind(self) -> Self:
        if self.kind not in KINDS:
            raise ValueError(f"no package is of the kind {self.kind!r}; there are {', '.join(KINDS)}")
        if self.recipe.get("kind") != self.kind:
            raise ValueError(f"the recipe is of kind {self.recipe.get('kind')!r}, the package of kind {self.kind!r}")
        return self

    def load_recipe(self) -> Recipe:
        """The recipe it was trained by.

        Raises:
            ReadError: this version does not know such a recipe any more.
        """
        return recipe_from(self.recipe, f"the recipe of the package {self.name}")

    def to_yaml(self) -> str:
        """The file's content."""
        return write_yaml(self.model_dump(mode="json", by_alias=True))

    @classmethod
    def from_yaml(cls, content: bytes, where: str | PathLike[str]) -> Self:
        """Read and validate a card.

        Raises:
            ReadError: it is no YAML, breaks the schema, or was written for a newer version.
        """
        values = read_yaml(content, "the card of a model package, in YAML", where)
        if values.get("schema") != SCHEMA:
            raise ReadError(
                expected=f"a card with schema: {SCHEMA}",
                found=f"schema: {values.get('schema')}",
                do="update microcalc where that is a later one",
                where=where,
            )
        return record_from(cls, values, f"a card of {SCHEMA}", where)
