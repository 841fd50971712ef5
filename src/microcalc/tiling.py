"""Whole mammograms tile by tile: a sampler that plans what a network reads, an aggregator that joins what it says.

A breast, three rows of four tiles. Each has a core, and these lie side by side; the network reads a halo more on every
side, as far as the image goes. Cores without breast (.) are never read::

    +-------+-------+-------+-------+          what is read of one tile
    |#######|#####  |   .   |   .   |              +-------------+
    |#######|#######|##     |   .   |              |   halo_px   |
    +-------+-------+-------+-------+              |   +-----+   |
    |#######|#######|#######|####   |              |   |core |   |  core: tile_px at most
    |#######|#######|#######|####   |              |   +-----+   |
    +-------+-------+-------+-------+              |             |
    |#######|#######|##     |   .   |              +-------------+
    |#######|#####  |   .   |   .   |
    +-------+-------+-------+-------+

    sampler = TileSampler(breast, tile_px=512, halo_px=32)
    joined = Aggregator(breast.shape, channels=1)
    for tile in sampler:
        joined.add(tile, network(sampler.read(image, tile)))
    joined.maps                                     # (1, rows, columns)

Where the halo is at least as wide as a network's receptive field reaches, and cores start on multiples of its stride,
this is what the network says of the whole image at once. Where no halo is wide enough, overlapping tiles are blended.

A network that judges a window as a whole has no map to join: it sees windows of one size at a stride, all that hold
enough of the breast, and each pixel gets the mean of what is said of the windows over it::

    sampler = WindowSampler(breast, window_px=16, stride_px=8, least_share=0.7)
    scores = classifier(sampler.read(image, slice(None)))
    window_means(scores, sampler)                   # (rows, columns)
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from microcalc.errors import UsageError


@dataclass(frozen=True)
class Tile:
    """What a network reads at a time."""

    #: Of the image; to be multiples they may reach beyond its last ones.
    rows: range
    columns: range
    #: Rows and columns without the halo.
    core: tuple[range, range]
    halo_px: int


class TileSampler:
    """Plans tiles over a mask; each is as large as what its core holds of the mask needs."""

    def __init__(self, mask: NDArray[np.bool_], tile_px: int, halo_px: int = 0, multiple: int = 1) -> None:
        """Plan.

        Args:
            mask: (rows, columns); a tile whose core holds no pixel of it is left out.
            tile_px: longest side of a core.
            halo_px: read beyond the core on every side.
            multiple: sides and starts of tiles are multiples of it, so that pooling falls on the same pixels in all.

        Raises:
            UsageError: tile or halo is no multiple.
        """
        if min(multiple, tile_px) < 1 or halo_px < 0 or tile_px % multiple or halo_px % multiple:
            raise UsageError(
                expected=f"a tile and a halo in multiples of {multiple} px",
                found=f"tiles of {tile_px} px, halos of {halo_px} px",
                do="choose other sizes",
            )
        self.shape = mask.shape
        self.tiles = tuple(_planned(mask, tile_px, halo_px, multiple))

    def __len__(self) -> int:
        return len(self.tiles)

    def __iter__(self) -> Iterator[Tile]:
        return iter(self.tiles)

    def read(self, image: NDArray[np.float32], tile: Tile) -> NDArray[np.float32]:
        """What a tile reads of an image (rows, columns): (tile rows, tile columns), contiguous.

        What is missing to multiples is the image's reflection.
        """
        rows, columns = (_reflected(span, n) for span, n in zip((tile.rows, tile.columns), self.shape, strict=True))
        return image[rows[:, np.newaxis], columns]


class Aggregator:
    """Joins the maps of tiles to those of the image; where no tile has been, they are 0."""

    def __init__(self, shape: tuple[int, int], channels: int, *, blend: bool = False) -> None:
        """Nothing yet.

        Args:
            shape: rows and columns of the image.
            channels: maps of each tile.
            blend: average overlapping tiles, each weighed less and less towards its edges, over two halos; or else
                take cores alone.
        """
        self._maps = np.zeros((channels, *shape), np.float32)
        self._weights = np.zeros(shape, np.float32) if blend else None

    def add(self, tile: Tile, maps: NDArray[np.float32]) -> None:
        """Add what a network says of a tile: (channels, tile rows, tile columns)."""
        kept = (tile.rows, tile.columns) if self._weights is not None else tile.core
        spans = [
            range(max(span.start, 0), min(span.stop, n)) for span, n in zip(kept, self._maps.shape[1:], strict=True)
        ]
        here = tuple(slice(span.start, span.stop) for span in spans)
        starts = tile.rows.start, tile.columns.start
        there = tuple(slice(s.start - start, s.stop - start) for s, start in zip(spans, starts, strict=True))
        if self._weights is None:
            self._maps[:, *here] = maps[:, *there]
            return
        weights = np.outer(*(_taper(len(span), tile.halo_px) for span in (tile.rows, tile.columns)))[there]
        self._maps[:, *here] += weights * maps[:, *there]
        self._weights[here] += weights

    @property
    def maps(self) -> NDArray[np.float32]:
        """(channels, rows, columns) of what has been added; without blending the array that later tiles go into too."""
        if self._weights is None:
            return self._maps
        return np.divide(self._maps, np.maximum(self._weights, np.finfo(np.float32).tiny), dtype=np.float32)

    @property
    def nbytes(self) -> int:
        """That the aggregator holds: 4 a pixel for each map, and 4 more where tiles are blended."""
        return self._maps.nbytes + (0 if self._weights is None else self._weights.nbytes)


class WindowSampler:
    """Plans windows of one size over a mask, row by row: those that hold enough of it.

    Corners lie on multiples of the stride. Where the last window of a line does not end with the image, one more does:
    it is shifted back. An image smaller than a window is reflected up to one.
    """

    def __init__(self, mask: NDArray[np.bool_], window_px: int, stride_px: int, least_share: float = 0.0) -> None:
        """Plan.

        Args:
            mask: (rows, columns); a window that holds no pixel of it is left out.
            window_px: side of a window.
            stride_px: from one window to the next; beyond ``window_px`` there are gaps between them.
            least_share: of a window's pixels that have to be in the mask, 0..1.

        Raises:
            UsageError: a window or a stride of no pixel.
        """
        if min(window_px, stride_px) < 1:
            raise UsageError(
                expected="windows and strides of at least 1 px",
                found=f"windows of {window_px} px, a stride of {stride_px} px",
                do="choose other sizes",
            )
        self.shape = mask.shape
        self.window_px = window_px
        self.stride_px = stride_px
        rows, columns = (_reflected(np.arange(max(n, window_px)), n) for n in mask.shape)
        held = np.asarray(cv2.integral(mask[rows[:, np.newaxis], columns].view(np.uint8)), np.int32)
        y, x = (_starts(length - 1, window_px, stride_px) for length in held.shape)
        counts = np.zeros((len(y), len(x)), np.int32)
        for down, right, sign in _corners(window_px):
            counts += sign * held[np.ix_(y + down, x + right)]
        row, column = np.nonzero(counts >= max(least_share * window_px**2, 1))
        #: (n, 2) x, y of the windows' first pixels.
        self.corners: NDArray[np.intp] = np.column_stack([x[column], y[row]])

    def __len__(self) -> int:
        return len(self.corners)

    def read(
        self, image: NDArray[np.float32], which: slice | NDArray[np.intp], border_px: int = 0
    ) -> NDArray[np.float32]:
        """The pixels of some of the windows out of an image (rows, columns).

        Args:
            image: of the mask's shape.
            which: of the corners.
            border_px: read beyond a window on every side; beyond the image that is its reflection.

        Returns:
            (k, side, side), where a side is ``window_px`` and twice ``border_px``.
        """
        offsets = np.arange(-border_px, self.window_px + border_px)
        columns, rows = (
            _reflected(starts[:, np.newaxis] + offsets, n)
            for starts, n in zip(self.corners[which].T, self.shape[::-1], strict=True)
        )
        return image[rows[:, :, np.newaxis], columns[:, np.newaxis]]


def window_means(scores: NDArray[np.floating], sampler: WindowSampler) -> NDArray[np.float32]:
    """(rows, columns) the mean of the scores (n,) of all windows over each pixel; 0 where there is none."""
    means = _spread(scores, sampler)
    counts = _spread(np.ones(len(sampler)), sampler)
    np.divide(means, counts, out=means, where=counts > 0)
    means[counts == 0] = 0  # of rounding
    return means.astype(np.float32)


def _spread(values: NDArray[np.floating], sampler: WindowSampler) -> NDArray[np.float64]:
    """(rows, columns) the sum of the values (n,) of all windows over each pixel.

    Each is added and taken away at the corners of its window, so that sums along rows and columns fill it.
    """
    rows, columns = (max(n, sampler.window_px) + 1 for n in sampler.shape)
    steps = np.zeros((rows, columns))
    x, y = sampler.corners.T
    for down, right, sign in _corners(sampler.window_px):
        np.add.at(steps, (y + down, x + right), sign * values)
    return np.asarray(cv2.integral(steps)[1 : sampler.shape[0] + 1, 1 : sampler.shape[1] + 1], np.float64)


def _corners(window_px: int) -> tuple[tuple[int, int, int], ...]:
    """Down and right of a window's first corner, and the sign of each, of a sum over it or of what fills it."""
    return (0, 0, 1), (0, window_px, -1), (window_px, 0, -1), (window_px, window_px, 1)


def _starts(length: int, window_px: int, stride_px: int) -> NDArray[np.intp]:
    """First pixels of the windows along a line, which is at least as long as one."""
    last = length - window_px
    starts = np.arange(0, last + 1, stride_px)
    return starts if starts[-1] == last else np.append(starts, last)


def _planned(mask: NDArray[np.bool_], tile_px: int, halo_px: int, multiple: int) -> Iterator[Tile]:
    """Tiles, row by row, whose cores hold any of the mask."""
    if not mask.any():
        return
    rows, columns = (_divided(_filled(mask, axis, multiple), tile_px, multiple) for axis in (0, 1))
    for row in rows:
        for column in columns:
            cell = mask[row.start : row.stop, column.start : column.stop]
            if cell.any():
                rows_held, columns_held = (_filled(cell, axis, multiple, (row, column)[axis].start) for axis in (0, 1))
                rows_read, columns_read = (
                    _grown(span, halo_px, n, multiple)
                    for span, n in zip((rows_held, columns_held), mask.shape, strict=True)
                )
                yield Tile(rows_read, columns_read, (rows_held, columns_held), halo_px)


def _filled(mask: NDArray[np.bool_], axis: int, multiple: int, first: int = 0) -> range:
    """Rows (axis 0) or columns from the first to the last that hold any of a mask, rounded outwards; it has any.

    The mask's own first row or column is counted as ``first``.
    """
    filled = np.flatnonzero(mask.any(axis=1 - axis))
    start, stop = int(filled[0]) // multiple, int(filled[-1]) // multiple + 1
    return range(first + start * multiple, first + stop * multiple)


def _divided(span: range, longest: int, multiple: int) -> list[range]:
    """As few spans as cover one, side by side, all as short as that many can be."""
    count = -(-len(span) // longest)
    length = multiple * -(-len(span) // (count * multiple))
    return [range(start, start + length) for start in span[::length]]


def _grown(span: range, by: int, n: int, multiple: int) -> range:
    """A span with a halo, as far as a line of n goes, rounded up to multiples."""
    return range(max(span.start - by, 0), min(span.stop + by, multiple * -(-n // multiple)))


def _reflected(span: range | NDArray[np.intp], n: int) -> NDArray[np.intp]:
    """Places of a line of n that a span reads, reflected at its last, which is not read twice."""
    period = max(2 * (n - 1), 1)
    places = np.abs(np.asarray(span, dtype=np.intp)) % period
    return np.minimum(places, period - places) if n > 1 else np.zeros_like(places)


def _taper(length: int, halo_px: int) -> NDArray[np.float32]:
    """Weights that rise over two halos, stay at 1 and fall again; those of two neighbours add up to 1 (Hann)."""
    distance = np.arange(length) + 0.5
    distance = np.minimum(distance, length - distance)
    ramp: NDArray[np.float32] = (
        np.sin(np.pi / 2 * np.minimum(distance / max(2 * halo_px, 1), 1)).astype(np.float32) ** 2
    )
    return ramp
