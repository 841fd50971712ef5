"""The detector that a model package's card describes."""

from __future__ import annotations

from microcalc.candidates import Propose
from microcalc.detectors.detector import Detector
from microcalc.models.package import Package
from microcalc.models.runtime import Runtime


def detector_of(package: Package, propose: Propose, runtime: Runtime | None = None) -> Detector:
    """How the card says that what a package proposes is read.

    Args:
        package: the card's.
        propose: marks on an image at the card's pixel pitch.
        runtime: that computes its network; None: it has none.
    """
    card = package.card
    return Detector(
        name=card.name,
        version=card.version,
        propose=propose,
        working_spacing_mm=None if card.input.spacing_mm == "native" else card.input.spacing_mm,
        operating_points=card.operating_points,
        default_operating_point=card.default_operating_point,
        score_floor=card.score_floor,
        calibrated=card.calibrated,
        trained_spacing_mm=card.training.coarsest_spacing_mm,
        package_sha256=package.sha256,
        devices=("cpu",) if runtime is None else (runtime.device,),
        computed=None if runtime is None else f"{runtime.name}, {runtime.precision}",
    )
