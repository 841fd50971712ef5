"""The values of interest: VOI LUT Sequence, or Window Center and Width (PS3.3 C.11.2)."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from microcalc.imageio.lut import read_lut
from microcalc.imageio.remarks import Remarks
from microcalc.imageio.tags import code, codes, items, numbers


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
    remarks.note(_chosen("VOI LUT", code(tables[0], "LUTExplanation"), len(tables)))
    if lut.bits != lut.declared_bits:
        remarks.note(f"VOI LUT entries taken as {lut.bits} bits, declared as {lut.declared_bits}")
    return lut.apply_scaled(values)


def _by_window(header: Dataset, values: NDArray[np.float64], remarks: Remarks) -> NDArray[np.float64] | None:
    centers, widths = numbers(header, "WindowCenter"), numbers(header, "WindowWidth")
    if not centers and not widths:
        return None
    function = code(header, "VOILUTFunction") or "LINEAR"
    if function not in ("LINEAR", "LINEAR_EXACT", "SIGMOID"):
        remarks.warn(f"unknown VOI LUT Function {function}, taken as LINEAR")
        function = "LINEAR"
    center, width = (next(iter(given), math.nan) for given in (centers, widths))
    usable = width >= 1 if function == "LINEAR" else width > 0  # false for NaN
    if math.isnan(center) or not usable:
        remarks.warn("the first VOI window is malformed and was passed over")
        return None
    names = codes(header, "WindowCenterWidthExplanation")
    remarks.note(_chosen("VOI window", names[0] if names else "", min(len(centers), len(widths))))
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


def _chosen(what: str, name: str, count: int) -> str:
    return " ".join([what, *([f'"{name}"'] if name else []), *([f"(first of {count})"] if count > 1 else [])])
