"""The same numbers on every machine: OpenCV without the vendor library that only some processors have."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import cv2

Given = ParamSpec("Given")
Result = TypeVar("Result")


def repeatable(draw: Callable[Given, Result]) -> Callable[Given, Result]:
    """Run a function with OpenCV's own code: Intel's IPP enlarges images differently (by 3e-4), and no faster."""

    @functools.wraps(draw)
    def plainly(*args: Given.args, **kwargs: Given.kwargs) -> Result:
        before = cv2.ipp.useIPP()
        cv2.ipp.setUseIPP(False)
        try:
            return draw(*args, **kwargs)
        finally:
            cv2.ipp.setUseIPP(before)

    return plainly
