"""Whole mammogram in, findings out: every detector under one interface, by name."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from microcalc.detectors.detector import Detection, Detector
from microcalc.errors import UsageError
from microcalc.models import PACKAGES, shipped

if TYPE_CHECKING:
    from microcalc.models import Package
    from microcalc.models.runtime import Computation, Precision, RuntimeName

__all__ = ["DEFAULT_DETECTOR", "DETECTORS", "KINDS", "Detection", "Detector", "load_detector"]


def _morphology() -> Detector:
    from microcalc.detectors.morphology import MORPHOLOGY

    return MORPHOLOGY


def _hough() -> Detector:
    from microcalc.detectors.hough import HOUGH

    return HOUGH


def _hdog() -> Detector:
    from microcalc.detectors.hdog import HDOG

    return HDOG


def _cascade(package: Package, computation: Computation) -> Detector:
    from microcalc.detectors.cascade import cascade_detector

    _leave_out(computation, package.card.name)
    return cascade_detector(package)


def _segmenter(package: Package, computation: Computation) -> Detector:
    from microcalc.detectors.segmenter import segmenter_detector

    return segmenter_detector(package, computation)


def _patch_map(package: Package, computation: Computation) -> Detector:
    from microcalc.detectors.patch_map import patch_map_detector

    return patch_map_detector(package, computation)


def _faster_rcnn(package: Package, computation: Computation) -> Detector:
    from microcalc.detectors.faster_rcnn import faster_rcnn_detector

    return faster_rcnn_detector(package, computation)


#: Training-free detectors: name -> how to get it. Nothing heavy is imported before it is asked for.
DETECTORS: dict[str, Callable[[], Detector]] = {"morphology": _morphology, "hough": _hough, "hdog": _hdog}

#: Kind of model package -> how to make a detector of one.
KINDS: dict[str, Callable[[Package, Computation], Detector]] = {
    "cascade": _cascade,
    "segmenter": _segmenter,
    "multi-task-segmenter": _segmenter,
    "patch-map": _patch_map,
    "patch-classifier": _patch_map,
    "faster-rcnn": _faster_rcnn,
}

#: What serves without a name.
DEFAULT_DETECTOR = "microcalc-default"


def load_detector(
    name: str = DEFAULT_DETECTOR, *, runtime: RuntimeName = "auto", precision: Precision = "f32", device: str = "auto"
) -> Detector:
    """A training-free detector, or that of a model package.

    Args:
        name: of a training-free detector, or of a package that comes with microcalc, or a kind, which stands for the
            first such package of that kind; or the path of a package, a folder or a zip.
        runtime: of a detector with a network; with ``precision`` and ``device`` as
            :func:`~microcalc.models.runtime.open_runtime` takes it.
        precision: as above.
        device: as above; a detector without a network only ever runs on the processor.

    Raises:
        UsageError: there is none, or it cannot be computed as asked.
        ReadError: something about the package is not as it should be.
    """
    from microcalc.models.runtime import Computation

    computation = Computation(runtime, precision, device)
    if name in DETECTORS:
        _leave_out(computation, name)
        return DETECTORS[name]()
    if ours := shipped(name):
        return _of_package(ours, 0, computation)
    path = Path(name).expanduser()
    if not path.exists():
        names = ", ".join([*DETECTORS, *dict.fromkeys(PACKAGES.values()), *PACKAGES])
        raise UsageError(
            expected=f"a detector out of {names}, or the path of a model package",
            found=repr(name),
            do="choose one of them",
        )
    return _of_package(str(path), path.stat().st_mtime_ns, computation)


@lru_cache(maxsize=2)
def _of_package(name_or_path: str, _written: int, computation: Computation) -> Detector:
    """Kept, since a package is read for every image; a package written anew is another one."""
    from microcalc.models import load_package

    package = load_package(name_or_path)
    return KINDS[package.card.kind](package, computation)


def _leave_out(computation: Computation, name: str) -> None:
    """Refuse a runtime or a precision for a detector that has no network."""
    if (computation.runtime, computation.precision) != ("auto", "f32"):
        raise UsageError(
            expected=f"no runtime and no precision for {name}, which has no network",
            found=f"{computation.runtime}, {computation.precision}",
            do="leave them out, or name a detector with a network",
        )
