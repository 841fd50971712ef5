"""Frame: crop to the breast, chest wall to the left, working spacing; and the exact way back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from microcalc.breast.anatomy import Breast
from microcalc.errors import MicrocalcError

#: Resampling that would change the spacing by less than this factor is left undone: it costs sharpness for nothing.
NO_CHANGE = 1.02


@dataclass(frozen=True)
class Frame:
    """A crop, a flip and a shrinking of an image, in this order, with an exact way back.

    Points are (x, y) with pixel centres at integers, so that a working pixel ``x'`` covers ``factor`` cropped pixels
    centred at ``(x' + 0.5) * factor - 0.5``. Images are never enlarged.

        frame = Frame.around(breast, mammogram.spacing_mm, working_spacing_mm=0.1)
        found = detect(frame.apply(mammogram.pixels))      # (N, 2) x, y in working pixels
        frame.to_original(found)                           # (N, 2) x, y in pixels of the original image
    """

    #: (rows, columns) of the original image.
    original_shape: tuple[int, int]
    #: (x0, y0, x1, y1) of the crop, original pixels, the ends excluded.
    crop: tuple[int, int, int, int]
    #: Whether left and right are exchanged.
    flipped: bool = False
    #: (row, column) original pixels per working pixel, each at least 1.
    factors: tuple[float, float] = (1.0, 1.0)
    #: Isotropic spacing of the working image, mm; None where the spacing is unknown.
    spacing_mm: float | None = None

    def __post_init__(self) -> None:
        (rows, columns), (x0, y0, x1, y1) = self.original_shape, self.crop
        if not (0 <= x0 < x1 <= columns and 0 <= y0 < y1 <= rows):
            raise MicrocalcError(
                expected=f"a crop (x0, y0, x1, y1) inside {columns} x {rows} pixels",
                found=str(self.crop),
                do="clip the crop to the image",
            )
        row_factor, column_factor = self.factors
        if not (1.0 <= row_factor <= y1 - y0 and 1.0 <= column_factor <= x1 - x0):
            raise MicrocalcError(
                expected="factors from 1 to as many pixels as the crop has",
                found=f"{self.factors} for {y1 - y0} rows and {x1 - x0} columns",
                do="shrink less, and never enlarge",
            )

    @classmethod
    def around(
        cls,
        breast: Breast,
        spacing_mm: tuple[float, float] | None,
        working_spacing_mm: float | None = None,
        margin_px: int = 8,
    ) -> Frame:
        """The frame of a breast.

        Args:
            breast: where the breast is.
            spacing_mm: (row, column) spacing of the original image, mm, or None where unknown (no resampling then).
            working_spacing_mm: the spacing wished for; None keeps the image's own. An image whose own is coarser or
                within 2 % keeps it; anisotropic pixels are always brought to the coarser of the two.
            margin_px: original pixels kept around the breast, inside the image.
        """
        rows, columns = breast.mask.shape
        filled_rows, filled_columns = np.flatnonzero(breast.mask.any(axis=1)), np.flatnonzero(breast.mask.any(axis=0))
        factors, own_spacing_mm = _shrinking(spacing_mm, working_spacing_mm)
        return cls(
            original_shape=(rows, columns),
            crop=(
                max(0, int(filled_columns[0]) - margin_px),
                max(0, int(filled_rows[0]) - margin_px),
                min(columns, int(filled_columns[-1]) + 1 + margin_px),
                min(rows, int(filled_rows[-1]) + 1 + margin_px),
            ),
            flipped=breast.chest_wall == "right",
            factors=factors,
            spacing_mm=own_spacing_mm,
        )

    def apply(self, image: NDArray[Any]) -> NDArray[np.float32]:
        """Image of the original shape -> a new C-contiguous working image, area-correct."""
        cropped = self._cropped(image)
        if self.factors == (1.0, 1.0):
            return np.array(cropped, np.float32, order="C")
        return self._shrunk(np.ascontiguousarray(cropped, np.float32))

    def apply_mask(self, mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Mask of the original shape -> a new working mask: true where at least half of the area is."""
        cropped = self._cropped(mask)
        if self.factors == (1.0, 1.0):
            return np.array(cropped, np.bool_, order="C")
        inside: NDArray[np.bool_] = self._shrunk(cropped * np.uint8(255)) >= 128
        return inside

    def restore_mask(self, mask: NDArray[np.floating[Any]]) -> NDArray[np.bool_]:
        """Working mask (soft, 0..1) -> mask of the original shape: true where interpolation gives 0.5 or more."""
        x0, y0, x1, y1 = self.crop
        row_factor, column_factor = self.factors
        to_working = np.array(
            [[1 / column_factor, 0, 0.5 / column_factor - 0.5], [0, 1 / row_factor, 0.5 / row_factor - 0.5]]
        )
        levels = cv2.warpAffine(
            (mask * 254).astype(np.uint8),  # 254 = 2 * 127, so that one half is a level of its own
            to_working,
            (x1 - x0, y1 - y0),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )
        whole = np.zeros(self.original_shape, np.bool_)
        whole[y0:y1, x0:x1] = (levels[:, ::-1] if self.flipped else levels) >= 127
        return whole

    def to_original(self, xy: ArrayLike) -> NDArray[np.float64]:
        """(N, 2) x, y in working pixels -> (N, 2) x, y in pixels of the original image."""
        row_factor, column_factor = self.factors
        points = (_points(xy) + 0.5) * (column_factor, row_factor) - 0.5
        return self._flip(points) + self.crop[:2]

    def to_working(self, xy: ArrayLike) -> NDArray[np.float64]:
        """(N, 2) x, y in pixels of the original image -> (N, 2) x, y in working pixels."""
        row_factor, column_factor = self.factors
        points = self._flip(_points(xy) - self.crop[:2])
        return (points + 0.5) / (column_factor, row_factor) - 0.5

    def _flip(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        if self.flipped:
            points[:, 0] = self.crop[2] - self.crop[0] - 1 - points[:, 0]
        return points

    def _cropped(self, image: NDArray[Any]) -> NDArray[Any]:
        """The crop, flipped, as a view."""
        if image.shape != self.original_shape:
            raise MicrocalcError(
                expected=f"an image of {self.original_shape[0]} rows and {self.original_shape[1]} columns",
                found=f"shape {image.shape}",
                do="pass the image that the frame was made for",
            )
        x0, y0, x1, y1 = self.crop
        cropped = image[y0:y1, x0:x1]
        return cropped[:, ::-1] if self.flipped else cropped

    def _shrunk(self, cropped: NDArray[Any]) -> NDArray[Any]:
        row_factor, column_factor = self.factors
        # Given fx and fy rather than a size, OpenCV keeps the exact factor; the last row or column may cover less.
        return np.asarray(
            cv2.resize(cropped, None, fx=1 / column_factor, fy=1 / row_factor, interpolation=cv2.INTER_AREA)
        )


def _shrinking(
    spacing_mm: tuple[float, float] | None, working_spacing_mm: float | None
) -> tuple[tuple[float, float], float | None]:
    """(row, column) factors and the spacing they lead to."""
    if spacing_mm is None:
        return (1.0, 1.0), None
    target = max(*spacing_mm, working_spacing_mm or 0.0)
    row_factor, column_factor = target / spacing_mm[0], target / spacing_mm[1]
    if max(row_factor, column_factor) < NO_CHANGE:
        return (1.0, 1.0), float(np.sqrt(spacing_mm[0] * spacing_mm[1]))
    return (row_factor, column_factor), target


def _points(xy: ArrayLike) -> NDArray[np.float64]:
    """A fresh (N, 2) float64 array."""
    return np.array(xy, dtype=np.float64).reshape(-1, 2)
