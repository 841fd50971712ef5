"""What a network was trained with, beside what its paper spent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from microcalc.benchmark.patch_records import Budget
from microcalc.evaluation.tables import published
from microcalc.models import Card
from microcalc.recipe import RECIPES, load_recipe
from microcalc.recipe.patch_classifier import PatchRecipe

#: Fields of a recipe that say nothing of what is done.
_PROSE = ("notes", "smoke", "title")


def budget_of(card: Card) -> Budget:
    """What a card says of the training, and what was cut or changed."""
    named = load_recipe(card.name) if card.name in RECIPES else None
    paper = named if isinstance(named, PatchRecipe) else None  # of another kind: only the name is the same
    epochs = None if paper is None else paper.fitting.stopping.epochs
    patches = None if paper is None else _printed_patches(paper)
    training = card.training
    return Budget(
        trained_on=training.data,
        epochs=training.epochs,
        patches=training.patches,
        seconds=training.seconds,
        changed=() if paper is None else tuple(_changed(paper.as_written(), card.recipe)),
        paper_epochs=epochs,
        paper_patches=None if epochs is None or patches is None else epochs * patches,
    )


def _printed_patches(recipe: PatchRecipe) -> int | None:
    """Training patches that the recipe's paper states."""
    for row in published(measure="count", level="patch"):
        if row.paper == recipe.paper and row.split == "train" and row.name == "Total":
            return int(row.value)
    return None


def _changed(of_paper: Mapping[str, Any], of_package: Mapping[str, Any], group: str = "") -> Iterator[str]:
    """Every field that differs: ``fitting.batch=8 (3)``."""
    for name, value in of_package.items():
        before = of_paper.get(name)
        if name in _PROSE or value == before:
            continue
        if isinstance(value, Mapping) and isinstance(before, Mapping):
            yield from _changed(before, value, f"{group}{name}.")
        else:
            yield f"{group}{name}={value} ({before})"
