"""``run.json``: what a run was made with, so that it can be repeated."""

from __future__ import annotations

import dataclasses
import json
import platform
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from microcalc.findings import Report
from microcalc.output import replacing

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

#: Packages whose version can change a pixel or a score.
PACKAGES = ("microcalc", "numpy", "scipy", "opencv-python-headless", "pydicom", "pillow")


def write_run_record(report: Report, options: DataclassInstance, path: Path) -> None:
    """Write versions, detector, options, device and seconds per image.

    Raises:
        WriteError: the file cannot be written.
    """
    record = {
        "versions": {"python": platform.python_version()} | {name: metadata.version(name) for name in PACKAGES},
        "platform": f"{platform.system()} {platform.machine()}",
        "detector": report.detector.model_dump(),
        "options": dataclasses.asdict(options),
        "seed": None,
        "run": report.run.model_dump(),
        "seconds": {image.path: image.seconds for image in report.images},
        "failed": len(report.failed),
    }
    with replacing(path) as file:
        file.write(json.dumps(record, indent=1).encode())
