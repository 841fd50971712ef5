"""What every recipe states."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Field, JsonValue, ValidationError, model_validator

from microcalc.findings import Record
from microcalc.recipe.yaml_text import Text, first_wrong

#: As packages, recipes and operating points are called.
Name = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
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
    seed: int = Field(ge=0)
    spacing_mm: Positive | Literal["native"] = Field(description="Pixel pitch worked at, mm, or that of the source.")
    notes: tuple[Text, ...] = Field(description="What was chosen where the paper is silent or contradicts itself.")
    smoke_changes: dict[str, JsonValue] = Field(
        default={}, alias="smoke", description="What is different in a smoke run, which takes about a minute."
    )

    def smoke(self) -> Self:
        """The recipe with its smoke changes made."""
        values = _merged(self.as_written() | {"smoke": {}}, self.smoke_changes)
        return self.model_validate_json(json.dumps(values), strict=True)

    def as_written(self) -> dict[str, Any]:
        """The recipe as its YAML file has it, nothing left out."""
        return self.model_dump(mode="json", by_alias=True)

    @model_validator(mode="after")
    def _smoke_changes_fit(self) -> Self:
        try:
            if self.smoke_changes:
                self.smoke()
        except ValidationError as error:
            raise ValueError(f"smoke changes that do not fit: {first_wrong(error)}") from error
        return self


def _merged(values: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """The values with the changes made, group by group; lists are replaced whole."""
    merged = dict(values)
    for name, change in changes.items():
        both = isinstance(change, Mapping) and isinstance(values.get(name), Mapping)
        merged[name] = _merged(values[name], change) if both else change
    return merged
