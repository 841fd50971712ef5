"""What a detector looks at: the breast of a mammogram, cropped and turned, at the pixel pitch it works at."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from microcalc.breast import Breast, Frame, find_breast, mend_polarity
from microcalc.findings import Spacing
from microcalc.mammogram import TYPICAL_SPACING_MM, Mammogram


@dataclass(frozen=True, eq=False)
class WorkingView:
    """A mammogram as a detector sees it. Detection, training and benchmarks all look through this one."""

    #: With its polarity mended and its spacing known or assumed.
    mammogram: Mammogram
    #: Pixel pitch of the original image, mm.
    spacing_mm: Spacing
    breast: Breast
    #: The way from the original image to ``image``, and back.
    frame: Frame
    #: (rows, columns) float32 in 0..1, cropped to the breast, with the chest wall at the left.
    image: NDArray[np.float32]
    #: (rows, columns) where it shows breast.
    mask: NDArray[np.bool_]

    @property
    def working_spacing_mm(self) -> float:
        """Pixel pitch of ``image``, mm."""
        assert self.frame.spacing_mm is not None  # a spacing went in
        return self.frame.spacing_mm


def working_view(mammogram: Mammogram, working_spacing_mm: float | None) -> WorkingView:
    """The view of a mammogram.

    Args:
        mammogram: as read.
        working_spacing_mm: finer images are shrunk to it, coarser ones left as they are; None: none are shrunk.

    Raises:
        MicrocalcError: there is no breast on the image.
    """
    mammogram, spacing_mm = _with_known_spacing(mend_polarity(mammogram))
    breast = find_breast(mammogram)
    frame = Frame.around(breast, spacing_mm, working_spacing_mm)
    return WorkingView(
        mammogram, spacing_mm, breast, frame, frame.apply(mammogram.pixels), frame.apply_mask(breast.mask)
    )


def _with_known_spacing(mammogram: Mammogram) -> tuple[Mammogram, Spacing]:
    if mammogram.spacing_mm is not None:
        return mammogram, mammogram.spacing_mm
    warning = f"no pixel spacing in the file: {TYPICAL_SPACING_MM[0]} mm assumed, sizes in mm are as good as that guess"
    return mammogram.with_spacing(TYPICAL_SPACING_MM, "assumed", warning), TYPICAL_SPACING_MM
