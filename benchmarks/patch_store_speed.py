"""Patches per second that two processes read at random, as a loader of training batches does: store against PNGs."""

import multiprocessing
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import cv2
import numpy as np
from common import one_image
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from microcalc.imageio import read_mammogram
from microcalc.patches.patch import Patch
from microcalc.patches.protocols import PROTOCOLS
from microcalc.patches.sites import at
from microcalc.patches.store import WHITE, Manifest, PatchStore, Shard, write_rows

WORKERS, BATCH, REPEATS = 2, 32, 3
#: Protocol -> patches.
STORES = {"cortina16": 4000, "kahnouei224": 400, "mracko674": 64}

Read = Callable[[Path, Sequence[int]], NDArray[np.uint16]]


def write_both(folder: Path, image: NDArray[np.uint16], name: str, number: int) -> None:
    """The same random patches of a mammogram as a store and as one PNG each."""
    protocol = PROTOCOLS[name]
    (rows, columns), size = image.shape, protocol.size_px
    corners = np.random.default_rng(0).integers(0, (columns - size + 1, rows - size + 1), (number, 2))
    patches = [Patch("image", x, y, size, protocol.labels[0], "random") for x, y in corners.tolist()]
    pixels = at(sliding_window_view(image, (size, size)), corners)
    for index, patch in enumerate(pixels):
        cv2.imwrite(str(folder / f"{index}.png"), patch)
    shards = np.array_split(np.arange(number), 4)
    for shard, indices in enumerate(shards):
        np.save(folder / f"shard-{shard:04}.npy", pixels[indices])
    manifest = Manifest(
        microcalc="",
        protocol=name,
        paper=protocol.paper,
        size_px=size,
        spacing_mm=None,
        labels=protocol.labels,
        channels=(),
        seed=0,
        split=None,
        images=1,
        counts={},
        shards=tuple(Shard(name=f"shard-{n:04}.npy", patches=len(i)) for n, i in enumerate(shards)),
        left_out={},
        balanced_out=0,
        spacing_assumed=0,
        dropped=0,
        failed=(),
        notes=(),
    )
    write_rows(folder / "patches.csv", patches)
    (folder / "store.json").write_text(manifest.to_json())


def from_pngs(folder: Path, indices: Sequence[int]) -> NDArray[np.uint16]:
    return np.stack([cv2.imread(str(folder / f"{index}.png"), cv2.IMREAD_UNCHANGED) for index in indices])


def epoch(read: Read | None, folder: Path, number: int, seed: int) -> tuple[float, float]:
    """When a worker began and ended reading its half of the patches, in random batches; None: from the store."""
    cv2.setNumThreads(1)
    if read is None:
        store = PatchStore.open(folder)

        def read(_: Path, indices: Sequence[int]) -> NDArray[np.uint16]:
            return store.pixels(indices)

    order = np.random.default_rng(seed).permutation(number)[: number // WORKERS]
    start = time.monotonic()
    for first in range(0, len(order), BATCH):
        batch = read(folder, order[first : first + BATCH].tolist()) * np.float32(1 / WHITE)
        assert batch.dtype == np.float32
    return start, time.monotonic()


def rate(pool: ProcessPoolExecutor, read: Read | None, folder: Path, number: int) -> float:
    """Patches per second of both workers together, the best of some epochs."""
    best = 0.0
    for repeat in range(REPEATS):
        halves = [pool.submit(epoch, read, folder, number, 10 * repeat + worker) for worker in range(WORKERS)]
        spans = [half.result() for half in halves]
        seconds = max(end for _, end in spans) - min(start for start, _ in spans)
        best = max(best, number // WORKERS * WORKERS / seconds)
    return best


def main() -> None:
    image = np.rint(read_mammogram(one_image()).pixels * np.float32(WHITE)).astype(np.uint16)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(WORKERS, mp_context=context) as pool:
        for name, number in STORES.items():
            with tempfile.TemporaryDirectory() as folder:
                write_both(Path(folder), image, name, number)
                stored, single = (rate(pool, read, Path(folder), number) for read in (None, from_pngs))
                line = f"store {stored:8.0f} patches/s, PNGs {single:8.0f} patches/s, ratio {stored / single:.1f}"
                print(f"{name:14} {line}", flush=True)
    print(f"load of the machine {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")


if __name__ == "__main__":
    main()
