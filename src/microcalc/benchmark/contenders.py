"""Detectors as they enter a benchmark: how each is computed, and what its paper prints of it."""

from __future__ import annotations

from dataclasses import dataclass

from microcalc.detection import DetectionOptions
from microcalc.detectors import Detector, load_detector
from microcalc.evaluation.tables import Published, published
from microcalc.models import Card, load_package
from microcalc.models.runtime import Precision, RuntimeName
from microcalc.recipe import RecipeBase

#: Rows of detectors whose recipes have no field to name them.
_ROWS = {"cortina2022-cascade": ("Pipeline 1: grey-scale morphology, SVM cascade",)}


@dataclass(frozen=True)
class Contender:
    """A detector, opened once to see that it can be computed as asked."""

    options: DetectionOptions
    #: As :class:`~microcalc.detectors.Detector` has it.
    computed: str | None
    #: Of its model package, where it has one.
    kind: str | None
    #: Of whole mammograms or of boxes.
    published: tuple[Published, ...]


def open_contender(
    detector: str, runtime: RuntimeName, precision: Precision, spacing_mm: float | None = None
) -> Contender:
    """Open a detector; one without a network runs as it is, whatever is asked for.

    Args:
        detector: what ``detect`` takes.
        runtime: of a network, as :func:`~microcalc.models.runtime.open_runtime` takes it.
        precision: likewise.
        spacing_mm: pixel pitch of all images, mm; None: what each file says.

    Raises:
        UsageError: there is none, or it cannot be computed as asked.
        ReadError: its package is not as it should be.
    """
    options, loaded = DetectionOptions(detector, spacing_mm=spacing_mm), load_detector(detector)
    if loaded.computed is not None and (runtime, precision) != (options.runtime, options.precision):
        options = DetectionOptions(detector, runtime=runtime, precision=precision, spacing_mm=spacing_mm)
        loaded = options.load_detector()
    card = _card(detector, loaded)
    if card is None:
        return Contender(options, loaded.computed, None, ())
    return Contender(options, loaded.computed, card.kind, _published(card.load_recipe()))


def _card(detector: str, loaded: Detector) -> Card | None:
    """That of its package."""
    return None if loaded.package_sha256 is None else load_package(detector).card


def _published(recipe: RecipeBase) -> tuple[Published, ...]:
    """What the paper prints of a recipe's detector."""
    names = getattr(recipe, "published", _ROWS.get(recipe.name, ()))
    return tuple(row for row in published(level="calcification") if row.paper == recipe.paper and row.name in names)
