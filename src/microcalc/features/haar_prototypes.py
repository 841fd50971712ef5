"""The 28,643 Haar-like prototypes on a 14 x 14 window: what each adds up, and what it takes away.

Cortina Uribe et al., section 2.2.1 and Figure 9, after Bria, Karssemeijer and Tortorella 2014. A kind is a small grid
of cells of equal size, each counted with weight 1 or -1; a prototype is a kind at one cell size and one position.

| group of the paper | kinds | prototypes |
|---|---|---|
| (a) adjacent rectangles | `edge_x`, `edge_y`, `line_x`, `line_y`, `checker` | 18,991 |
| (b) concentric rectangles | `wide_line_x`, `wide_line_y`, `centre` | 5,310 |
| (c) both, rotated by 45 degrees | the eight above, `rotated_` before their names | 4,342 |

Upright cells of w x h pixels take every size and position that fits on the window.

Rotated cells are those of Lienhart et al. 2003 (section 2.2): a cell at (x, y) has its topmost pixel there, its side of
length w runs from it down to the right, that of length h down to the left, and it holds the 2 w h pixels with

    0 <= (column + row) - (x + y) < 2 w,    0 <= (row - column) - (y - x) < 2 h.

Its sum is read at four pixels of the rotated integral image: (x, y - 1), (x + w, y + w - 1), (x - h, y + h - 1) and
(x + w - h, y + w + h - 1). The paper does not say which positions it takes; its total comes out when all that is read
lies on the window. The rotated prototypes then cover columns 1 to 12 and rows 1 to 13. (The conditions in the paper's
public code admit as many, each one column further left and one row further up.)
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from microcalc.features.windows import SIDE


class Kind(NamedTuple):
    """A grid of cells, row by row, with the weight of each; ``group`` is the paper's (a), (b) or (c)."""

    name: str
    group: Literal["adjacent", "concentric", "rotated"]
    cells: tuple[tuple[int, ...], ...]

    @property
    def rotated(self) -> bool:
        """Whether the rows run down to the right and the columns down to the left."""
        return self.group == "rotated"


_UPRIGHT = (
    Kind("edge_x", "adjacent", ((1, -1),)),
    Kind("edge_y", "adjacent", ((1,), (-1,))),
    Kind("line_x", "adjacent", ((-1, 1, -1),)),
    Kind("line_y", "adjacent", ((-1,), (1,), (-1,))),
    Kind("checker", "adjacent", ((1, -1), (-1, 1))),
    Kind("wide_line_x", "concentric", ((-1, 1, 1, -1),)),
    Kind("wide_line_y", "concentric", ((-1,), (1,), (1,), (-1,))),
    Kind("centre", "concentric", ((-1, -1, -1), (-1, 1, -1), (-1, -1, -1))),
)
KINDS = _UPRIGHT + tuple(Kind(f"rotated_{kind.name}", "rotated", kind.cells) for kind in _UPRIGHT)


class Rectangle(NamedTuple):
    """A weighted rectangle, pixels of the window: ``x``, ``y`` its top left pixel, or rotated its topmost one."""

    x: int
    y: int
    width: int
    height: int
    rotated: bool
    weight: int


class Prototype(NamedTuple):
    """A kind, the size of its cells, and where the first of them lies, in pixels of the window."""

    kind: Kind
    width: int
    height: int
    x: int
    y: int

    @property
    def name(self) -> str:
        """Kind, cell size and position, as in ``haar_line_x_2x5_at_4_3``."""
        return f"haar_{self.kind.name}_{self.width}x{self.height}_at_{self.x}_{self.y}"

    @property
    def rectangles(self) -> tuple[Rectangle, ...]:
        """Its cells, row by row."""
        turned = int(self.kind.rotated)
        return tuple(
            Rectangle(
                self.x + column * self.width - turned * row * self.height,
                self.y + turned * column * self.width + row * self.height,
                self.width,
                self.height,
                self.kind.rotated,
                weight,
            )
            for row, weights in enumerate(self.kind.cells)
            for column, weight in enumerate(weights)
        )


@cache
def prototypes() -> tuple[Prototype, ...]:
    """All 28,643, in the order of their features: by kind (as :data:`KINDS`), width, height, y and x."""
    return tuple(Prototype(kind, *place) for kind in KINDS for place in _places(kind))


def pictures(shown: Sequence[Prototype]) -> NDArray[np.float32]:
    """The weight of every pixel of the window in each of K prototypes: (K, 14, 14), of -1, 0 and 1."""
    blocks = np.array([_block(prototype.kind) for prototype in shown], dtype=np.float32).reshape(-1, 5, 5)
    rotated = np.array([prototype.kind.rotated for prototype in shown], dtype=bool)[:, None, None]
    places = np.array([prototype[1:] for prototype in shown], dtype=np.int16).reshape(-1, 4)
    width, height, x, y = (place[:, None, None] for place in places.T)
    row, column = np.indices((SIDE, SIDE), dtype=np.int16)
    # The column and the row of the cell that a pixel is in.
    along = np.where(rotated, column + row - x - y, column - x) // np.where(rotated, 2 * width, width)
    across = np.where(rotated, row - column - y + x, row - y) // np.where(rotated, 2 * height, height)
    weights: NDArray[np.float32] = blocks[np.arange(len(shown))[:, None, None], across.clip(-1, 4), along.clip(-1, 4)]
    return weights


def _places(kind: Kind) -> Iterator[tuple[int, int, int, int]]:
    """Width and height of a cell, x and y of the first one, of every prototype of a kind."""
    sizes = range(1, SIDE + 1)
    for width, height in ((width, height) for width in sizes for height in sizes):
        right, down = width * len(kind.cells[0]), height * len(kind.cells)
        if kind.rotated:
            xs, ys = range(down, SIDE - right), range(1, SIDE - right - down + 1)
        else:
            xs, ys = range(SIDE - right + 1), range(SIDE - down + 1)
        yield from ((width, height, x, y) for y in ys for x in xs)


@cache
def _block(kind: Kind) -> NDArray[np.float32]:
    """(5, 5): the kind's cells, at most 4 x 4; indices 4 and -1, the last row and column, are outside: 0."""
    block = np.zeros((5, 5), dtype=np.float32)
    block[: len(kind.cells), : len(kind.cells[0])] = kind.cells
    return block
