"""What detectors find and miss, as examples that chance draws: Figures 20 and 22 of Cortina Uribe et al.

The worst of each detector are in the evaluation. Here a seed draws among all of a kind, images before marks, so that
one image does not fill the page; the same seed, detections and truth give the same examples.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from microcalc.candidates.geometry import PAPER_SPACING_MM
from microcalc.comparison.scored import ScoredImage, ScoredSystem
from microcalc.comparison.worst import bounds_of, places
from microcalc.evaluation.matching import ImageMatch

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

#: Letter in Figure 22 -> what its examples are.
KINDS = {
    "A": "On a lesion, below the operating point",
    "B": "On a lesion, at or above it",
    "C": "False, below the operating point",
    "D": "False, at or above it",
    "E": "Lesions never found",
}
#: Shown of each kind and detector, and the width and height shown of each, mm.
EACH, EXAMPLE_MM = 4, 6.0
#: Patches that hold a lesion, each of another image; one with a false mark comes to them. A patch is of 224 px.
PATCHES, PATCH_MM = 2, 224 * PAPER_SPACING_MM


@dataclass(frozen=True, eq=False)
class Spot:
    """One place on one of the scored images; coordinates are pixels of the original."""

    image: int
    centre: tuple[float, float]
    shown_mm: float
    #: Of the mark; None: there is none.
    score: float | None = None
    #: What it was drawn as.
    drawn_as: str = ""


@dataclass(frozen=True, eq=False)
class Drawn:
    """Examples of one kind."""

    spots: tuple[Spot, ...]
    #: How many there are to draw from.
    total: int


def drawn_by_kind(system: ScoredSystem, seed: int) -> dict[str, Drawn]:
    """Examples of each of ``KINDS`` of a detector with an operating point; false marks are those that count."""
    random = np.random.default_rng(seed)
    threshold = system.threshold or 0.0
    image, _ = places([len(it.detections) for it in system.images])
    xy = np.concatenate([it.detections.xy for it in system.images])
    scores = np.concatenate([it.detections.scores for it in system.images])
    hit = np.concatenate([it.match.hit for it in system.images])
    false = np.concatenate([it.match.false_positive & it.judged for it in system.images])
    below = scores < threshold
    chosen = {"A": hit & below, "B": hit & ~below, "C": false & below, "D": false & ~below}
    drawn = {kind: _draw(random, image[of], xy[of], scores[of], kind) for kind, of in chosen.items()}
    missed = [never_found(it) for it in system.images]
    owner, _ = places([len(of) for of in missed])
    return drawn | {"E": _draw(random, owner, np.concatenate(missed), None, "E")}


def _draw(random: np.random.Generator, image: NDArray[np.intp], xy: Array, scores: Array | None, kind: str) -> Drawn:
    """A few of (n,) spots in an order by chance, no second one of an image while there are others."""
    order = random.permutation(image.size)
    by_image = np.argsort(image[order], kind="stable")
    turn = np.empty(image.size, np.intp)
    turn[by_image] = places(np.bincount(image).tolist())[1]
    few = order[np.argsort(turn, kind="stable")[:EACH]]
    spots = (
        Spot(int(image[i]), (float(xy[i, 0]), float(xy[i, 1])), EXAMPLE_MM, None if scores is None else scores[i], kind)
        for i in few.tolist()
    )
    return Drawn(tuple(spots), image.size)


def never_found(image: ScoredImage) -> Array:
    """(n, 2) x, y of the lesions that no mark of the file hits."""
    return centres_of(image, image.match.target & (image.match.hit_by < 0))


def centres_of(image: ScoredImage, chosen: Flags) -> Array:
    """(n, 2) x, y of the middles of the chosen (lesions,) of those that the rule asks for."""
    listed = image.scores.rule.listed(image.truth)
    bounds = [bounds_of(listed[i], image.spacing_mm) for i in np.flatnonzero(chosen).tolist()]
    middles: Array = np.array(bounds, np.float64).reshape(-1, 2, 2).mean(axis=1)
    return middles


def drawn_patches(scored: Sequence[ScoredSystem], seed: int) -> tuple[Spot, ...]:
    """The patches that all detectors are shown on: some around a lesion, one around a false mark.

    Images with lesions are drawn first, then a lesion of each; then a detector with a false mark at its operating point
    that counts, then one of its marks.
    """
    random = np.random.default_rng(seed)
    images = scored[0].images
    with_lesions = np.flatnonzero([image.match.target.any() for image in images])
    spots = []
    for index in random.permutation(with_lesions)[:PATCHES].tolist():
        x, y = random.choice(centres_of(images[index], images[index].match.target)).tolist()
        spots.append(Spot(index, (x, y), PATCH_MM, drawn_as="around a lesion"))
    false = {system.system.name: found for system in scored if (found := list(_false_marks(system)))}
    if false:
        name = random.choice(sorted(false))
        index, x, y = false[name][random.integers(len(false[name]))]
        spots.append(Spot(index, (x, y), PATCH_MM, drawn_as=f"around a false mark of {name}"))
    return tuple(spots)


def _false_marks(system: ScoredSystem) -> Iterator[tuple[int, float, float]]:
    """Image, x, y of those at the operating point that count."""
    for index, image in enumerate(system.images):
        if image.judged:
            yield from ((index, x, y) for x, y in image.detections.xy[shown(image).false_positive].tolist())


def shown(image: ScoredImage) -> ImageMatch:
    """The account at the detector's operating point."""
    return image.match if image.shown is None else image.shown
