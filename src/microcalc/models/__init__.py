"""Model packages: trained weights, with a card that tells the whole truth about them."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from microcalc.models.card import Calibration, Card, Input, Metric, Training
    from microcalc.models.package import Package, load_package, write_package

__all__ = [
    "PACKAGES",
    "Calibration",
    "Card",
    "Input",
    "Metric",
    "Package",
    "Training",
    "load_package",
    "shipped",
    "write_package",
]

#: Packages that come with microcalc, in ``packages/`` -> their kind. By hand, so that listing them opens no file.
PACKAGES: dict[str, str] = {
    "cortina2022-cascade": "cascade",
    "microcalc-default": "segmenter",
    "cortina2022-resnet16-dense-map": "patch-map",
    "cortina2022-resnet16-map": "patch-map",
    "cortina2022-frcnn-efficientnet-b3-fast": "faster-rcnn",
}


def shipped(name: str) -> str | None:
    """The package that comes with microcalc under this name, or the first one of this kind; None: there is none."""
    return name if name in PACKAGES else next((package for package, kind in PACKAGES.items() if kind == name), None)


_LAZY = dict.fromkeys(("Calibration", "Card", "Input", "Metric", "Training"), "card")
_LAZY |= dict.fromkeys(("Package", "load_package", "write_package"), "package")


def __getattr__(name: str) -> Any:
    """Import what is asked for when it is asked for, so that the names of packages cost nothing."""
    if name in _LAZY:
        return getattr(importlib.import_module(f"microcalc.models.{_LAZY[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
