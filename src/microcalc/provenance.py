"""``run.json``: what a run was made with, so that it can be repeated."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from microcalc.output import replacing

#: Packages whose version can change a pixel, a score or a figure.
PACKAGES = (
    "microcalc",
    "numpy",
    "scipy",
    "opencv-python-headless",
    "pillow",
    "pydicom",
    "python-gdcm",
    "pyjpegls",
    "pylibjpeg-openjpeg",
    "pylibjpeg-libjpeg",
    "scikit-image",
    "matplotlib",
    "scikit-learn",
    "xgboost-cpu",
    "onnxruntime",
    "openvino",
    "torch",
    "torchvision",
    "timm",
    "lightning",
    "monai",
)


def write_run_record(path: Path, settings: Mapping[str, Any], facts: Mapping[str, Any]) -> None:
    """Write versions, settings, and facts of the run: seed, device, seconds, failures.

    Raises:
        WriteError: the file cannot be written.
    """
    record = {
        "versions": {"python": platform.python_version()} | {name: package_version(name) for name in PACKAGES},
        "platform": f"{platform.system()} {platform.machine()}",
        "settings": settings,
        **facts,
    }
    with replacing(path) as file:
        file.write(json.dumps(record, indent=1).encode())


def package_version(package: str) -> str | None:
    """Its version; None where it is not installed under this name: optional, or from another distributor."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
