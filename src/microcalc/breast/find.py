"""find_breast: outline, chest wall, side, nipple and pectoral muscle of one mammogram."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from microcalc.breast.anatomy import Breast, ChestWall
from microcalc.breast.mask import Silhouette
from microcalc.breast.overview import Overview
from microcalc.breast.pectoral import Pectoral, find_pectoral
from microcalc.errors import MicrocalcError
from microcalc.mammogram import Mammogram, Side

#: Views on which the pectoral muscle runs obliquely through the upper corner; an unknown view may be one.
PECTORAL_VIEWS = ("MLO", "ML", "LMO", None)
#: Less than this part of the picture is no breast.
LEAST_AREA = 0.01
#: The chest wall is seen when the breast ends there this many times as broadly as on the other side.
CHEST_WALL_RATIO = 1.2

SIDE_OF: dict[ChestWall, Side] = {"left": "L", "right": "R"}
CHEST_WALL_OF: dict[Side, ChestWall] = {"L": "left", "R": "right"}


def find_breast(mammogram: Mammogram) -> Breast:
    """Find the breast on a mammogram of the right polarity (see ``mend_polarity``).

    The outline is found on a reduced copy and is good to about a millimetre; nipple and pectoral muscle are estimates.

    Raises:
        MicrocalcError: nothing on the picture looks like a breast.
    """
    overview, silhouette = _look(mammogram)
    mask = silhouette.soft >= 0.5
    chest_wall, side, warnings = _chest_wall(mask, mammogram.side)
    if silhouette.fills_field:
        warnings = ("no background seen: the breast is taken to fill the picture", *warnings)
    # From here on the overview is seen with the chest wall at the left.
    turn = slice(None, None, 1 if chest_wall == "left" else -1)
    mask, contrast = mask[:, turn], silhouette.contrast[:, turn]
    pectoral = find_pectoral(contrast, mask) if mammogram.view in PECTORAL_VIEWS else None

    def original(xy: NDArray[np.float64]) -> tuple[tuple[float, float], ...]:
        if chest_wall == "right":
            xy = np.column_stack([mask.shape[1] - 1 - xy[:, 0], xy[:, 1]])
        points = np.clip(overview.frame.to_original(xy), 0, np.array(mammogram.shape[::-1]) - 1)
        return tuple((float(x), float(y)) for x, y in points)

    return Breast(
        mask=overview.frame.restore_mask(silhouette.soft),
        chest_wall=chest_wall,
        side=side,
        nipple=original(_nipple(mask, pectoral)[None])[0],
        pectoral=None if pectoral is None else original(pectoral.polygon),
        warnings=warnings,
    )


def _look(mammogram: Mammogram) -> tuple[Overview, Silhouette]:
    overview = Overview.of(mammogram.pixels)
    silhouette = None if overview.blank else Silhouette.of(overview)
    if silhouette is None or np.mean(silhouette.soft >= 0.5) < LEAST_AREA:
        raise MicrocalcError(
            expected="a picture with a breast on it",
            found="next to nothing, one level or noise" if overview.blank else "nothing the size of a breast",
            do="check the file and its window (VOI)",
            where=mammogram.path,
        )
    return overview, silhouette


def _chest_wall(mask: NDArray[np.bool_], stated: Side | None) -> tuple[ChestWall, Side, tuple[str, ...]]:
    """The chest wall, where the breast ends broadly; the side; and what is doubtful about them."""
    filled = np.flatnonzero(mask.any(axis=0))
    first, last = int(filled[0]), int(filled[-1])
    strip = 1 + (last - first) // 32
    left, right = (
        np.count_nonzero(mask[:, first : first + strip]),
        np.count_nonzero(mask[:, last + 1 - strip : last + 1]),
    )
    seen: ChestWall = "left" if left >= right else "right"
    clear = max(left, right) > CHEST_WALL_RATIO * min(left, right)
    if stated is None:
        doubt = () if clear else (f"the side is not clear from the picture: taken for {SIDE_OF[seen]}",)
        return seen, SIDE_OF[seen], doubt
    if not clear:
        return CHEST_WALL_OF[stated], stated, ()
    doubt = () if SIDE_OF[seen] == stated else (f"stated as {stated}, the picture looks like {SIDE_OF[seen]}",)
    return seen, stated, doubt


def _nipple(mask: NDArray[np.bool_], pectoral: Pectoral | None) -> NDArray[np.float64]:
    """(2,) x, y of the middle of what lies farthest from the chest wall, to within a pixel.

    Square to the muscle the lower breast would win, along the rows the upper: halfway between the two met the nipples
    in profile on mini-MIAS to 1..8 mm (square to the muscle: 24..45 mm).
    """
    direction = np.array([1.0, 0.0]) + (0.0 if pectoral is None else pectoral.away)
    y, x = np.nonzero(mask)
    reach = (x * direction[0] + y * direction[1]) / np.hypot(*direction)
    far = reach >= reach.max() - 1.0
    return np.array([x[far].mean(), y[far].mean()])
