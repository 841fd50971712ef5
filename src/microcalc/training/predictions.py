"""Predictions: what a network says of every patch of a part of the data."""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Self
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from microcalc.errors import MicrocalcError, ReadError
from microcalc.models.probabilities import class_probabilities, target_scores
from microcalc.output import replacing
from microcalc.recipe.patch_classifier import PatchRecipe, Target
from microcalc.training.parts import Part

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Predictions:
    """The outputs of a network on the patches of a part, in the part's order."""

    part: Part
    #: (m, outputs) float32, before softmax or sigmoid.
    logits: NDArray[np.float32]

    def __post_init__(self) -> None:
        """Refuse outputs of other patches, and those that are no numbers."""
        broken = int((~np.isfinite(self.logits)).any(axis=-1).sum())
        if self.logits.ndim != 2 or len(self.logits) != len(self.part.indices) or broken:
            raise MicrocalcError(
                expected=f"finite outputs for {len(self.part.indices)} patches of the part {self.part.split}",
                found=f"shape {self.logits.shape}, {broken} rows with NaN or infinity",
                do="train with a lower learning rate if the network has diverged",
            )

    @cached_property
    def probabilities(self) -> Array:
        """(m, classes) 0..1, uncalibrated."""
        return class_probabilities(self.logits)

    def target_scores(self, target: Target, recipe: PatchRecipe) -> Array:
        """(m,) probability 0..1, uncalibrated, of the classes of a target of the recipe."""
        return target_scores(self.probabilities, recipe.patches.classes, target)

    def is_positive(self, target: Target, recipe: PatchRecipe) -> NDArray[np.bool_]:
        """(m,) whether a patch truly belongs to a class of the target."""
        wanted = [number for number, one in enumerate(recipe.patches.classes) if one.name in target.classes]
        return np.isin(self.part.classes, wanted)

    def save(self, path: Path) -> None:
        """Write the outputs, and which patches of the store they are of.

        Raises:
            WriteError: the file cannot be written.
        """
        content = io.BytesIO()
        np.savez(content, logits=self.logits, indices=self.part.indices)
        with replacing(path) as file:
            file.write(content.getvalue())

    @classmethod
    def load(cls, path: Path, part: Part) -> Self:
        """What an earlier run has left of the same part.

        Raises:
            ReadError: the file is missing, damaged, or of other patches.
        """
        try:
            with np.load(path, allow_pickle=False) as saved:
                indices, logits = saved["indices"], saved["logits"]
        except (OSError, ValueError, KeyError, BadZipFile) as error:
            raise _unusable(part, f"none that can be read ({type(error).__name__})", path) from error
        if not np.array_equal(indices, part.indices):
            raise _unusable(part, f"those of {len(indices)} others", path)
        return cls(part, logits)


def _unusable(part: Part, found: str, path: Path) -> ReadError:
    return ReadError(
        expected=f"what a network said of the {len(part.indices)} patches of the part {part.split}",
        found=found,
        do="leave --resume out",
        where=path,
    )
