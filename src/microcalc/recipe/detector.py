"""What the recipes of all trained whole-mammogram detectors state: how marks are read, and who is measured beside."""

from __future__ import annotations

from typing import Self, TypeVar

from pydantic import Field, model_validator

from microcalc.evaluation.tables import published
from microcalc.recipe.base import Name, Positive, RecipeBase
from microcalc.recipe.cascade import CalibrationMethod
from microcalc.recipe.yaml_text import Text


class DetectorRecipe(RecipeBase):
    """How the marks of a detector are calibrated and shown, as validation says; kinds add how it is made."""

    calibration: CalibrationMethod
    operating_points: dict[Name, Positive] = Field(
        min_length=1, description="Name -> false marks per normal image wished for, on validation."
    )
    default_operating_point: Name
    beside: tuple[Name, ...] = Field(
        default=(), max_length=5, description="Detectors that are measured beside it on the test part, in pairs."
    )
    published: tuple[Text, ...] = Field(
        default=(),
        description="Rows of the paper's tables (`name` in microcalc.evaluation.tables) beside it in a comparison.",
    )

    @model_validator(mode="after")
    def _readable(self) -> Self:
        if self.default_operating_point not in self.operating_points:
            raise ValueError(f"the default operating point {self.default_operating_point!r} is not among them")
        if len({self.name, *self.beside}) <= len(self.beside):
            raise ValueError("beside names other detectors than this one, each once")
        rows = {row.name for row in published(level="calcification") if row.paper == self.paper}
        for name in self.published:
            if name not in rows:
                raise ValueError(f"no row {name!r} about calcifications in the tables of the paper {self.paper}")
        return self


DetectorRecipeT = TypeVar("DetectorRecipeT", bound=DetectorRecipe)
