"""PatchStore: patches on disk as a network reads them, in shards that are mapped into memory and never loaded whole.

A folder: ``store.json`` (the manifest, written last), ``patches.csv`` (a row a patch), ``truth.json`` (what is known of
the images), ``shard-0000.npy`` ... with (n, size, size) uint16 pixels in the order of the rows, and beside each, where
the protocol outlines lesions, ``mask-0000.npy`` with (n, size, size) uint8.
"""

from __future__ import annotations

import csv
import functools
import io
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import Field

from microcalc.errors import ReadError, UsageError
from microcalc.findings import Document, Failure, Record
from microcalc.output import replacing
from microcalc.patches.patch import Patch
from microcalc.truth import ImageTruth, Split, Truth

MANIFEST, ROWS, TRUTH = "store.json", "patches.csv", "truth.json"
#: Beside them, what an unfinished run has planned and cut.
PLANS, SHARDS = "plans.partial.jsonl", "shards.partial.jsonl"
#: Of ``pixels``, for 1.0, white.
WHITE = 65535
#: Shards kept open at a time: each takes a file handle, of which a process is often given 1024.
_OPEN_SHARDS = 128
_COLUMNS = ("image", "x0", "y0", "size_px", "label", "origin", "split", "patient")


class Shard(Record):
    """One file of the store."""

    name: str = Field(description="Of the pixels' file; that of the masks has mask for shard.")
    patches: int = Field(ge=0)

    @property
    def masks(self) -> str:
        """Name of the masks' file."""
        return self.name.replace("shard", "mask")


class Manifest(Document):
    """What a store holds, and what it was made by."""

    schema_: Literal["microcalc.patches/1"] = Field(default="microcalc.patches/1", alias="schema")
    microcalc: str
    data: str | None = Field(default=None, description="What the data set is called: its kind and place.")
    protocol: str
    paper: str
    size_px: int = Field(ge=1, description="Side of a patch as stored.")
    spacing_mm: float | None = Field(description="Pixel pitch of the patches; null: that of each image.")
    labels: tuple[str, ...]
    channels: tuple[str, ...] = Field(description="Labels that masks outline; none: there are no masks.")
    seed: int
    split: Split | None = Field(description="The only side of the split in it; null: all.")
    images: int = Field(description="That were planned on, with patches or without.")
    counts: dict[str, dict[str, int]] = Field(description="Patches by split (none where there is none) and label.")
    shards: tuple[Shard, ...]
    left_out: dict[str, int] = Field(description="What the protocol passes over, by reason.")
    balanced_out: int = Field(description="Patches left out to balance classes.")
    spacing_assumed: int = Field(description="Images brought to the pitch from 0.07 mm, since nothing states theirs.")
    dropped: int = Field(description="Patches that a review dropped.")
    dropped_elsewhere: int = Field(
        default=0, description="Others that it dropped: of another side of the split, seed or data set than these."
    )
    failed: tuple[Failure, ...]
    notes: tuple[str, ...] = Field(description="Where the protocol chose because its paper is silent.")


class PatchStore:
    """A store to read from; may be pickled: every worker of a loader opens the files itself.

    store = PatchStore.open(Path("patches"))
    batch = store.pixels([5, 3, 8]) / np.float32(WHITE)        # (3, size, size) float32 in 0..1
    target = store.labels[[5, 3, 8]]                           # indices into store.manifest.labels
    """

    def __init__(self, folder: Path, manifest: Manifest, patches: Sequence[Patch]) -> None:
        self.folder = folder
        self.manifest = manifest
        #: In the order of the rows.
        self.patches: tuple[Patch, ...] = tuple(patches)
        code = {label: index for index, label in enumerate(manifest.labels)}
        #: (N,) indices into ``manifest.labels``.
        self.labels: NDArray[np.intp] = np.array([code[patch.label] for patch in self.patches], np.intp)
        self._first = np.cumsum([0, *(shard.patches for shard in manifest.shards)])
        self._mapped = functools.lru_cache(_OPEN_SHARDS)(_mapped)

    @classmethod
    def open(cls, folder: Path) -> PatchStore:
        """The store in a folder.

        Raises:
            ReadError: there is none, or it is half written or damaged.
        """
        if not (folder / MANIFEST).exists():
            begun = (folder / PLANS).exists()
            raise ReadError(
                expected=f"a store of patches ({MANIFEST})",
                found="one half written" if begun else "none",
                do="finish it with `microcalc data patches` and --resume" if begun else "check the path",
                where=folder,
            )
        manifest = Manifest.from_json(folder / MANIFEST)
        patches = _read_rows(folder / ROWS, manifest)
        for shard in manifest.shards:
            for name in (shard.name, shard.masks) if manifest.channels else (shard.name,):
                _check_shard(folder / name, (shard.patches, manifest.size_px, manifest.size_px))
        return cls(folder, manifest, patches)

    def __len__(self) -> int:
        return len(self.patches)

    @functools.cached_property
    def truths(self) -> Mapping[str, ImageTruth]:
        """What is known of the images, by their path; nothing where the store was made without.

        Raises:
            ReadError: the file is damaged.
        """
        path = self.folder / TRUTH
        images = Truth.from_json(path).images if path.exists() else ()
        return {image.path: image for image in images}

    def __reduce__(self) -> tuple[Callable[[Path], PatchStore], tuple[Path]]:
        return PatchStore.open, (self.folder,)

    def pixels(self, indices: ArrayLike) -> NDArray[np.uint16]:
        """(n, size, size) uint16 copies of the patches of (n,) indices, from 0, black, to ``WHITE``.

        Raises:
            UsageError: an index that no patch has.
        """
        return self._rows(indices, [shard.name for shard in self.manifest.shards], np.uint16)

    def masks(self, indices: ArrayLike) -> NDArray[np.bool_] | None:
        """(n, channels, size, size) which pixels are of each of ``manifest.channels``; None: the protocol has none.

        Raises:
            UsageError: an index that no patch has.
        """
        if not self.manifest.channels:
            return None
        classes = self._rows(indices, [shard.masks for shard in self.manifest.shards], np.uint8)
        wanted = [self.manifest.labels.index(channel) for channel in self.manifest.channels]
        outlined: NDArray[np.bool_] = classes[:, None] == np.array(wanted, np.uint8)[:, None, None]
        return outlined

    def _rows(self, indices: ArrayLike, files: Sequence[str], dtype: type[Any]) -> NDArray[Any]:
        wanted = np.asarray(indices, np.intp).reshape(-1)
        if wanted.size and not (wanted.min() >= 0 and wanted.max() < len(self)):
            raise UsageError(
                expected=f"indices of patches, 0 to {len(self) - 1}",
                found=f"{wanted.min()} to {wanted.max()}",
                do="count from 0",
                where=self.folder,
            )
        size = self.manifest.size_px
        out = np.empty((len(wanted), size, size), dtype)
        shard = np.searchsorted(self._first, wanted, side="right") - 1
        for number in np.unique(shard):
            here = shard == number
            out[here] = self._mapped(self.folder / files[number])[wanted[here] - self._first[number]]
        return out


def _mapped(path: Path) -> NDArray[Any]:
    array: NDArray[Any] = np.load(path, mmap_mode="r")
    return array


def _check_shard(path: Path, shape: tuple[int, ...]) -> None:
    try:
        found = np.load(path, mmap_mode="r").shape
    except (OSError, ValueError) as error:
        raise _damaged(path, getattr(error, "strerror", None) or "a damaged file") from error
    if found != shape:
        raise _damaged(path, f"a shard of shape {found} in place of {shape}")


def write_rows(path: Path, patches: Sequence[Patch]) -> None:
    """Write ``patches.csv``.

    Raises:
        WriteError: the file cannot be written.
    """
    text = io.StringIO(newline="")
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(_COLUMNS)
    rows.writerows(["" if (value := getattr(patch, c)) is None else value for c in _COLUMNS] for patch in patches)
    with replacing(path) as file:
        file.write(text.getvalue().encode())


def _read_rows(path: Path, manifest: Manifest) -> list[Patch]:
    sides = {str(side): side for side in get_args(Split)}
    try:
        with path.open(encoding="utf-8", newline="") as file:
            patches = [
                Patch(
                    image=row["image"],
                    x0=int(row["x0"]),
                    y0=int(row["y0"]),
                    size_px=int(row["size_px"]),
                    label=row["label"],
                    origin=row["origin"],
                    split=sides[row["split"]] if row["split"] else None,
                    patient=row["patient"] or None,
                )
                for row in csv.DictReader(file)
            ]
    except OSError as error:
        raise _damaged(path, error.strerror or "none") from error
    except (ValueError, KeyError, TypeError) as error:
        raise _damaged(path, f"a row that is none ({type(error).__name__})") from error
    expected = sum(shard.patches for shard in manifest.shards)
    if len(patches) != expected or not {patch.label for patch in patches} <= set(manifest.labels):
        raise _damaged(path, f"{len(patches)} rows, or other labels, than the {expected} patches of {MANIFEST}")
    return patches


def _damaged(path: Path, found: str) -> ReadError:
    return ReadError(
        expected="a part of a whole store of patches",
        found=found,
        do="write the store anew, without --resume",
        where=path,
    )
