"""Findings: the one result type at every boundary, and its JSON (``microcalc.findings/1``).

Coordinates are pixels of the original image: x = column, y = row, 0-based, pixel centres at integers; boxes
``(x0, y0, x1, y1)`` lie on outer pixel edges. Scores lie in 0..1.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, Self, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from microcalc.errors import ReadError
from microcalc.mammogram import Side, SpacingSource

#: Begins an entry of ``ImageFindings.warnings`` that records how the image was read and raises no doubt.
NOTE = "note: "

Score = Annotated[float, Field(ge=0.0, le=1.0)]


def _ordered(box: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    if not (box[0] <= box[2] and box[1] <= box[3]):
        raise ValueError(f"a box must be (x0, y0, x1, y1) with x0 <= x1 and y0 <= y1, got {box}")
    return box


Box = Annotated[tuple[float, float, float, float], AfterValidator(_ordered)]
#: (row, column), mm.
Spacing = tuple[Annotated[float, Field(gt=0.0)], Annotated[float, Field(gt=0.0)]]
Distribution = Literal["grouped", "regional", "linear", "segmental", "diffuse"]


class Record(BaseModel):
    """Base of every JSON record: immutable, no unknown keys, no NaN or infinity."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, populate_by_name=True)


RecordT = TypeVar("RecordT", bound=Record)


def read_record(kind: type[RecordT], path: Path, expected: str) -> RecordT:
    """Read one JSON record of the given kind from a file.

    Raises:
        ReadError: the file is missing, is not JSON, or breaks the schema.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ReadError(
            expected=expected, found=error.strerror or str(error), do="check the path", where=path
        ) from error
    return parse_record(kind, content, path, expected)


def parse_record(kind: type[RecordT], content: bytes, path: Path, expected: str) -> RecordT:
    """The JSON record of the given kind that a file holds, with errors that name the first thing wrong.

    Raises:
        ReadError: the content is not JSON, or breaks the schema.
    """
    try:
        return kind.model_validate_json(content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "the file"
        raise ReadError(
            expected=expected,
            found=f"{place}: {first['msg']} ({error.error_count()} such)",
            do="write it anew or mend it by hand",
            where=path,
        ) from error


class Document(Record):
    """A record that is a file of its own; its schema names its kind and version."""

    schema_: str = Field(alias="schema")

    def to_json(self) -> str:
        """The file's content."""
        return self.model_dump_json(by_alias=True, indent=1)

    @classmethod
    def from_json(cls, path: Path) -> Self:
        """Read and validate a file.

        Raises:
            ReadError: the file is missing, is not JSON, or breaks the schema.
        """
        return read_record(cls, path, cls._expected())

    @classmethod
    def from_bytes(cls, content: bytes, path: Path) -> Self:
        """Validate the content of a file that has been read; errors name ``path``.

        Raises:
            ReadError: the content is not JSON, or breaks the schema.
        """
        return parse_record(cls, content, path, cls._expected())

    @classmethod
    def _expected(cls) -> str:
        return f"a file of {cls.model_fields['schema_'].default}"


class Calcification(Record):
    """One mark."""

    x: float
    y: float
    diameter_mm: float | None = Field(default=None, ge=0.0, description="Diameter of the disc of equal area, mm.")
    score: Score
    malignancy: Score | None = None
    polygon: tuple[tuple[float, float], ...] | None = Field(
        default=None,
        min_length=3,
        exclude_if=lambda polygon: polygon is None,
        description="Outline, [x, y] on outer pixel edges; missing where the detector draws none.",
    )


class Cluster(Record):
    """A group of marks (design: DBSCAN over marks at or above the threshold)."""

    members: tuple[int, ...] = Field(description="Indices into the image's calcifications.")
    bbox: Box
    count: int = Field(ge=1)
    area_mm2: float = Field(ge=0.0, description="Area of the convex hull of the mark discs, mm2.")
    density_per_cm2: float = Field(ge=0.0)
    distribution: Distribution
    score: Score
    malignancy: Score | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Cluster:
        if self.count != len(self.members) or len(set(self.members)) != len(self.members):
            raise ValueError(f"count must equal the number of distinct members, got {self.count} and {self.members}")
        return self


class ImageFindings(Record):
    """Everything found on one image, down to the detector's score floor."""

    path: str = Field(description="POSIX path relative to the report's root, or a hash.")
    sop_instance_uid: str | None = None
    study: str | None = None
    side: Side | None = None
    view: str | None = None
    rows: int = Field(ge=1)
    columns: int = Field(ge=1)
    spacing_mm: Spacing | None = Field(default=None, description="(row, column), mm.")
    spacing_source: SpacingSource | None = None
    breast_area_cm2: float | None = Field(default=None, ge=0.0)
    seconds: float = Field(ge=0.0)
    calcifications: tuple[Calcification, ...] = ()
    clusters: tuple[Cluster, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def cluster_of(self) -> dict[int, int]:
        """Index of a mark -> number, from 1, of the cluster it is in; of the first where it is in several."""
        numbered = list(enumerate(self.clusters, 1))
        return {member: number for number, cluster in reversed(numbered) for member in cluster.members}

    @property
    def doubts(self) -> tuple[str, ...]:
        """The warnings that ask for a second look."""
        return tuple(warning for warning in self.warnings if not warning.startswith(NOTE))

    @property
    def notes(self) -> tuple[str, ...]:
        """The warnings that only say how the image was read."""
        return tuple(warning.removeprefix(NOTE) for warning in self.warnings if warning.startswith(NOTE))

    @model_validator(mode="after")
    def _spacing_with_its_source(self) -> ImageFindings:
        if (self.spacing_mm is None) != (self.spacing_source is None):
            raise ValueError(f"spacing and its source go together, got {self.spacing_mm} from {self.spacing_source}")
        return self

    @model_validator(mode="after")
    def _inside(self) -> ImageFindings:
        for mark in self.calcifications:
            if not (-0.5 <= mark.x <= self.columns - 0.5 and -0.5 <= mark.y <= self.rows - 0.5):
                raise ValueError(f"mark at ({mark.x}, {mark.y}) lies outside {self.columns} x {self.rows} pixels")
        for cluster in self.clusters:
            if not all(0 <= m < len(self.calcifications) for m in cluster.members):
                raise ValueError(f"cluster members {cluster.members} exceed {len(self.calcifications)} calcifications")
        return self


class DetectorInfo(Record):
    """Which detector, at which operating point; ``threshold`` decides what is shown, ``score_floor`` what is listed."""

    name: str
    version: str
    package_sha256: str | None = None
    operating_point: str
    threshold: Score
    score_floor: Score
    calibrated: bool

    @model_validator(mode="after")
    def _floor_below_threshold(self) -> DetectorInfo:
        if self.score_floor > self.threshold:
            raise ValueError(f"the score floor {self.score_floor} lies above the threshold {self.threshold}")
        return self


@dataclass(frozen=True)
class OperatingPoint:
    """A named threshold of a detector, with its false-positive rate in words a reader understands, and their source."""

    name: str
    threshold: float
    false_positives: str


class RunInfo(Record):
    """How the run went: package version, device, start (ISO 8601, UTC) and wall seconds."""

    microcalc: str
    device: str
    started: str
    seconds: float = Field(ge=0.0)


class Failure(Record):
    """An input that could not be processed, and why, in one line."""

    path: str
    reason: str


class Report(Document):
    """A whole run."""

    schema_: Literal["microcalc.findings/1"] = Field(default="microcalc.findings/1", alias="schema")
    root: str
    detector: DetectorInfo
    run: RunInfo
    images: tuple[ImageFindings, ...] = ()
    failed: tuple[Failure, ...] = ()

    @model_validator(mode="after")
    def _clusters_above_threshold(self) -> Report:
        for image in self.images:
            for cluster in image.clusters:
                if any(image.calcifications[m].score < self.detector.threshold for m in cluster.members):
                    raise ValueError(
                        f"{image.path}: a cluster holds a mark below the threshold {self.detector.threshold}"
                    )
        return self
