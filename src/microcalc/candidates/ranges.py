"""Ranges of the parameters of every proposer, by what their names say they are."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

from microcalc.errors import UsageError

#: End of a name -> least value, and what it must stay below: no breast measures a metre.
_RANGES = {"_mm": (0.0, 1000.0), "_mm2": (0.0, 1e6), "_quantile": (0.0, 1.0), "_votes": (1.0, math.inf)}


def check_ranges(parameters: Any, **others: tuple[float, float]) -> None:
    """Make sure that lengths, areas, quantiles and votes can be such.

    Args:
        parameters: a dataclass.
        others: name of another number -> least value, and what it must stay below.

    Raises:
        UsageError: names the first that is out of its range.
    """
    for field in dataclasses.fields(parameters):
        end = next((end for end in _RANGES if field.name.endswith(end)), None)
        if end is None and field.name not in others:
            continue
        low, high = others[field.name] if end is None else _RANGES[end]
        value = getattr(parameters, field.name)
        if not low <= value < high:
            raise UsageError(
                expected=f"{field.name} from {low:g} to below {high:g}", found=f"{value:g}", do="give another value"
            )
