"""Examples as a page shows them: crops, with what a detector marks there and what it misses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from microcalc.benchmark.examples import Drawn, Spot, centres_of, drawn_by_kind, drawn_patches, shown
from microcalc.comparison.crops import Cutting, cut_out
from microcalc.comparison.scored import ScoredImage, ScoredSystem
from microcalc.comparison.wording import score
from microcalc.evaluation.matching import DISC14_RADIUS_MM
from microcalc.output.crop import Crop

#: A mark on a lesion, a false one, one that counts for nothing; a lesion found below the operating point alone, or not.
SymbolKind = Literal["true", "false", "ignored", "below", "missed"]
_OF_EXAMPLE: dict[str, SymbolKind] = {"A": "true", "B": "true", "C": "false", "D": "false", "E": "missed"}


@dataclass(frozen=True)
class Symbol:
    """What is drawn at a place, in picture pixels; as large as the disc of 14 px."""

    kind: SymbolKind
    x: float
    y: float
    radius: float


@dataclass(frozen=True)
class Example:
    """One crop with its symbols; no cutting where the image is not at hand."""

    cutting: Cutting | None
    symbols: tuple[Symbol, ...]
    caption: str


@dataclass(frozen=True)
class Kind:
    """Examples of one kind, of one detector."""

    examples: tuple[Example, ...]
    total: int


@dataclass(frozen=True)
class Patch:
    """One patch and what each detector says of it."""

    caption: str
    cutting: Cutting | None
    by_detector: dict[str, tuple[Symbol, ...]]


@dataclass(frozen=True)
class ExamplePictures:
    """All that a page shows of examples."""

    patches: tuple[Patch, ...]
    #: Detector -> letter of ``KINDS`` -> examples.
    by_detector: dict[str, dict[str, Kind]]
    #: Why pictures are missing, line by line.
    missing: tuple[str, ...]


def example_pictures(scored: Sequence[ScoredSystem], images_root: Path | None, seed: int) -> ExamplePictures:
    """Draw examples and cut them out.

    Args:
        scored: detectors on the same images.
        images_root: folder that the truth's paths start from; None: no pictures.
        seed: of what is drawn.
    """
    images = scored[0].images
    patches = drawn_patches(scored, seed)
    kinds = {system.system.name: drawn_by_kind(system, seed) for system in scored}
    spots = [spot for of in kinds.values() for drawn in of.values() for spot in drawn.spots]
    cuttings, missing = cut_out(images, [*patches, *spots], images_root)
    return ExamplePictures(
        tuple(_patch(spot, scored, cuttings.get(spot)) for spot in patches),
        {name: {kind: _kind(drawn, images, cuttings) for kind, drawn in of.items()} for name, of in kinds.items()},
        missing,
    )


def _kind(drawn: Drawn, images: Sequence[ScoredImage], cuttings: dict[Spot, Cutting]) -> Kind:
    return Kind(tuple(_example(spot, images, cuttings.get(spot)) for spot in drawn.spots), drawn.total)


def _example(spot: Spot, images: Sequence[ScoredImage], cutting: Cutting | None) -> Example:
    symbols = () if cutting is None else _symbols(cutting.crop, _OF_EXAMPLE[spot.drawn_as], np.array([spot.centre]))
    value = "" if spot.score is None else f"score {score(spot.score)}, "
    return Example(cutting, tuple(symbols), f"{value}{_where(spot, images)}")


def _where(spot: Spot, images: Sequence[ScoredImage]) -> str:
    x, y = spot.centre
    return f"{images[spot.image].truth.path} at {x:.0f}, {y:.0f}"


def _patch(spot: Spot, scored: Sequence[ScoredSystem], cutting: Cutting | None) -> Patch:
    by_detector = {
        system.system.name: () if cutting is None else tuple(_on_patch(cutting.crop, system.images[spot.image]))
        for system in scored
    }
    return Patch(f"{_where(spot, scored[0].images)}, {spot.drawn_as}", cutting, by_detector)


def _on_patch(crop: Crop, image: ScoredImage) -> Iterator[Symbol]:
    """Marks at the operating point, and the lesions that they miss."""
    account, marks = shown(image), image.detections.xy
    missed = account.target & (account.hit_by < 0)
    below = missed & (image.match.hit_by >= 0)
    yield from _symbols(crop, "ignored", marks[account.ignored])
    yield from _symbols(crop, "missed", centres_of(image, missed & ~below))
    yield from _symbols(crop, "below", centres_of(image, below))
    yield from _symbols(crop, "false", marks[account.false_positive])
    yield from _symbols(crop, "true", marks[account.hit | account.duplicate])


def _symbols(crop: Crop, kind: SymbolKind, xy: NDArray[np.float64]) -> Iterator[Symbol]:
    """Those that lie on the crop."""
    places = crop.to_picture(xy)
    inside = ((places >= 0) & (places <= (crop.width, crop.height))).all(axis=1)
    radius = DISC14_RADIUS_MM * (crop.px_per_mm or 0.0)
    yield from (Symbol(kind, x, y, radius) for x, y in places[inside].tolist())
