"""The candidates of a recipe: which proposer, and its parameters."""

from __future__ import annotations

import dataclasses
import functools
import json
from collections.abc import Callable
from typing import Any, NamedTuple, Self

from pydantic import Field, TypeAdapter, ValidationError, model_validator

from microcalc.candidates import Candidates, Propose
from microcalc.candidates.geometry import PAPER_SPACING_MM
from microcalc.errors import UsageError
from microcalc.findings import Record
from microcalc.recipe.yaml_text import first_wrong

Value = bool | int | float | str


class _Method(NamedTuple):
    """A proposer of :mod:`microcalc.candidates`: its function and the dataclass of its parameters."""

    propose: Callable[..., Candidates]
    parameters: type[Any]


def _morphology() -> _Method:
    from microcalc.candidates.morphology import MorphologyParameters, propose

    return _Method(propose, MorphologyParameters)


def _hough() -> _Method:
    from microcalc.candidates.hough import HoughParameters, propose

    return _Method(propose, HoughParameters)


def _hdog() -> _Method:
    from microcalc.candidates.hdog import HdogParameters, propose

    return _Method(propose, HdogParameters)


#: Name -> how to get it. Nothing heavy is imported before it is asked for.
PROPOSERS: dict[str, Callable[[], _Method]] = {"morphology": _morphology, "hough": _hough, "hdog": _hdog}

#: Unit at the end of a parameter's name -> the code's unit, and how much of it one is.
_IN_MM = {"px": ("mm", PAPER_SPACING_MM), "px2": ("mm2", PAPER_SPACING_MM**2)}


class Proposer(Record):
    """A proposer of candidates by its name, and those of its parameters that are not left as the code has them."""

    name: str
    parameters: dict[str, Value] = Field(
        default={},
        description="By the code's names; a length x_mm can be given as x_px, in the papers' pixels of 0.07 mm.",
    )

    def load(self) -> Propose:
        """The proposer with these parameters, fit to be sent to another process."""
        method = PROPOSERS[self.name]()
        return functools.partial(method.propose, parameters=method.parameters(**self._in_mm()))

    def _in_mm(self) -> dict[str, Value]:
        given: dict[str, Value] = {}
        for name, value in self.parameters.items():
            stem, _, unit = name.rpartition("_")
            if unit in _IN_MM and isinstance(value, int | float):
                unit, factor = _IN_MM[unit]
                given[f"{stem}_{unit}"] = value * factor
            else:
                given[name] = value
        return given

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.name not in PROPOSERS:
            raise ValueError(f"no proposer is called {self.name!r}; there are {', '.join(PROPOSERS)}")
        kind, given = PROPOSERS[self.name]().parameters, self._in_mm()
        known = [field.name for field in dataclasses.fields(kind)]
        unknown = sorted(given.keys() - set(known))
        if unknown:
            raise ValueError(f"{self.name} has no parameter {', '.join(unknown)}; it has {', '.join(known)}")
        if len(given) < len(self.parameters):
            raise ValueError("a parameter is given twice, in pixels and in mm")
        try:
            TypeAdapter(kind).validate_json(json.dumps(given), strict=True)
        except ValidationError as error:
            raise ValueError(first_wrong(error)) from error
        except UsageError as error:
            raise ValueError(error.reason) from error
        return self
