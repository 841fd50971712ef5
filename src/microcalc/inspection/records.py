"""What an inspection finds, and its JSON (``microcalc.inspection/1``)."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from microcalc.datasets import Problem
from microcalc.findings import Document, Record, RunInfo, Spacing
from microcalc.mammogram import Side, SpacingSource

FaultKind = Literal[
    "unreadable",
    "another image",
    "no breast",
    "inverted",
    "side",
    "view",
    "spacing",
    "outside",
    "empty",
    "too large",
    "off the breast",
    "copy",
    "near copy",
    "two sides",
    "listed twice",
]

#: What each kind of fault means, and what to do about it.
FAULTS: dict[FaultKind, tuple[str, str]] = {
    "unreadable": ("Files that cannot be read", "Fetch them again, or leave the images out."),
    "another image": ("Files that hold another image than their truth says", "Find the images that were annotated."),
    "no breast": ("Images without anything like a breast", "Look at them; leave them out if nothing is on them."),
    "inverted": ("Inverted images", "Nothing, if patches and detectors mend them: those of this package do."),
    "side": ("Side stated otherwise, or unlike the picture", "Look at the picture, and mend the truth."),
    "view": ("View stated otherwise", "Look at the picture, and mend the truth."),
    "spacing": ("Pixel spacing stated otherwise", "The file's own is used; mend the truth if that is right."),
    "outside": ("Findings outside their image", "Mend the outline; the image may be another one, or cropped."),
    "empty": ("Findings without any area", "Mend the outline, or make it a point."),
    "too large": ("Findings larger than the breast", "Mend the outline; the mask may be another image's, or inverted."),
    "off the breast": ("Findings off the breast", "Look at them: image or outline may be mirrored or shifted."),
    "copy": ("Images with the same pixels", "Keep one; of two patients, find out whose it is."),
    "near copy": ("Images that look the same", "Look at them; if they are copies, keep one."),
    "two sides": ("Patients on two sides of the split", "Split by patient: microcalc data export --split-seed."),
    "listed twice": ("Images listed more than once", "Keep one of each."),
}


class Fault(Record):
    """One thing that is wrong with an image."""

    kind: FaultKind
    path: str = Field(description="Of the image, as its truth has it.")
    found: str = Field(description="In words.")
    others: tuple[str, ...] = Field(default=(), description="Paths of other images that share the fault.")


class InspectedImage(Record):
    """One image, and what is wrong with it by itself."""

    path: str
    rows: int | None = None
    columns: int | None = None
    spacing_mm: Spacing | None = None
    spacing_source: SpacingSource | None = None
    side: Side | None = Field(default=None, description="As the truth states it, or else the file.")
    side_seen: Side | None = Field(default=None, description="Of the picture: chest wall left is L.")
    pixels_sha256: str | None = Field(default=None, description="Of the pixels as shown, at 16 bits; null unread.")
    fingerprint: str | None = Field(default=None, description="Of the breast shrunk to 17 x 16 px, 512 bits, hex.")
    faults: tuple[Fault, ...] = ()


class Count(Record):
    """How many images, patients and findings have one value of something."""

    value: str
    images: int
    patients: int
    findings: int | None = Field(default=None, description="Of a class of findings; null for anything else.")
    by_split: dict[str, int] = Field(description="Images by side of the split.")


class Inspection(Document):
    """A whole data set, inspected."""

    schema_: Literal["microcalc.inspection/1"] = Field(default="microcalc.inspection/1", alias="schema")
    data: str = Field(description="The SPEC.")
    root: str
    quick: bool = Field(description="Headers only: no pixel was looked at.")
    run: RunInfo
    counts: dict[str, tuple[Count, ...]] = Field(description="By split, class, side, view, density, vendor ...")
    problems: tuple[Problem, ...] = Field(description="What the reader of the data set found, and notes.")
    faults: tuple[Fault, ...] = Field(description="What the inspection found.")
    images: tuple[InspectedImage, ...]

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong; what was left out on purpose, and notes, are not."""
        return not self.faults and all(problem.kind in ("left out", "note") for problem in self.problems)
