"""The numbers of networks on the patches of a part: areas of Terrassin et al.'s Tables 2 and 3, overlaps of Table 4."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from microcalc.benchmark.means import Means
from microcalc.benchmark.patch_answers import Network
from microcalc.benchmark.patch_records import Outlined
from microcalc.comparison.case_numbers import area_of
from microcalc.comparison.estimates import Measured
from microcalc.evaluation.bootstrap import Resamples
from microcalc.evaluation.segmentation import Mask, Overlap, OverlapMetric
from microcalc.explain.li import overlaps
from microcalc.models.probabilities import target_scores
from microcalc.patches.store import WHITE, PatchStore
from microcalc.recipe.patch_classifier import PatchRecipe

Array = NDArray[np.float64]
Indices = NDArray[np.intp]

#: Of Table 4, in its order.
METRICS: tuple[OverlapMetric, ...] = ("dice", "recall", "precision")
#: What each is a share of, all patches as one.
_PIXELS = {"dice": "pixels of lesions or found", "recall": "pixels of lesions", "precision": "pixels found"}
#: The class whose lesions are marked by single pixels, which are grown before anything is compared with them.
POINTS = "benign"
#: Pixels that a network is given at a time.
_BLOCK_PX = 2**20


@dataclass(frozen=True, eq=False)
class Asked:
    """Patches of one part of a store, and what they are."""

    store: PatchStore
    #: (n,) of the patches in the store.
    indices: Indices
    #: (n,) of the network's classes, 0 the negative one.
    classes: Indices
    #: Of these patches.
    resamples: Resamples

    def blocks(self) -> Iterator[slice]:
        """All of them, as many at a time as a network is given."""
        size = max(1, _BLOCK_PX // self.store.manifest.size_px**2)
        return (slice(start, start + size) for start in range(0, len(self.indices), size))


@dataclass(frozen=True, eq=False)
class Answers:
    """What a network says of n patches, what matters of it."""

    #: (n, classes)
    probabilities: Array
    #: (n,) of the lesions of each patch's own class, in pixels; None: the network maps nothing.
    overlaps: tuple[Overlap, ...] | None


def ask(network: Network, asked: Asked) -> Iterator[tuple[int, Answers]]:
    """Ask a network block by block: how many patches are done, and its answers for those of the block."""
    names = [one.name for one in network.recipe.patches.classes]
    for block in asked.blocks():
        indices, classes = asked.indices[block], asked.classes[block]
        pixels = asked.store.pixels(indices).astype(np.float32) / np.float32(WHITE)
        found = network(pixels, classes)
        masks = asked.store.masks(indices)
        compared = None
        if found.maps is not None and masks is not None:
            truths = [_lesions(masks[i], asked.store, names[code]) for i, code in enumerate(classes.tolist())]
            points = [names[code] == POINTS for code in classes.tolist()]
            compared = tuple(
                overlaps([values], [truth], points=point)[0]
                for values, truth, point in zip(found.maps, truths, points, strict=True)
            )
        yield block.start + len(indices), Answers(found.probabilities, compared)


def _lesions(masks: Mask, store: PatchStore, name: str) -> Mask:
    """(s, s) where the lesions of a class are, out of (channels, s, s); nowhere, where none are outlined."""
    channels = store.manifest.channels
    return masks[channels.index(name)] if name in channels else np.zeros_like(masks[0])


def joined(parts: Sequence[Answers]) -> Answers:
    """The answers of all blocks."""
    compared = [part.overlaps for part in parts if part.overlaps is not None]
    return Answers(
        np.concatenate([part.probabilities for part in parts]),
        tuple(one for some in compared for one in some) if len(compared) == len(parts) else None,
    )


def areas(answers: Answers, asked: Asked, recipe: PatchRecipe) -> dict[str, Measured]:
    """Target -> area under its ROC curve."""
    found = {}
    for target in recipe.patches.targets:
        wanted = [number for number, one in enumerate(recipe.patches.classes) if one.name in target.classes]
        scores = target_scores(answers.probabilities, recipe.patches.classes, target)
        found[target.name] = area_of("ROC AUC", np.isin(asked.classes, wanted), scores, asked.resamples)
    return found


def outlined(answers: Answers, asked: Asked, recipe: PatchRecipe) -> Iterator[Outlined]:
    """Of each class that masks outline, the overlaps on its patches."""
    if answers.overlaps is None:
        return
    mean = Means(asked.resamples)
    truth, truth_found, found, found_true = (
        np.array([getattr(one, name) for one in answers.overlaps], np.float64)
        for name in ("truth", "truth_found", "found", "found_true")
    )
    counts: dict[OverlapMetric, tuple[Array, Array]] = {
        "dice": (2 * truth_found, truth + found),
        "recall": (truth_found, truth),
        "precision": (found_true, found),
    }
    for number, one in enumerate(recipe.patches.classes):
        here = asked.classes == number
        if one.name not in asked.store.manifest.channels or not here.any():
            continue
        values = {name: np.array([getattr(of, name) for of in answers.overlaps]) for name in METRICS}
        defined = {name: here & ~np.isnan(values[name]) for name in METRICS}
        yield Outlined(
            target=one.name,
            patches=int(here.sum()),
            by_patch={
                name: mean.mean(np.nan_to_num(values[name]), defined[name], f"{one.name} patches where it is defined")
                for name in METRICS
            },
            by_pixel={
                name: mean.share(parts * here, wholes * here, f"{_PIXELS[name]} on {one.name} patches")
                for name, (parts, wholes) in counts.items()
            },
        )
