"""Truth: what is known about an image, and its JSON (``microcalc.truth/1``).

Coordinates as in :mod:`microcalc.findings`. Everything but paths, positions and boxes may be null. Corners of polygons
lie on outer pixel edges, as boxes do: a lesion of one pixel at (7, 9) reaches from (6.5, 8.5) to (7.5, 9.5). Outlines
drawn through the centres of rim pixels are half a pixel too narrow on each side: whoever reads them in widens them.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from microcalc.findings import Box, Document, Record, Spacing
from microcalc.mammogram import Side

Pathology = Literal["benign", "malignant", "unknown"]
Split = Literal["train", "validation", "test"]
Polygon = tuple[tuple[float, float], ...]


class TrueCalcification(Record):
    """A known calcification; without diameter or polygon it is a point."""

    x: float
    y: float
    diameter_mm: float | None = Field(default=None, ge=0.0)
    polygon: Polygon | None = None
    pathology: Pathology | None = None
    morphology: str | None = None
    snr: float | None = Field(default=None, description="Matched-filter SNR against the local background.")


class TrueCluster(Record):
    """A known cluster; ``members`` are indices into the image's calcifications, where those are known one by one."""

    bbox: Box
    polygon: Polygon | None = None
    members: tuple[int, ...] | None = None
    pathology: Pathology | None = None
    morphology: str | None = None
    distribution: str | None = None


class Ignored(Record):
    """A region where a mark counts neither for nor against a detector."""

    bbox: Box
    polygon: Polygon | None = None
    reason: str | None = None


class ImageTruth(Record):
    """What is known about one image. ``normal`` means known to be free of calcifications."""

    path: str
    sop_instance_uid: str | None = None
    patient: str | None = None
    study: str | None = None
    split: Split | None = None
    normal: bool | None = None
    side: Side | None = None
    view: str | None = None
    rows: int | None = Field(default=None, ge=1)
    columns: int | None = Field(default=None, ge=1)
    spacing_mm: Spacing | None = None
    density: Literal["A", "B", "C", "D"] | None = None
    age: float | None = Field(default=None, ge=0.0)
    vendor: str | None = None
    breast_area_cm2: float | None = Field(default=None, ge=0.0)
    calcifications: tuple[TrueCalcification, ...] = ()
    clusters: tuple[TrueCluster, ...] = ()
    ignore: tuple[Ignored, ...] = ()

    @model_validator(mode="after")
    def _consistent(self) -> ImageTruth:
        if self.normal and (self.calcifications or self.clusters):
            raise ValueError(f"{self.path}: normal means free of calcifications, but some are listed")
        for cluster in self.clusters:
            if not all(0 <= m < len(self.calcifications) for m in cluster.members or ()):
                raise ValueError(f"cluster members {cluster.members} exceed {len(self.calcifications)} calcifications")
        return self


class Truth(Document):
    """The truth of a set of images."""

    schema_: Literal["microcalc.truth/1"] = Field(default="microcalc.truth/1", alias="schema")
    root: str
    images: tuple[ImageTruth, ...] = ()
