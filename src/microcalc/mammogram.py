"""Mammogram: one image as a reader would see it, and the little the package knows about it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from microcalc.errors import MicrocalcError

Side = Literal["L", "R"]
SpacingSource = Literal["header", "dataset", "user", "assumed"]

#: (row, column), mm: of most full-field units, where nothing says better.
TYPICAL_SPACING_MM = (0.07, 0.07)

#: Plausible pixel pitches of a mammogram at the detector, mm: film scans from about 0.025, mini-MIAS 0.2.
SPACING_LIMITS_MM = (0.01, 1.0)


@dataclass(frozen=True, eq=False)
class Mammogram:
    """A single-frame mammogram.

    Raises:
        MicrocalcError: pixels that are not a finite 2-D float32 array in 0..1, or a spacing outside
            ``SPACING_LIMITS_MM``.
    """

    #: (rows, columns) float32 in 0..1, bright = radio-opaque (MONOCHROME2 sense), VOI applied.
    pixels: NDArray[np.float32]
    #: (row, column) distance of pixel centres at the detector in mm, or None where the file is silent.
    spacing_mm: tuple[float, float] | None = None
    spacing_source: SpacingSource | None = None
    #: The breast, as the tags or the file's name state; None where they are silent.
    side: Side | None = None
    #: ACR view code without modifiers: CC, MLO, ML, LM, LMO, XCCL, XCCM, FB, SIO, ISO, CV, AT ...; None where unknown.
    view: str | None = None
    #: What was done to the view, in plain words: "magnification", "spot compression", "implant displaced" ...
    view_modifiers: tuple[str, ...] = ()
    #: Where it was read from.
    path: Path | None = None
    sop_instance_uid: str | None = None
    #: StudyInstanceUID.
    study: str | None = None
    #: What the reader chose or did, for the record (`VOI window "NORMAL" (first of 3)`).
    notes: tuple[str, ...] = ()
    #: What the reader doubts; shown to the user ("spacing from Nominal Scanned Pixel Spacing").
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.pixels.ndim != 2 or self.pixels.dtype != np.float32 or self.pixels.size == 0:
            raise MicrocalcError(
                expected="pixels of shape (rows, columns) and type float32",
                found=f"shape {self.pixels.shape} and type {self.pixels.dtype}",
                do="convert the array first",
                where=self.path,
            )
        # min and max propagate NaN, so that one pass each checks range and finiteness.
        low, high = float(self.pixels.min()), float(self.pixels.max())
        if not (low >= 0.0 and high <= 1.0):
            raise MicrocalcError(
                expected="finite pixels in 0..1",
                found=f"{low:g}..{high:g}",
                do="rescale the array first",
                where=self.path,
            )
        if (self.spacing_mm is None) != (self.spacing_source is None):
            raise MicrocalcError(
                expected="a spacing together with its source",
                found=f"spacing {self.spacing_mm} from {self.spacing_source}",
                do="give both or neither",
                where=self.path,
            )
        if self.spacing_mm is not None:
            check_spacing(self.spacing_mm, where=self.path)

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns)."""
        return self.pixels.shape[0], self.pixels.shape[1]

    def with_spacing(self, spacing_mm: tuple[float, float], source: SpacingSource, *warnings: str) -> Mammogram:
        """The same image with another spacing (row, column, mm), its source and any further warnings."""
        return dataclasses.replace(
            self, spacing_mm=spacing_mm, spacing_source=source, warnings=self.warnings + warnings
        )


def check_spacing(spacing_mm: tuple[float, float], where: Path | None = None) -> None:
    """Raise MicrocalcError unless (row, column) spacing in mm is plausible for a mammogram."""
    low, high = SPACING_LIMITS_MM
    if not all(low <= s <= high for s in spacing_mm):
        raise MicrocalcError(
            expected=f"a pixel spacing of {low} to {high} mm",
            found=f"{spacing_mm[0]:g} x {spacing_mm[1]:g} mm",
            do="give the true one with --spacing MM",
            where=where,
        )
