"""What a heatmap says, and its JSON (``microcalc.heatmap/1``)."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from microcalc.explain.records import ImageFacts, Model, Operation
from microcalc.findings import Box, Document, Record, RunInfo, Score


class Grid(Record):
    """The windows that the image was divided into."""

    size_px: int = Field(ge=1, description="Side of a patch, at the pitch worked at.")
    stride_px: int = Field(ge=1, description="From one patch to the next; the last of a line ends with the image.")
    spacing_mm: float | None = Field(description="Pixel pitch worked at; null: that of the image.")
    breast_share: float = Field(ge=0, le=1, description="Patches with less of the breast were left out.")


class Cell(Record):
    """One patch."""

    bbox: Box = Field(description="On outer pixel edges of the original image.")
    score: Score = Field(description="Of the package's question; calibrated where the package is.")


class Heatmap(Document):
    """What a patch classifier says of all patches of an image."""

    schema_: Literal["microcalc.heatmap/1"] = Field(default="microcalc.heatmap/1", alias="schema")
    image: ImageFacts
    model: Model
    calibrated: bool = Field(description="On patches; not on the highest patch of an image.")
    grid: Grid
    cells: tuple[Cell, ...] = Field(description="Row by row; none where no patch holds enough of the breast.")
    highest: Cell | None = Field(description="The image's own assessment; null where there is no patch.")
    operating_point: Operation = Field(description="The package's default, and whether the highest reaches it.")
    reached: int = Field(ge=0, description="Patches at or above the operating point.")
    doubts: tuple[str, ...] = Field(description="What is doubtful about how the image was read.")
    notes: tuple[str, ...] = Field(description="How the image was read.")
    run: RunInfo
