"""The gallery: the worst of each system, cut out of the images at full resolution."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from microcalc.comparison.crops import Cutting, cut_out
from microcalc.comparison.scored import ScoredSystem
from microcalc.comparison.worst import Facts, Spot, Worst, worst_false_positives, worst_misses
from microcalc.output.crop import Crop


@dataclass(frozen=True)
class Picture:
    """A crop, and what to draw on a copy of it, in picture pixels."""

    crop: Crop
    #: PNG as a data URI.
    uri: str
    #: Corners of a closed polygon.
    outline: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Example:
    """One spot with its caption; no picture where the image is not at hand."""

    #: Of the image, as the truth names it.
    path: str
    facts: Facts
    picture: Picture | None


@dataclass(frozen=True)
class Examples:
    """One kind of spots of one system."""

    shown: tuple[Example, ...]
    #: How many there are, shown or not.
    total: int


@dataclass(frozen=True)
class SystemExamples:
    """The worst of one system."""

    name: str
    misses: Examples
    false_positives: Examples


@dataclass(frozen=True)
class Gallery:
    """The worst of every system, and why pictures are missing, line by line."""

    systems: tuple[SystemExamples, ...]
    missing: tuple[str, ...]


def make_gallery(scored: Sequence[ScoredSystem], images_root: Path | None) -> Gallery:
    """Choose the worst of each system and cut it out (:func:`~microcalc.comparison.crops.cut_out`).

    Args:
        scored: systems on the same images.
        images_root: folder that the truth's paths start from; None: no pictures.
    """
    images = scored[0].images
    chosen = [(worst_misses(scored, i), worst_false_positives(system)) for i, system in enumerate(scored)]
    spots = [spot for misses, false in chosen for spot in misses.spots + false.spots]
    cuttings, missing = cut_out(images, spots, images_root)

    def examples(worst: Worst) -> Examples:
        shown = (
            Example(images[spot.image].truth.path, spot.facts, _picture(spot, cuttings.get(spot)))
            for spot in worst.spots
        )
        return Examples(tuple(shown), worst.total)

    systems = (
        SystemExamples(system.system.name, examples(misses), examples(false))
        for system, (misses, false) in zip(scored, chosen, strict=True)
    )
    return Gallery(tuple(systems), missing)


def _picture(spot: Spot, cutting: Cutting | None) -> Picture | None:
    if cutting is None:
        return None
    corners = cutting.crop.to_picture(spot.outline).tolist()
    return Picture(cutting.crop, cutting.uri, tuple((x, y) for x, y in corners))
