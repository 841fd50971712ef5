"""Smoke patches: noise, with specks where there should be calcium, to show in seconds that a recipe runs."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import numpy as np
from numpy.typing import NDArray

import microcalc
from microcalc.output import replacing
from microcalc.patches.patch import HEALTHY, Patch
from microcalc.patches.protocols import find_protocol
from microcalc.patches.store import MANIFEST, ROWS, WHITE, Manifest, PatchStore, Shard, write_rows
from microcalc.recipe.patch_classifier import PatchRecipe
from microcalc.truth import Split

#: Patches of each label on each side of the split, and patients that they are from.
_PATCHES, _PATIENTS = 16, 4
#: Specks of a positive patch, and the radius of the disc in the middle that they lie in, as a share of its window.
_SPECKS, _REACH = 5, 0.25
_BRIGHTNESS, _NOISE, _SPECK = 0.4, 0.05, 0.4


def write_smoke_store(folder: Path, recipe: PatchRecipe, seed: int) -> PatchStore:
    """Write a store of a recipe's protocol, of patches as its input asks for, on three sides of a split.

    Patches of the protocol's first label are noise; all others hold specks, which the masks outline where the protocol
    has masks.

    Args:
        folder: made where missing; a store in it is replaced.
        recipe: whose protocol and size.
        seed: equal ones give equal patches.

    Raises:
        WriteError: the folder cannot be written.
    """
    protocol, size = find_protocol(recipe.patches.protocol), recipe.input.cut_px
    patches = [
        _patch(side, number, label, code, size)
        for side in get_args(Split)
        for code, label in enumerate(protocol.labels)
        for number in range(_PATCHES)
    ]
    code = np.array([protocol.labels.index(patch.label) for patch in patches], np.uint8)
    rng = np.random.default_rng(seed)
    specks = _specks(len(patches), size, recipe.input.size_px, rng) & (code > 0)[:, None, None]
    grey = rng.normal(_BRIGHTNESS, _NOISE, specks.shape) + _SPECK * specks
    shard = Shard(name="shard-0000.npy", patches=len(patches))
    arrays = {shard.name: np.rint(grey.clip(0, 1) * WHITE).astype(np.uint16)}
    if protocol.channels:
        arrays[shard.masks] = specks * code[:, None, None]
    for name, array in arrays.items():
        with replacing(folder / name) as file:
            np.save(file, array)
    write_rows(folder / ROWS, patches)
    manifest = Manifest(
        microcalc=microcalc.__version__,
        protocol=protocol.name,
        paper=protocol.paper,
        size_px=size,
        spacing_mm=protocol.spacing_mm,
        labels=protocol.labels,
        channels=protocol.channels,
        seed=seed,
        split=None,
        images=len({patch.image for patch in patches}),
        counts={side: dict.fromkeys(protocol.labels, _PATCHES) for side in sorted(get_args(Split))},
        shards=(shard,),
        left_out={},
        balanced_out=0,
        spacing_assumed=0,
        dropped=0,
        failed=(),
        notes=("noise drawn for a smoke run: no image is behind it",),
    )
    with replacing(folder / MANIFEST) as file:
        file.write(manifest.to_json().encode())
    return PatchStore.open(folder)


def _patch(side: Split, number: int, label: str, code: int, size: int) -> Patch:
    patient = f"smoke-{side}-{number % _PATIENTS}"
    origin = "calcification" if code else HEALTHY
    return Patch(f"{patient}.png", number * size, code * size, size, label, origin, side, patient)


def _specks(count: int, size: int, window: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """(count, size, size) which pixels are of specks of 3 x 3 pixels near the middle of each patch's window."""
    radius = _REACH * window * np.sqrt(rng.random((count, _SPECKS)))
    angle = 2 * np.pi * rng.random((count, _SPECKS))
    x, y = (size / 2 + radius * wave(angle) for wave in (np.cos, np.sin))
    grid = np.arange(size)
    near_x, near_y = (np.abs(grid - centre[..., None]) <= 1.5 for centre in (x, y))
    drawn: NDArray[np.bool_] = np.einsum("nkr,nkc->nrc", near_y, near_x)
    return drawn
