"""One image of a data set: where its file is, what is known about it, and what else the data set says of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pydantic import Field

from microcalc import findings
from microcalc.errors import ReadError
from microcalc.findings import Box
from microcalc.imageio import read_mammogram
from microcalc.mammogram import Mammogram
from microcalc.truth import ImageTruth, Pathology, Polygon, TrueCalcification, TrueCluster


class OtherFinding(findings.Record):
    """A finding that is no calcification: a mass, an asymmetry, a marked lymph node."""

    kind: str = Field(description="In lower case, in the field's terms: mass, asymmetry, architectural distortion.")
    bbox: Box
    polygon: Polygon | None = None
    pathology: Pathology | None = None
    assessment: str | None = Field(default=None, description="BI-RADS category, such as 4a.")
    description: str | None = Field(default=None, description="Shape and margins, in the words of the data set.")


class Facts(findings.Record):
    """What a data set says of an image beyond its truth; nothing of it is needed to detect calcifications."""

    assessment: str | None = Field(default=None, description="BI-RADS category of the breast: 0 to 6, or 4a, 4b, 4c.")
    pathology: Pathology | None = Field(default=None, description="Of the breast or image as a whole, where proven.")
    others: tuple[OtherFinding, ...] = ()
    pectoral_muscle: Polygon | None = None
    film: bool | None = Field(default=None, description="Whether it is a digitised film.")
    exam: Literal["current", "prior"] | None = None
    processing: Literal["FOR PRESENTATION", "FOR PROCESSING"] | None = None
    remarks: tuple[str, ...] = Field(default=(), description="What is odd about it, as the reader of the set noticed.")


@dataclass(frozen=True)
class Record:
    """One image file, its truth, and what else is known."""

    path: Path
    truth: ImageTruth
    facts: Facts = field(default_factory=Facts)

    @property
    def findings(self) -> tuple[TrueCalcification | TrueCluster | OtherFinding, ...]:
        """Calcifications, clusters, and findings of other kinds."""
        return (*self.truth.calcifications, *self.truth.clusters, *self.facts.others)

    def read(self) -> Mammogram:
        """The image; where its file states no pixel spacing, with the data set's.

        Raises:
            ReadError: the file cannot be read, or is another image than that of its truth.
        """
        mammogram = read_mammogram(self.path)
        stated = (self.truth.rows or mammogram.shape[0], self.truth.columns or mammogram.shape[1])
        if mammogram.shape != stated:
            raise self._another(f"{stated[0]} x {stated[1]} pixels", f"{mammogram.shape[0]} x {mammogram.shape[1]}")
        uids = mammogram.sop_instance_uid, self.truth.sop_instance_uid
        if None not in uids and uids[0] != uids[1]:
            raise self._another("the SOPInstanceUID", "another one")
        if mammogram.spacing_mm is None and self.truth.spacing_mm is not None:
            return mammogram.with_spacing(self.truth.spacing_mm, "dataset")
        return mammogram

    def _another(self, stated: str, found: str) -> ReadError:
        """The image is not the one that the truth is about."""
        return ReadError(
            expected=f"{stated}, as its truth says",
            found=found,
            do="use the image that the truth was made on",
            where=self.path,
        )
