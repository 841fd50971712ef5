"""What every recipe states."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Field, JsonValue, ValidationError, model_validator

from microcalc.errors import UsageError
from microcalc.findings import Record
from microcalc.recipe.yaml_text import Text, first_wrong

#: As packages, recipes and operating points are called.
NAME = r"^[a-z0-9]+(-[a-z0-9]+)*$"
Name = Annotated[str, Field(pattern=NAME)]
Count = Annotated[int, Field(ge=1)]
Folds = Annotated[int, Field(ge=2)]
Positive = Annotated[float, Field(gt=0.0)]
Share = Annotated[float, Field(gt=0.0, lt=1.0)]


class RecipeBase(Record):
    """What every recipe states; kinds of recipes add what they need."""

    name: Name = Field(description="<first author><year>-<variant>; microcalc-<variant> for our own.")
    kind: str
    paper: str | None = Field(description="Key in microcalc.evaluation.tables.PAPERS; null for our own.")
    title: Text
    seed: int = Field(ge=0, lt=2**32)
    spacing_mm: Positive | Literal["native"] = Field(description="Pixel pitch worked at, mm, or that of the source.")
    notes: tuple[Text, ...] = Field(description="What was chosen where the paper is silent or contradicts itself.")
    smoke_changes: dict[str, JsonValue] = Field(
        default={}, alias="smoke", description="What is different in a smoke run, which takes about a minute."
    )

    def smoke(self) -> Self:
        """The recipe of a smoke run: made light as its kind is, then with its own smoke changes made."""
        return self._whole(merged(self.as_written() | {"smoke": {}}, self._light(), self.smoke_changes))

    def with_changes(self, changes: Mapping[str, Any]) -> Self:
        """The recipe with the changes made, group by group, as a YAML file has them; lists are replaced whole.

        Raises:
            UsageError: what comes out breaks the schema, such as by a field that does not exist.
        """
        try:
            return self._whole(merged(self.as_written(), changes))
        except ValidationError as error:
            raise UsageError(
                expected=f"changes that fit the recipe {self.name}", found=first_wrong(error), do="mend them"
            ) from error

    def as_written(self) -> dict[str, Any]:
        """The recipe as its YAML file has it, nothing left out."""
        return self.model_dump(mode="json", by_alias=True)

    def _whole(self, values: Mapping[str, Any]) -> Self:
        return self.model_validate_json(json.dumps(values), strict=True)

    def _light(self) -> dict[str, Any]:
        """What every smoke run of this kind of recipe changes."""
        return {}

    @model_validator(mode="after")
    def _smoke_changes_fit(self) -> Self:
        try:
            if self.smoke_changes:
                self.smoke()
        except ValidationError as error:
            raise ValueError(f"smoke changes that do not fit: {first_wrong(error)}") from error
        return self


def merged(values: Mapping[str, Any], *changes: Mapping[str, Any]) -> dict[str, Any]:
    """The values with the changes made, one after another, group by group; lists are replaced whole."""
    result = dict(values)
    for change in changes:
        for name, value in change.items():
            both = isinstance(value, Mapping) and isinstance(result.get(name), Mapping)
            result[name] = merged(result[name], value) if both else value
    return result
