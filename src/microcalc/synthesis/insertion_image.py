"""A real, normal mammogram as the background of calcium."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from scipy.spatial import cKDTree

from microcalc.breast import Breast, Frame, find_breast, mend_polarity
from microcalc.candidates import Candidates
from microcalc.candidates.geometry import PAPER_SPACING_MM
from microcalc.candidates.morphology import OPERATING_POINTS, propose
from microcalc.errors import ReadError
from microcalc.imageio import read_mammogram
from microcalc.imageio.dataset import open_dicom
from microcalc.imageio.sniff import HEAD_BYTES, is_dicom
from microcalc.imageio.tags import code, quiet
from microcalc.mammogram import Mammogram
from microcalc.synthesis.annotation import Sight
from microcalc.synthesis.calcification import Shadow, Speck, cast_shadow, place_px
from microcalc.synthesis.insertion import Insertion, reach_px
from microcalc.synthesis.insertion_ground import Ground, upright
from microcalc.synthesis.outline import View
from microcalc.truth import Ignored

Array = NDArray[np.float32]

_VIEWS: dict[str, View] = {"CC": "CC", "MLO": "MLO"}
_DETECTORS = ("DIRECT", "SCINTILLATOR", "STORAGE", "FILM")
#: Sides of pixels may differ by this part.
_SQUARE = 0.02
#: Calcium keeps this far from what is bright already, mm.
CLEAR_MM = 2.0
#: Scores of specks that calcium keeps clear of, and of those that a truth must name.
_SENSITIVE, _BALANCED = (point.threshold for point in OPERATING_POINTS[:2])


@dataclass(frozen=True, eq=False)
class Background:
    """One normal mammogram; places are in its pixels with the chest wall at the left, as in its ground."""

    #: (rows, columns) float32 in 0..1, bright = radio-opaque, chest wall at the left.
    pixels: Array
    breast: Breast
    ground: Ground
    #: Whether the pixel pitch is a guess, because the file states none.
    assumed: bool
    #: DICOM Detector Type; "" where the file states none.
    detector: str

    @classmethod
    def read(cls, path: Path, spacing_mm: float | None = None) -> Background:
        """Read a file; a pixel pitch that is given goes before the file's own.

        Raises:
            ReadError: the file cannot be read, or shows no plain CC or MLO view with square pixels.
            MicrocalcError: no breast is seen on it, or too small a one.
        """
        mammogram = mend_polarity(read_mammogram(path, spacing_mm=spacing_mm))
        row_mm, column_mm = mammogram.spacing_mm or (PAPER_SPACING_MM, PAPER_SPACING_MM)
        if abs(row_mm - column_mm) > _SQUARE * column_mm:
            raise ReadError(
                expected="square pixels",
                found=f"pixels of {row_mm:g} x {column_mm:g} mm",
                do="resample the image, or leave it out",
                where=path,
            )
        breast = find_breast(mammogram)
        ground = Ground.of(breast, _view(mammogram, breast), row_mm)
        stated = code(read_header(path), "DetectorType")
        detector = stated if stated in _DETECTORS else ""
        return cls(upright(mammogram.pixels, breast), breast, ground, mammogram.spacing_mm is None, detector)

    @property
    def mirrored(self) -> bool:
        """Whether the image is stored with the chest wall at the right."""
        return self.breast.chest_wall == "right"

    def stored(self, pixels: Array) -> NDArray[np.uint16]:
        """Pixels of this view as the image stores them, 0..65535."""
        grey = np.rint(pixels * np.float32(65535)).astype(np.uint16)
        return np.ascontiguousarray(upright(grey, self.breast))

    def place(self, speck: Speck) -> Shadow:
        """The shadow of a speck in this view."""
        return cast_shadow(speck, self.ground.view, *place_px(self.ground, speck), self.ground.spacing_mm)

    def has_room(self, shadow: Shadow) -> bool:
        """Whether a shadow lies in the breast and ``CLEAR_MM`` from what is bright already."""
        margin, (rows, columns) = reach_px(self.ground.spacing_mm), self.pixels.shape
        down, across = shadow.region
        if min(down.start, across.start) < margin or down.stop > rows - margin or across.stop > columns - margin:
            return False
        x, y = np.rint(shadow.polygon).astype(np.intp).T
        away, _ = cKDTree(self._marks.centres).query(shadow.polygon)
        return bool(self._mask[y, x].all() and away.min() * self.ground.spacing_mm > CLEAR_MM)

    def prepare(self, shadows: Sequence[Shadow], rng: np.random.Generator) -> Insertion:
        """Shadows ready to be put into this image."""
        return Insertion.prepare(self.pixels, self._mask, shadows, self.ground.spacing_mm, rng, self.detector)

    def see(self, speck: Speck, shadow: Shadow, snr: float) -> Sight:
        """What the image as stored shows of a speck."""
        mirrored = self.pixels.shape[1] if self.mirrored else None
        return Sight.of(speck, shadow, snr, self.ground.spacing_mm, mirrored=mirrored)

    @cached_property
    def bright(self) -> tuple[Ignored, ...]:
        """What a detector would mark on the image as it is, in pixels of the image as stored."""
        marks = self._marks[self._marks.scores >= _BALANCED]
        centres = self._as_stored(marks.centres)
        radii = np.maximum(marks.diameters_mm, PAPER_SPACING_MM) / self.ground.spacing_mm  # twice the marks' own
        boxes = np.round(np.column_stack((centres - radii[:, None], centres + radii[:, None])), 2)
        return tuple(Ignored(bbox=box, reason="bright speck already in the image") for box in boxes.tolist())

    def _as_stored(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """(n, 2) x, y from the chest wall at the left to the image as stored, or back."""
        return points * (-1, 1) + (self.pixels.shape[1] - 1, 0) if self.mirrored else points

    @cached_property
    def _marks(self) -> Candidates:
        """Bright specks of the image, from those that only a sensitive detector would mark, best first."""
        spacing = self.ground.spacing_mm
        frame = Frame.around(self.breast, (spacing, spacing), working_spacing_mm=PAPER_SPACING_MM)
        assert frame.spacing_mm is not None  # a spacing went in
        found = propose(
            frame.apply(upright(self.pixels, self.breast)), frame.apply_mask(self.breast.mask), frame.spacing_mm
        )
        found = found[found.scores >= _SENSITIVE]
        return replace(found, centres=self._as_stored(frame.to_original(found.centres)))

    @property
    def _mask(self) -> NDArray[np.bool_]:
        return upright(self.breast.mask, self.breast)


def read_header(path: Path) -> Dataset:
    """The DICOM header of an image; an empty one where it has none or cannot be read: reading pixels will say why."""
    try:
        with path.open("rb") as file, quiet():
            head = file.read(HEAD_BYTES)
            file.seek(0)
            return open_dicom(file).header if is_dicom(head) else Dataset()
    except (OSError, ReadError):
        return Dataset()


def _view(mammogram: Mammogram, breast: Breast) -> View:
    """The view; where the file does not state it, the muscle tells."""
    stated = mammogram.view or ("CC" if breast.pectoral is None else "MLO")
    view = _VIEWS.get(stated)
    if view is None or mammogram.view_modifiers:
        raise ReadError(
            expected="a plain CC or MLO view",
            found=" ".join((stated, *mammogram.view_modifiers)),
            do="leave the image out",
            where=mammogram.path,
        )
    return view
