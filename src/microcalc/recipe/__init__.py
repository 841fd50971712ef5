"""Recipes: everything that decides what a training run makes, as validated types, and their YAML files.

A recipe holds a paper's own numbers; where the paper is silent or contradicts itself, its ``notes`` say what was
chosen. Those that come with the package lie in ``recipes/``, one file each, named like the recipe.
"""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

from microcalc.errors import ReadError, UsageError
from microcalc.recipe.base import RecipeBase
from microcalc.recipe.cascade import (
    CalibrationMethod,
    CascadeRecipe,
    Comparison,
    Grid,
    HaarSelection,
    Normalisation,
    Svm,
)
from microcalc.recipe.proposer import Proposer
from microcalc.recipe.yaml_text import read_yaml, record_from

__all__ = [
    "KINDS",
    "RECIPES",
    "CalibrationMethod",
    "CascadeRecipe",
    "Comparison",
    "Grid",
    "HaarSelection",
    "Normalisation",
    "Proposer",
    "Recipe",
    "RecipeBase",
    "Svm",
    "load_recipe",
    "recipe_from",
]

#: A recipe of any kind; networks will join this union and the dictionary.
Recipe = CascadeRecipe
KINDS: dict[str, type[Recipe]] = {"cascade": CascadeRecipe}

#: Names of the recipes that come with the package.
RECIPES = ("cortina2022-cascade",)

_FOLDER = Path(__file__).parents[1] / "recipes"


def load_recipe(name_or_path: str | PathLike[str]) -> Recipe:
    """The recipe of that name, or in that YAML file.

    Raises:
        UsageError: there is neither.
        ReadError: the file breaks the schema.
    """
    known = name_or_path in RECIPES
    path = _FOLDER / f"{name_or_path}.yaml" if known else Path(name_or_path).expanduser()
    if not path.is_file():
        raise UsageError(
            expected=f"a recipe out of {', '.join(RECIPES)}, or a YAML file",
            found=repr(str(name_or_path)),
            do="choose one of them, or check the path",
        )
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ReadError(
            expected="a recipe", found=error.strerror or str(error), do="check its permissions", where=path
        ) from error
    return recipe_from(read_yaml(content, "a recipe in YAML", path), path)


def recipe_from(values: Mapping[str, Any], where: str | PathLike[str]) -> Recipe:
    """The recipe of values as its YAML file or a package's card has them.

    Raises:
        ReadError: they break the schema, or their kind is unknown.
    """
    kind = values.get("kind")
    if kind not in KINDS:
        raise ReadError(
            expected=f"a recipe of a kind out of {', '.join(KINDS)}",
            found=f"kind: {kind!r}",
            do="mend the kind, or use the version of microcalc that the recipe was written for",
            where=where,
        )
    return record_from(KINDS[kind], values, f"a recipe of kind {kind}", where)
