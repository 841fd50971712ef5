"""A trained network in 8 bits: the training patches that its ranges are taken from, drawn out of a store."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from microcalc.errors import UsageError
from microcalc.models.int8 import with_int8
from microcalc.models.network_package import NetworkCard, network_card
from microcalc.models.package import Package
from microcalc.patches.store import WHITE, PatchStore
from microcalc.training.job import PATCHES

#: Patches whose ranges are taken, and pixels of them, at most: 36 patches of 674 px.
MOST_PATCHES, MOST_PX = 256, 2**24
#: Others that the two are compared on, at most; a fifth of all where there are fewer.
_COMPARED = 64


def add_int8(package: Package, data: str | None, folder: Path, seed: int = 0) -> Package:
    """Write a package with its network in 8 bits too, by patches of the training side of a store.

    Args:
        package: a patch classifier.
        data: ``patches:FOLDER``, of the protocol that the package's recipe names.
        folder: of the package that is written.
        seed: of the patches drawn.

    Raises:
        UsageError: no such data, or a store of other patches; else as :func:`~microcalc.models.int8.with_int8`.
        ReadError: the store is damaged.
        WriteError: the folder cannot be written.
    """
    described = network_card(package)
    if data is None or not data.startswith(PATCHES):
        raise UsageError(
            expected=f"--data {PATCHES}FOLDER: training patches that show what ranges activations take",
            found=repr(data) if data else "none",
            do=f"cut them with `microcalc data patches SPEC --protocol {described.recipe.patches.protocol}`",
        )
    store = PatchStore.open(Path(data.removeprefix(PATCHES)).expanduser())
    _check(store, described)
    labels = {label for one in described.recipe.patches.classes for label in one.labels}
    train = [row for row, one in enumerate(store.patches) if one.split in ("train", None) and one.label in labels]
    most = min(MOST_PATCHES, max(1, MOST_PX // described.patch.network_px**2))
    drawn = np.random.default_rng(seed).permutation(np.array(train, np.intp))[: most + _COMPARED]
    if len(drawn) < 5:
        raise UsageError(
            expected="at least five patches of the training side",
            found=str(len(drawn)),
            do="give a store with more",
            where=store.folder,
        )
    first = min(most, -(-4 * len(drawn) // 5))
    pixels = (store.pixels(drawn) / np.float32(WHITE)).astype(np.float32, copy=False)
    name = f"{store.manifest.protocol} of {store.manifest.data or 'data without a name'}"
    return with_int8(package, folder, pixels[:first], pixels[first:], name, seed)


def _check(store: PatchStore, described: NetworkCard) -> None:
    cut = store.manifest
    found, wanted = (cut.protocol, cut.size_px), (described.recipe.patches.protocol, described.patch.cut_px)
    if found != wanted:
        raise UsageError(
            expected=f"patches of the protocol {wanted[0]}, {wanted[1]} px, which the network was trained on",
            found=f"{found[0]}, {found[1]} px",
            do="give a store of them",
            where=store.folder,
        )
