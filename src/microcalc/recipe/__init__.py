"""Recipes: everything that decides what a training run makes, as validated types, and their YAML files.

A recipe holds a paper's own numbers; where the paper is silent or contradicts itself, its ``notes`` say what was
chosen. Those that come with the package lie in ``recipes/``, one file each, named like the recipe.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

from microcalc.errors import ReadError, UsageError
from microcalc.recipe.base import RecipeBase, merged
from microcalc.recipe.cascade import (
    CalibrationMethod,
    CascadeRecipe,
    Comparison,
    Grid,
    HaarSelection,
    Normalisation,
    Svm,
)
from microcalc.recipe.faster_rcnn import FasterRcnnRecipe
from microcalc.recipe.fitting import Fitting
from microcalc.recipe.multi_task_segmenter import MultiTaskSegmenterRecipe
from microcalc.recipe.names import BY_PAPER, RECIPES, in_brief
from microcalc.recipe.network import Network, PatchInput
from microcalc.recipe.patch_classifier import PatchClassifierRecipe
from microcalc.recipe.patch_map import MapOf, PatchMapRecipe
from microcalc.recipe.proposer import Proposer
from microcalc.recipe.segmentation import SegmentationInput
from microcalc.recipe.segmenter import SegmenterRecipe
from microcalc.recipe.yaml_text import read_yaml, record_from

__all__ = [
    "BY_PAPER",
    "KINDS",
    "RECIPES",
    "CalibrationMethod",
    "CascadeRecipe",
    "Comparison",
    "FasterRcnnRecipe",
    "Fitting",
    "Grid",
    "HaarSelection",
    "MapOf",
    "MultiTaskSegmenterRecipe",
    "Network",
    "Normalisation",
    "PatchClassifierRecipe",
    "PatchInput",
    "PatchMapRecipe",
    "Proposer",
    "Recipe",
    "RecipeBase",
    "SegmentationInput",
    "SegmenterRecipe",
    "Svm",
    "load_recipe",
    "recipe_from",
]

#: A recipe of any kind.
Recipe = (
    CascadeRecipe
    | PatchClassifierRecipe
    | SegmenterRecipe
    | MultiTaskSegmenterRecipe
    | PatchMapRecipe
    | FasterRcnnRecipe
)
KINDS: dict[str, type[Recipe]] = {
    "cascade": CascadeRecipe,
    "patch-classifier": PatchClassifierRecipe,
    "segmenter": SegmenterRecipe,
    "multi-task-segmenter": MultiTaskSegmenterRecipe,
    "patch-map": PatchMapRecipe,
    "faster-rcnn": FasterRcnnRecipe,
}

_FOLDER = Path(__file__).parents[1] / "recipes"


def load_recipe(name_or_path: str | PathLike[str]) -> Recipe:
    """The recipe of that name, or in that YAML file.

    A file that names another recipe as its ``base`` holds what is different from it, and notes to add to its notes;
    what is loaded is whole.

    Raises:
        UsageError: there is neither.
        ReadError: the file breaks the schema.
    """
    path = _file_of(name_or_path)
    return recipe_from(_values(path), path)


def _file_of(name_or_path: str | PathLike[str], named_in: Path | None = None) -> Path:
    """The file of a recipe of the package, or the one at a path, which a file may have named."""
    if name_or_path in RECIPES:
        return _FOLDER / f"{name_or_path}.yaml"
    path = Path(name_or_path).expanduser()
    path = path if named_in is None else named_in.parent / path
    if not path.is_file():
        near = difflib.get_close_matches(str(name_or_path), RECIPES)
        raise UsageError(
            expected="a recipe's name, or a YAML file",
            found=repr(str(name_or_path)),
            do=f"try {' or '.join(near)}" if near else f"choose one of {in_brief()}, or check the path",
            where=named_in,
        )
    return path


def _values(path: Path, above: tuple[Path, ...] = ()) -> dict[str, Any]:
    """What a recipe's file holds, laid over what its base holds."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ReadError(
            expected="a recipe", found=error.strerror or str(error), do="check its permissions", where=path
        ) from error
    values = read_yaml(content, "a recipe in YAML", path)
    if "base" not in values:
        return values
    if path.resolve() in above or "name" not in values:
        raise ReadError(
            expected="a base that does not lead back here, and a name of its own",
            found=f"base: {values['base']}, name: {values.get('name')}",
            do="mend them",
            where=path,
        )
    base = _values(_file_of(str(values.pop("base")), path), (*above, path.resolve()))
    return merged(base, values, {"notes": _added(base.get("notes", []), values.get("notes", []))})


def _added(notes: Any, more: Any) -> Any:
    """The notes of a base with those of a variant; what is no list is left for the schema to refuse."""
    return [*notes, *more] if isinstance(notes, list) and isinstance(more, list) else more


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
