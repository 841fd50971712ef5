"""Patch: one square of a mammogram, and what it is."""

from __future__ import annotations

from dataclasses import dataclass

from microcalc.findings import Box
from microcalc.truth import Split

#: Origin of patches of tissue without any finding.
HEALTHY = "healthy"


@dataclass(frozen=True, slots=True)
class Patch:
    """A square of an image, in pixels of the original image.

    A protocol that works at a coarser pitch than the image's takes a larger square and shrinks it.
    """

    #: As the truth names it (``ImageTruth.path``).
    image: str
    #: Column and row of its first pixel.
    x0: int
    y0: int
    #: Side.
    size_px: int
    #: One of its protocol's.
    label: str
    #: Why it was taken: cluster, mass, macrocalcification, healthy, calcification, lesion, random, grid.
    origin: str
    split: Split | None = None
    patient: str | None = None

    @property
    def key(self) -> str:
        """What decisions about it are kept under."""
        return f"{self.image}@{self.x0},{self.y0},{self.size_px}"

    @property
    def box(self) -> Box:
        """x0, y0, x1, y1 on outer pixel edges of the original image."""
        x, y = self.x0 - 0.5, self.y0 - 0.5
        return x, y, x + self.size_px, y + self.size_px
