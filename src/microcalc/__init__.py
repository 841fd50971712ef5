"""microcalc: find microcalcifications on mammograms. Research software, not a medical device.

>>> import microcalc
>>> findings = microcalc.detect("x.dcm")
>>> [(cluster.count, cluster.distribution) for cluster in findings.images[0].clusters]
[(17, 'grouped')]
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from microcalc.comparison.job import evaluate
    from microcalc.detection import detect
    from microcalc.imageio import read_mammogram

__version__ = "0.1.0"
__all__ = ["__version__", "detect", "evaluate", "read_mammogram"]

_LAZY = {"detect": "microcalc.detection", "evaluate": "microcalc.comparison.job", "read_mammogram": "microcalc.imageio"}


def __getattr__(name: str) -> Any:
    """Import what is asked for when it is asked for, so that ``import microcalc`` and ``--help`` cost nothing."""
    if name in _LAZY:
        return getattr(importlib.import_module(_LAZY[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
