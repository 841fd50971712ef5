"""Whole mammogram in, findings out: every detector under one interface, by name."""

from __future__ import annotations

from collections.abc import Callable

from microcalc.detectors.detector import Detection, Detector
from microcalc.errors import UsageError

__all__ = ["DEFAULT_DETECTOR", "DETECTORS", "Detection", "Detector", "load_detector"]


def _morphology() -> Detector:
    from microcalc.detectors.morphology import MORPHOLOGY

    return MORPHOLOGY


#: Name -> how to get it. Nothing heavy is imported before it is asked for.
DETECTORS: dict[str, Callable[[], Detector]] = {"morphology": _morphology}

#: What serves without a name.
DEFAULT_DETECTOR = "morphology"


def load_detector(name: str = DEFAULT_DETECTOR) -> Detector:
    """The detector of that name.

    Raises:
        UsageError: there is none.
    """
    if name not in DETECTORS:
        raise UsageError(
            expected=f"a detector out of {', '.join(DETECTORS)}", found=repr(name), do="choose one of them"
        )
    return DETECTORS[name]()
