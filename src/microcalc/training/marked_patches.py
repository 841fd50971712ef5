"""Marked patches: the parts of a run whose patches have boxes around their calcifications."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from microcalc.errors import UsageError
from microcalc.mammogram import TYPICAL_SPACING_MM
from microcalc.patches.calcium import asked_for
from microcalc.patches.job import write_store
from microcalc.patches.patch import Patch
from microcalc.patches.store import PatchStore
from microcalc.recipe import FasterRcnnRecipe
from microcalc.training.job import Job
from microcalc.training.parts import Part
from microcalc.truth import ImageTruth, Split

Boxes = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class MarkedPart:
    """Some patches of a store, and what is boxed on each."""

    patches: Part
    #: (n, 4) of each patch: x0, y0, x1, y1 in pixels of the patch as stored, edges from its upper left corner.
    boxes: tuple[Boxes, ...]

    def __len__(self) -> int:
        return len(self.patches)

    def targets(self, positions: Tensor, device: torch.device) -> list[dict[str, Tensor]]:
        """The boxes of patches (n,) at positions in the part, as torchvision takes them."""
        boxes = [torch.from_numpy(self.boxes[position]).to(device) for position in positions.tolist()]
        return [{"boxes": each, "labels": torch.ones(len(each), dtype=torch.int64, device=device)} for each in boxes]


class MarkedParts(NamedTuple):
    """The parts of a run; the test part may be empty."""

    train: MarkedPart
    validation: MarkedPart
    test: MarkedPart


def open_marked(job: Job[FasterRcnnRecipe]) -> MarkedParts:
    """Cut the patches of a run's images into ``work/patches``, or take over those that an earlier run has cut.

    Raises:
        UsageError: no patch to train or to validate on; patches of another size than the recipe's.
        MicrocalcError: the images give no patch.
        WriteError: the folder cannot be written.
    """
    assert job.table is not None
    recipe, folder = job.recipe.patches, job.out / "work" / "patches"
    store = write_store(
        folder,
        recipe.protocol,
        job.table,
        data=job.data,
        seed=job.seed,
        make_executor=job.make_executor,
        resume=job.resume,
    )
    if store.manifest.size_px != recipe.size_px:
        raise UsageError(
            expected=f"patches of {store.manifest.size_px} px, as the protocol {recipe.protocol} cuts them",
            found=f"patches.size_px: {recipe.size_px} in the recipe {job.recipe.name}",
            do="mend the recipe",
        )
    parts = MarkedParts(*(marked_part(store, split, recipe.box_px) for split in ("train", "validation", "test")))
    for part in parts[:2]:
        if not part:
            raise UsageError(
                expected=f"patches with calcifications on the side {part.patches.split}",
                found="none",
                do="give more images",
                where=folder,
            )
    return parts


def marked_part(store: PatchStore, split: Split, box_px: float) -> MarkedPart:
    """One side of a store's split.

    Args:
        store: of patches, with the truth of their images.
        split: which side.
        box_px: side of a box, in pixels of the patches as stored.
    """
    indices = np.flatnonzero([patch.split == split for patch in store.patches])
    part = Part(store, indices, np.ones(len(indices), np.intp), split)
    centres = {path: _centres(truth) for path, truth in store.truths.items()}
    return MarkedPart(part, tuple(_boxes(patch, centres, store.manifest.size_px, box_px) for patch in part.patches))


def _centres(truth: ImageTruth) -> NDArray[np.float64]:
    """(n, 2) x, y of the calcifications that a detector is asked for, in pixels of the image."""
    asked = asked_for(truth, truth.spacing_mm or TYPICAL_SPACING_MM)
    return np.array([(part.x, part.y) for part in truth.calcifications], np.float64).reshape(-1, 2)[asked]


def _boxes(patch: Patch, centres: Mapping[str, NDArray[np.float64]], size_px: int, box_px: float) -> Boxes:
    """Around the calcifications whose centres lie in the patch; cut off at its border, as predictions are."""
    x0, y0, x1, y1 = patch.box
    at = centres[patch.image]
    at = at[(at >= (x0, y0)).all(axis=1) & (at < (x1, y1)).all(axis=1)]
    middle = (at - (x0, y0)) * size_px / patch.size_px
    return np.hstack([middle - box_px / 2, middle + box_px / 2]).clip(0, size_px).astype(np.float32)
