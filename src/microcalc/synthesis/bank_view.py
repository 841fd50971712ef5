"""One view of the bank: what a training draw needs of a rendered mammogram, before noise and processing, on disk.

Rows and columns are those of the view, in the left breast's frame (chest wall at column 0).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from microcalc.errors import ReadError
from microcalc.findings import Record
from microcalc.mammogram import Side
from microcalc.output import replacing
from microcalc.synthesis.calcification import Shadow
from microcalc.synthesis.outline import View
from microcalc.synthesis.phantom import FAT, Density, Phantom, Tissue
from microcalc.synthesis.stamp import Stamp

Array = NDArray[np.float32]
Region = tuple[slice, slice]

#: Where a patch may be taken; all but the first are the hard places.
SITES = ("tissue", "skin", "muscle", "chest wall", "confuser", "bright spot")
#: Indices into these, by group: edges and confusers, tissue that looks most like calcium, any tissue.
EDGES, SPOTS, TISSUE = (1, 2, 3, 4), (5,), (0,)

#: Margin kept around the breast, mm: a patch may have the skin line in its middle.
_MARGIN_MM = 6.0
#: Pixel pitch of the overview of a view, mm: specks vanish on it.
OVERVIEW_MM = 1.1
#: How far from the skin line the breast counts for its own scale, mm: the rim has grey levels of its own.
RIM_MM = 3.0
#: Pixels of the overview that are enough for percentiles.
_ENOUGH_PX = 2000
#: Most sites kept of a kind, and on one confuser.
_MOST_SITES, _MOST_ON_STAMP = 1000, 20
#: How far from an edge its sites may lie, mm: no farther than they are looked for, so that a patch shows the edge.
_EDGE_MM = 0.3
#: Bright spots: scales of speck and surroundings, least distance to the next and to the skin, mm; how many are kept.
_SPOT_MM, _AROUND_MM, _APART_MM, _INSIDE_MM, _MOST_SPOTS = 0.085, 0.25, 1.0, 5.0, 300
#: Confusers of a view that take less are read at once.
_SMALL_BYTES = 200_000
#: Root of the squared contrast over its area (ln units times mm) that makes a calcification no likelier to be drawn.
_ENOUGH = 0.06


class ViewRecord(Record):
    """What the bank's index says of one view."""

    #: Name of its files, without suffix.
    name: str
    #: Hash of the plan it was rendered from.
    plan: str
    patient: str
    seed: int
    side: Side
    view: View
    density: Density
    spacing_mm: float
    #: (rows, columns) of the whole view, and (row, column) where the kept part begins.
    shape: tuple[int, int]
    origin: tuple[int, int]
    #: Kind of unit, a key of ``DEVICES``.
    device: str
    #: Factor on the unit's noise.
    noise: float
    #: ln attenuation that the automatic exposure is set for.
    reference: float
    #: How many calcifications its pool holds.
    pooled: int


@dataclass(frozen=True, eq=False)
class PooledShadow:
    """A ready-cast calcification of the pool."""

    shadow: Shadow
    #: Number of the lesion it belongs to, in this view's pool.
    lesion: int
    malignant: bool
    #: Typically benign, or over 1 mm: not asked of a detector.
    ignored: bool

    @cached_property
    def middle(self) -> NDArray[np.float64]:
        """x, y of the middle of the outline's box, pixels of the view."""
        middle: NDArray[np.float64] = (self.shadow.polygon.min(axis=0) + self.shadow.polygon.max(axis=0)) / 2
        return middle


@dataclass(frozen=True, eq=False)
class BankView:
    """An opened view: windows of its tissue, and all else a draw needs."""

    record: ViewRecord
    #: (3, rows, columns) uint16, memory-mapped: attenuation, thickness and skin distance of the kept part.
    planes: NDArray[np.uint16]
    #: (2, 3): value of 0, and of one step, in each plane.
    scales: Array
    #: The kept part at ``OVERVIEW_MM``.
    overview: Tissue
    #: (n, 2) row, column, and (n,) index into ``SITES``.
    places: NDArray[np.int32]
    kinds: NDArray[np.uint8]
    stamps: tuple[Stamp, ...]
    pool: tuple[PooledShadow, ...]

    @property
    def kept(self) -> Region:
        """The kept part, rows and columns of the view."""
        (row, column), (_, rows, columns) = self.record.origin, self.planes.shape
        return slice(row, row + rows), slice(column, column + columns)

    @cached_property
    def inside(self) -> Tissue:
        """Pixels of the overview, the rim left out, as one row: every so many, enough for percentiles."""
        places = np.flatnonzero(self.overview.skin_distance > RIM_MM)
        places = places[:: max(1, len(places) // _ENOUGH_PX)][None]
        images = (self.overview.attenuation, self.overview.thickness, self.overview.skin_distance)
        return Tissue(*(image.ravel()[places] for image in images))

    @cached_property
    def odds(self) -> NDArray[np.float64]:
        """How often each of the pool is chosen: by its contrast and size, so that most of what is drawn can be seen."""
        strength = self.record.spacing_mm * np.array([np.linalg.norm(pooled.shadow.contrast) for pooled in self.pool])
        enough = np.minimum(strength, _ENOUGH)
        odds: NDArray[np.float64] = enough / enough.sum()
        return odds

    def tissue(self, region: Region) -> Tissue:
        """The tissue in a region of the kept part."""
        row, column = self.record.origin
        rows, columns = region
        words = self.planes[:, rows.start - row : rows.stop - row, columns.start - column : columns.stop - column]
        low, step = self.scales[:, :, None, None]
        return Tissue(*(words * step + low))


def write_view(
    folder: Path,
    record: ViewRecord,
    tissue: Tissue,
    sites: tuple[NDArray[np.int32], NDArray[np.uint8]],
    stamps: Sequence[Stamp],
    pool: Sequence[PooledShadow],
) -> None:
    """Write ``NAME.npy`` (the planes, 6 bytes a pixel), ``NAME.stamps.npy`` (4 bytes a pixel that confusers cover) and
    ``NAME.npz`` (all else, below 1 MB).

    Fixed-point words are finer than half floats at the same size: grey levels come out the same to about one in 4096.

    Raises:
        WriteError: a file cannot be written.
    """
    region = kept_region(tissue, record.spacing_mm)
    images = [image[region] for image in (tissue.attenuation, tissue.thickness, tissue.skin_distance)]
    scales = np.array([(image.min(), np.ptp(image) / 65535) for image in images], np.float32).T
    words = np.empty((3, *images[0].shape), np.uint16)
    for plane, image, low, step in zip(words, images, *scales, strict=True):
        plane[:] = np.rint((image - low) / step)
    factor = OVERVIEW_MM / record.spacing_mm
    overview = [cv2.resize(i, None, fx=1 / factor, fy=1 / factor, interpolation=cv2.INTER_AREA) for i in images]
    stamps = _cropped(stamps, region)
    values, shapes = _pack([stamp.values for stamp in stamps])
    with replacing(folder / f"{record.name}.npy") as file:
        np.save(file, words)
    with replacing(folder / f"{record.name}.stamps.npy") as file:
        np.save(file, values)
    shadows = [pooled.shadow for pooled in pool]
    contrasts, polygons = _pack([s.contrast for s in shadows]), _pack([s.polygon for s in shadows])
    with replacing(folder / f"{record.name}.npz") as file:
        np.savez(
            file,
            scales=scales,
            overview=np.stack(overview),
            places=sites[0],
            kinds=sites[1],
            stamp_shape=shapes,
            stamp_place=_corners(stamps),
            stamp_kind=np.array([stamp.kind for stamp in stamps], np.str_),
            stamp_stage=np.array([stamp.stage for stamp in stamps], np.str_),
            shadow_values=contrasts[0],
            shadow_shape=contrasts[1],
            shadow_place=_corners(shadows),
            polygon_values=polygons[0],
            polygon_shape=polygons[1],
            shadow_lesion=np.array([pooled.lesion for pooled in pool], np.int32),
            shadow_malignant=np.array([pooled.malignant for pooled in pool], np.bool_),
            shadow_ignored=np.array([pooled.ignored for pooled in pool], np.bool_),
        )


def open_view(folder: Path, record: ViewRecord) -> BankView:
    """Open a view that :func:`write_view` wrote; the planes stay on disk until windows are asked for.

    Raises:
        ReadError: a file is missing or damaged.
    """
    path = folder / f"{record.name}.npy"
    try:
        planes = np.load(path, mmap_mode="r", allow_pickle=False)
        path = folder / f"{record.name}.stamps.npy"
        stamped = np.load(path, mmap_mode="r", allow_pickle=False)
        if stamped.nbytes < _SMALL_BYTES:
            stamped = np.array(stamped)  # a map would hold a file handle
        path = folder / f"{record.name}.npz"
        with np.load(path, allow_pickle=False) as kept:
            return BankView(
                record,
                planes,
                kept["scales"],
                Tissue(*kept["overview"]),
                kept["places"],
                kept["kinds"],
                tuple(_stamps(kept, stamped)),
                tuple(_pool(kept)),
            )
    except (OSError, ValueError, KeyError, EOFError) as error:
        raise ReadError(
            expected="a file of the bank", found=str(error), do="build the bank with resume=True", where=path
        ) from error


def kept_region(tissue: Tissue, spacing_mm: float) -> Region:
    """The breast's bounding box with a margin, inside the view."""
    margin = round(_MARGIN_MM / spacing_mm)
    breast = tissue.skin_distance > 0
    spans = (np.flatnonzero(breast.any(axis=axis)) for axis in (1, 0))
    rows, columns = (
        slice(max(int(span[0]) - margin, 0), min(int(span[-1]) + 1 + margin, size))
        for span, size in zip(spans, breast.shape, strict=True)
    )
    return rows, columns


def find_sites(
    phantom: Phantom, tissue: Tissue, stamps: Sequence[Stamp], rng: np.random.Generator
) -> tuple[NDArray[np.int32], NDArray[np.uint8]]:
    """Places inside the breast (n, 2), row and column of the view, and (n,) their kinds: indices into ``SITES``."""
    every = max(1, round(_EDGE_MM / phantom.spacing_mm))
    skin = tissue.skin_distance[::every, ::every]
    y, x = ((np.arange(n, dtype=np.float32) * every + 0.5) * np.float32(phantom.spacing_mm) for n in skin.shape)
    x, y = np.meshgrid(x, y)
    inside = skin > 0
    muscle = phantom.outline.muscle_distance(x, y)
    found = [
        _sample(region, every, rng)
        for region in (
            skin > 1,
            inside & (skin < _EDGE_MM),
            np.zeros_like(inside) if muscle is None else inside & (np.abs(muscle) < _EDGE_MM),
            inside & (x < _EDGE_MM),
        )
    ]
    on_stamps = _on_stamps(_cropped(stamps, kept_region(tissue, phantom.spacing_mm)), rng)
    found += [on_stamps[tissue.skin_distance[tuple(on_stamps.T)] > 0], _bright_spots(tissue, phantom.spacing_mm)]
    kinds = np.repeat(np.arange(len(SITES), dtype=np.uint8), [len(places) for places in found])
    return np.concatenate(found).astype(np.int32), kinds


def _sample(region: NDArray[np.bool_], every: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """At most ``_MOST_SITES`` places of a region that was sampled at every so many pixels."""
    places = np.argwhere(region) * every
    return rng.permutation(places)[:_MOST_SITES]


def _on_stamps(stamps: Sequence[Stamp], rng: np.random.Generator) -> NDArray[np.intp]:
    """Some of the strongest pixels of every stamp (n, 2)."""
    found = [np.empty((0, 2), np.intp)]
    for stamp in stamps:
        strength = np.abs(stamp.values)
        strong = np.flatnonzero(strength >= 0.5 * strength.max())
        chosen = strong[rng.integers(len(strong), size=_MOST_ON_STAMP)]
        found.append(np.column_stack(np.unravel_index(chosen, strength.shape)) + np.array((stamp.row, stamp.column)))
    return np.concatenate(found)


def _bright_spots(tissue: Tissue, spacing_mm: float) -> NDArray[np.intp]:
    """The strongest local maxima that tissue alone makes at the size of specks (n, 2)."""
    above_fat = tissue.attenuation - np.float32(FAT) * tissue.thickness
    spot = cv2.GaussianBlur(above_fat, (0, 0), _SPOT_MM / spacing_mm)
    spot = spot - cv2.GaussianBlur(above_fat, (0, 0), _AROUND_MM / spacing_mm)
    size = 2 * round(_APART_MM / spacing_mm) + 1
    highest = cv2.dilate(spot, cv2.getStructuringElement(cv2.MORPH_RECT, (size, size)))
    places = np.argwhere((spot == highest) & (tissue.skin_distance > _INSIDE_MM))
    best = np.argsort(-spot[tuple(places.T)], kind="stable")
    return places[best[:_MOST_SPOTS]]


def _cropped(stamps: Sequence[Stamp], kept: Region) -> list[Stamp]:
    """What of the stamps lies in the kept part."""
    cropped = []
    for stamp in stamps:
        corner = np.array((stamp.row, stamp.column))
        first = np.maximum(corner, [part.start for part in kept])
        last = np.minimum(corner + stamp.values.shape, [part.stop for part in kept])
        if np.all(first < last):
            (top, left), (bottom, right) = first - corner, last - corner
            row, column = first.tolist()
            cropped.append(
                dataclasses.replace(stamp, row=row, column=column, values=stamp.values[top:bottom, left:right])
            )
    return cropped


def _corners(parts: Sequence[Stamp] | Sequence[Shadow]) -> NDArray[np.int32]:
    """First row and column of each, (n, 2)."""
    return np.array([(part.row, part.column) for part in parts], np.int32).reshape(-1, 2)


def _pack(images: Sequence[NDArray[np.floating]]) -> tuple[Array, NDArray[np.int32]]:
    """Images of different shapes as one array of values and one of shapes (n, 2)."""
    flat = [image.astype(np.float32).ravel() for image in images]
    shapes = np.array([image.shape for image in images], np.int32).reshape(-1, 2)
    return np.concatenate([*flat, np.empty(0, np.float32)]), shapes


def _unpack(values: Array, shapes: NDArray[np.int32]) -> list[Array]:
    """The images of :func:`_pack`, without copying."""
    ends = np.cumsum(shapes.prod(axis=1))
    return [values[end - np.prod(shape) : end].reshape(shape) for end, shape in zip(ends, shapes, strict=True)]


def _stamps(kept: np.lib.npyio.NpzFile, values: Array) -> list[Stamp]:
    said = (kept[f"stamp_{name}"].tolist() for name in ("kind", "place", "stage"))
    return [
        Stamp(kind, row, column, image, stage)
        for image, kind, (row, column), stage in zip(_unpack(values, kept["stamp_shape"]), *said, strict=True)
    ]


def _pool(kept: np.lib.npyio.NpzFile) -> list[PooledShadow]:
    contrasts, polygons = (_unpack(kept[f"{n}_values"], kept[f"{n}_shape"]) for n in ("shadow", "polygon"))
    places = kept["shadow_place"].tolist()
    shadows = [
        Shadow(row, column, contrast, polygon.astype(np.float64))
        for (row, column), contrast, polygon in zip(places, contrasts, polygons, strict=True)
    ]
    said = (kept[f"shadow_{name}"].tolist() for name in ("lesion", "malignant", "ignored"))
    return [PooledShadow(*parts) for parts in zip(shadows, *said, strict=True)]
