"""Protocol: a paper's rules for patches, as data and one function."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from microcalc.patches.ground import Corners, Ground
from microcalc.truth import ImageTruth, Split


@dataclass(frozen=True, eq=False)
class Sites:
    """Places on the ground of one image that get one label, for one reason."""

    #: (n, 2) x, y of the patches' first pixels.
    corners: Corners
    label: str
    origin: str


@dataclass(frozen=True)
class LeftOut:
    """Something that the protocol passes over, or cannot have."""

    reason: str
    count: int = 1


#: Where the patches of one image lie. Of two at one place the first one counts.
Plan = Callable[[Ground, Generator], Iterator[Sites | LeftOut]]
#: Patches there are, by label -> the most of each to keep; a label that is not named keeps all.
Balance = Callable[[Mapping[str, int], Split | None], Mapping[str, int]]


def keep_all(counts: Mapping[str, int], split: Split | None) -> Mapping[str, int]:
    """The balance of a protocol that leaves it to the training."""
    return {}


@dataclass(frozen=True)
class Protocol:
    """The rules of one paper for patches."""

    name: str
    paper: str
    #: Side of the window that a patch is of, px: what is planned and labelled.
    size_px: int
    #: The first is that of patches without what is looked for.
    labels: tuple[str, ...]
    #: What the truth of a data set must list, in words, and whether that of an image does.
    asks_for: str
    serves: Callable[[ImageTruth], bool]
    plan: Plan
    #: Pixel pitch that images are brought to, mm; None: their own.
    spacing_mm: float | None = None
    #: What a patch shows beyond its window on every side, px.
    margin_px: int = 0
    balance: Balance = keep_all
    #: Whether healthy patches come only from patients of whom no image shows anything.
    healthy_patients: bool = False
    #: Labels that a mask outlines, and what paints it: (rows, columns) uint8 of the ground, 0 or a label's index.
    channels: tuple[str, ...] = ()
    paint: Callable[[Ground], NDArray[np.uint8]] | None = None
    #: Where the paper is silent or contradicts itself: what was chosen.
    notes: tuple[str, ...] = ()

    @property
    def cut_px(self) -> int:
        """Side of a patch as cut, px."""
        return self.size_px + 2 * self.margin_px
