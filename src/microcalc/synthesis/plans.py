"""What plans of every kind share: one way to be named, checked, and written down."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import scipy

from microcalc import __version__
from microcalc.errors import UsageError

#: What draws and computes: under other versions equal plans may give other pixels.
VERSIONS = {"microcalc": __version__, "numpy": np.__version__, "scipy": scipy.__version__, "opencv": cv2.__version__}

#: Studies in a set: a million images.
MOST = 250_000


def key_of(plan: Any) -> str:
    """SHA-256 of a plan's :func:`plain` fields, hexadecimal."""
    return hashlib.sha256(json.dumps(plain(plan), sort_keys=True).encode()).hexdigest()


def plain(plan: Any) -> Any:
    """A plan (or a value in one) as JSON has it; equal ones come out alike: 2, 2.0 and NumPy's, paths of one file."""
    if dataclasses.is_dataclass(plan):
        return {one.name: plain(getattr(plan, one.name)) for one in dataclasses.fields(plan)}
    if isinstance(plan, tuple | list):
        return [plain(value) for value in plan]
    if isinstance(plan, Path):
        return str(plan.resolve())
    value = plan.item() if isinstance(plan, np.generic) else plan
    return int(value) if isinstance(value, float) and value.is_integer() else value


def check_set(count: int | None, seed: int, normal_share: float) -> None:
    """Raise UsageError for a set that cannot be planned."""
    check(count is None or 1 <= count <= MOST, f"a count of 1 to {MOST}", str(count))
    check(seed >= 0, "a seed of 0 or more", str(seed))
    check(0 <= normal_share <= 1, "a share of normals of 0 to 1", str(normal_share))


def check(holds: bool, expected: str, found: str, do: str = "choose another") -> None:
    """Raise UsageError unless it holds."""
    if not holds:
        raise UsageError(expected=expected, found=found, do=do)
