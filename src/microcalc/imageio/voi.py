"""The values of interest: VOI LUT Sequence, or Window Center and Width (PS3.3 C.11.2)."""

from __future__ import annotations

import math
import re

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from microcalc.imageio.lut import read_lut
from microcalc.imageio.remarks import Remarks
from microcalc.imageio.tags import code, items, numbers

_WORDS = (
    "ALGO|BRIGHT(?:ER)?|CONTRAST|DARK(?:ER)?|DEFAULT|HARD(?:ER)?|HIGH|LINEAR|LOW|LUT|MEDIUM|NORMAL|SIGMOID|SOFT(?:ER)?"
    "|STANDARD|USER|VOI|WINDOW"
)
#: What vendors call windows and tables, at most two digits behind. The attribute is free text: nothing else is quoted.
_NAME = re.compile(rf"(?:{_WORDS})(?:[ _-]?(?:{_WORDS})){{0,2}}(?:[ _-]?\d{{1,2}})?")


def apply_voi(header: Dataset, values: NDArray[np.float64], remarks: Remarks) -> NDArray[np.float64] | None:
    """Modality values to 0..1 by the first table, else by the first window; None where neither is usable.

    The standard leaves the choice between tables and windows to the viewer. Tables come first: they are the vendor's
    own curves, to which windows are straight approximations.
    """
    shown = _by_table(header, values, remarks)
    return shown if shown is not None else _by_window(header, values, remarks)


def _by_table(header: Dataset, values: NDArray[np.float64], remarks: Remarks) -> NDArray[np.float64] | None:
    tables = items(header, "VOILUTSequence")
    if not tables:
        return None
    lut = read_lut(tables[0], values)
    if lut is None:
        remarks.warn("the first VOI LUT is malformed and was passed over")
        return None
    remarks.note("VOI LUT" + _named(code(tables[0], "LUTExplanation")) + _first_of(len(tables)))
    if lut.bits != lut.declared_bits:
        remarks.note(f"VOI LUT entries taken as {lut.bits} bits, declared as {lut.declared_bits}")
    return lut.apply_scaled(values)


def _by_window(header: Dataset, values: NDArray[np.float64], remarks: Remarks) -> NDArray[np.float64] | None:
    centers, widths = numbers(header, "WindowCenter"), numbers(header, "WindowWidth")
    if not centers and not widths:
        return None
    function = code(header, "VOILUTFunction") or "LINEAR"
    if function not in ("LINEAR", "LINEAR_EXACT", "SIGMOID"):
        remarks.warn("unknown VOI LUT Function, taken as LINEAR")
        function = "LINEAR"
    center, width = (next(iter(given), math.nan) for given in (centers, widths))
    usable = width >= 1 if function == "LINEAR" else width > 0  # false for NaN
    if math.isnan(center) or not usable:
        remarks.warn("the first VOI window is malformed and was passed over")
        return None
    name = _named(code(header, "WindowCenterWidthExplanation")) or f" of center {center:g} and width {width:g}"
    remarks.note("VOI window" + name + _first_of(min(len(centers), len(widths))))
    return window(values, center, width, function)


def window(values: NDArray[np.float64], center: float, width: float, function: str) -> NDArray[np.float64]:
    """PS3.3 C.11.2.1.2.1 (LINEAR), C.11.2.1.3.1 (SIGMOID) and C.11.2.1.3.2 (LINEAR_EXACT), with output 0..1."""
    if function == "SIGMOID":
        # 1 / (1 + exp(-4 (x - c) / w)), in a form that cannot overflow.
        return 0.5 + 0.5 * np.tanh(2.0 * (values - center) / width)
    if function == "LINEAR":
        center, width = center - 0.5, width - 1.0
    if width == 0.0:
        return (values > center).astype(np.float64)
    return np.clip((values - center) / width + 0.5, 0.0, 1.0)


def _named(name: str) -> str:
    return f' "{name}"' if _NAME.fullmatch(name) else ""


def _first_of(count: int) -> str:
    return f" (first of {count})" if count > 1 else ""
