"""Values of a recipe replaced from the command line: ``--set fitting.optimiser.learning_rate=1e-4``."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

from pydantic import JsonValue

from microcalc.errors import ReadError, UsageError
from microcalc.recipe import RecipeBase
from microcalc.recipe.base import merged
from microcalc.recipe.yaml_text import read_yaml

RecipeT = TypeVar("RecipeT", bound=RecipeBase)

#: A recipe of another kind is another recipe, and its notes tell what was replaced.
_FIXED = ("kind", "notes", "smoke")


def parse_override(text: str) -> tuple[str, JsonValue]:
    """Key and value of ``KEY=VALUE``, the value as a recipe's file has it: ``1e-4``, ``null``, ``[64, 32]``.

    Raises:
        UsageError: there is no key, or not one value.
    """
    key, values = parse_values(text)
    if len(values) > 1:
        raise UsageError(expected=f"one value for {key}", found=repr(text), do="put brackets around a list")
    return key, values[0]


def parse_values(text: str) -> tuple[str, tuple[JsonValue, ...]]:
    """Key and values of ``KEY=VALUE,VALUE,...``, each as a recipe's file has it.

    Raises:
        UsageError: there is no key, or no value.
    """
    key, _, listed = text.partition("=")
    try:
        values = read_yaml(f"values: [{listed}]".encode(), "values", key)["values"]
    except ReadError as error:
        raise UsageError(expected="KEY=VALUE", found=f"{text!r}: {error.found}", do="mend the value") from error
    if not key or not values:
        raise UsageError(expected="KEY=VALUE", found=repr(text), do="give such as fitting.optimiser.learning_rate=1e-4")
    return key, tuple(values)


def overridden(recipe: RecipeT, values: Mapping[str, JsonValue]) -> RecipeT:
    """The recipe with some of its values replaced, which its notes then tell; a smoke run does not undo it.

    Args:
        recipe: stays as it is.
        values: by key: the names that lead to the value, with dots between.

    Raises:
        UsageError: the recipe has no such key, or the value does not fit.
    """
    known = tuple(_keys({name: of for name, of in recipe.as_written().items() if name not in _FIXED}))
    for key in values:
        if key not in known:
            raise UsageError(
                expected=f"a key of the recipe {recipe.name}", found=repr(key), do=f"give {_near(key, known)}"
            )
    changes = merged({}, *(_nested(key, value) for key, value in values.items()))
    told = (f"Set by hand: {key} = {json.dumps(value)}." for key, value in values.items())
    changed = recipe.with_changes(changes | {"notes": [*recipe.notes, *told]})
    return changed.with_changes({"smoke": changes})  # on its own: an error of the first is then not told as of this one


def _keys(values: Mapping[str, Any], group: str = "") -> Iterator[str]:
    """Of every value and every group of them."""
    for name, value in values.items():
        yield f"{group}{name}"
        if isinstance(value, Mapping):
            yield from _keys(value, f"{group}{name}.")


def _near(key: str, known: tuple[str, ...]) -> str:
    """Keys that may have been meant, in words."""
    alike = [other for other in known if other.split(".")[-1] == key.split(".")[-1]]
    return ", ".join(alike or difflib.get_close_matches(key, known, 3, 0.5) or ("one that its file has",))


def _nested(key: str, value: JsonValue) -> dict[str, Any]:
    """``a.b`` as groups: ``{"a": {"b": value}}``."""
    groups: Any = value
    for name in reversed(key.split(".")):
        groups = {name: groups}
    return dict(groups)
