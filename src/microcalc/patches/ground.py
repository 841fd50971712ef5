"""Ground: what the patches of one image are planned on, and cut from."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from microcalc.breast import Breast, Frame, find_breast, mend_polarity
from microcalc.datasets import Record
from microcalc.errors import MicrocalcError
from microcalc.evaluation.regions import Region
from microcalc.findings import Spacing
from microcalc.mammogram import TYPICAL_SPACING_MM, Mammogram

Flags = NDArray[np.bool_]
Corners = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Ground:
    """A whole mammogram as it lies, at the pixel pitch that a protocol works at.

    Its pixels are those of the original image, or a shrunk copy; never enlarged, turned or padded. Corners are (x, y)
    of a patch's first pixel on the ground.
    """

    record: Record
    #: (rows, columns) float32 in 0..1, polarity mended.
    image: NDArray[np.float32]
    #: (rows, columns) where the breast is, pectoral muscle included.
    breast: Flags
    #: (row, column) pixel pitch of the original image, mm; 0.07 where nothing states one.
    spacing_mm: Spacing
    #: Whether nothing states it, and the protocol goes by it.
    spacing_assumed: bool
    #: From the original image to the ground: shrinking alone.
    frame: Frame
    #: Side of a patch, pixels of the ground.
    size_px: int

    @classmethod
    def of(cls, record: Record, size_px: int, spacing_mm: float | None) -> Self:
        """The ground of an image, for patches of ``size_px`` at a pixel pitch, or (None) at the image's own.

        Raises:
            ReadError: the file cannot be read, or is another image than that of its truth.
            MicrocalcError: no breast is on it, or it is smaller than a patch.
        """
        mammogram = mend_polarity(record.read())
        return cls.on(record, mammogram, find_breast(mammogram), size_px, spacing_mm)

    @classmethod
    def on(cls, record: Record, mammogram: Mammogram, breast: Breast, size_px: int, spacing_mm: float | None) -> Self:
        """The ground of an image that has been read, its polarity mended and its breast found.

        Raises:
            MicrocalcError: it is smaller than a patch.
        """
        own_mm = mammogram.spacing_mm or TYPICAL_SPACING_MM
        whole = max(mammogram.shape)  # a margin beyond every border: the frame of the whole image
        frame = Frame.around(breast, own_mm if spacing_mm else None, spacing_mm, margin_px=whole)
        frame = dataclasses.replace(frame, flipped=False)
        # Of the shrunk image's last row and column a part may lie beyond the original image.
        rows, columns = (int(n / f) for n, f in zip(mammogram.shape, frame.factors, strict=True))
        if min(rows, columns) < size_px:
            pitch = f" of {spacing_mm} mm" if spacing_mm else ""
            raise MicrocalcError(
                expected=f"an image of at least {size_px} x {size_px} pixels{pitch}",
                found=f"{rows} x {columns}",
                do="leave it out, or take a protocol of smaller patches",
                where=record.path,
            )
        inside = slice(rows), slice(columns)
        image, mask = frame.apply(mammogram.pixels)[inside], frame.apply_mask(breast.mask)[inside]
        assumed = spacing_mm is not None and mammogram.spacing_mm is None
        return cls(record, image, mask, own_mm, assumed, frame, size_px)

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns)."""
        return self.image.shape[0], self.image.shape[1]

    @property
    def side_px(self) -> int:
        """Side of a patch, pixels of the original image; rounded down, so that none reaches beyond the image."""
        return int(self.size_px * min(self.frame.factors))

    def covered(self, regions: Iterable[Region]) -> Flags:
        """(rows, columns) the pixels of the ground that regions, in pixels of the original image, reach into."""
        mask = np.zeros(self.frame.original_shape, np.bool_)
        for region in regions:
            (rows, columns), x, y = region.mask.shape, region.x0, region.y0
            here = mask[max(y, 0) : max(y + rows, 0), max(x, 0) : max(x + columns, 0)]
            here |= region.mask[max(-y, 0) :, max(-x, 0) :][: here.shape[0], : here.shape[1]]
        if self.frame.factors != (1.0, 1.0):
            mask = self.frame.apply(mask) > 0
        return mask[: self.shape[0], : self.shape[1]]

    def to_original(self, corners: Corners) -> Corners:
        """(n, 2) corners -> (n, 2) x0, y0 in pixels of the original image."""
        return np.floor(corners * self.frame.factors[::-1] + 0.5).astype(np.intp)

    def from_original(self, corners: Corners) -> Corners:
        """The way back, exact: factors are at least 1."""
        back: Corners = np.floor(corners / np.array(self.frame.factors[::-1]) + 0.5).astype(np.intp)
        return back
