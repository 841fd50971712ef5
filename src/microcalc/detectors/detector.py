"""The interface of every detector: a mammogram in; its findings out, in pixels of the original image."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from microcalc.breast import Breast, Frame, find_breast, mend_polarity
from microcalc.candidates import Candidates
from microcalc.clusters import find_clusters
from microcalc.errors import UsageError
from microcalc.findings import NOTE, Calcification, DetectorInfo, ImageFindings, OperatingPoint
from microcalc.mammogram import TYPICAL_SPACING_MM, Mammogram

#: Pixels this many times as coarse as a detector's own are warned of.
COARSE = 2.0
#: Of a score in findings. On a level step of a calibration, candidates differ by millionths of their scores only.
SCORE_DECIMALS = 12

Propose = Callable[[NDArray[np.float32], NDArray[np.bool_], float], Candidates]


@dataclass(frozen=True, eq=False)
class Detection:
    """The findings on one image, with the image and the breast they were found on, for whoever draws them."""

    mammogram: Mammogram
    breast: Breast
    findings: ImageFindings


@dataclass(frozen=True)
class Detector:
    """A named way to propose marks, and the operating points at which it may be read."""

    name: str
    version: str
    #: (image (rows, columns) float32 in 0..1, breast mask, spacing in mm) -> candidates in pixels of that image, which
    #: is cropped to the breast, with the chest wall at the left.
    propose: Propose
    #: Pixel pitch at which ``propose`` works, mm; finer images are shrunk to it, coarser ones left as they are.
    working_spacing_mm: float
    operating_points: tuple[OperatingPoint, ...]
    default_operating_point: str
    score_floor: float
    calibrated: bool = False
    #: Of its model package, where it has one.
    package_sha256: str | None = None
    #: Where it can run, the preferred one first.
    devices: tuple[str, ...] = ("cpu",)

    def device(self, wanted: str = "auto") -> str:
        """The device to run on.

        Raises:
            UsageError: the detector does not run on the one wanted.
        """
        if wanted not in ("auto", *self.devices):
            raise UsageError(
                expected=f"a device that {self.name} runs on: auto, {', '.join(self.devices)}",
                found=repr(wanted),
                do="choose one of them",
            )
        return self.devices[0] if wanted == "auto" else wanted

    def operating_point(self, name: str | None = None) -> OperatingPoint:
        """The operating point of that name, or the default one.

        Raises:
            UsageError: there is none.
        """
        points = {point.name: point for point in self.operating_points}
        name = name or self.default_operating_point
        if name not in points:
            raise UsageError(
                expected=f"an operating point of {self.name} out of {', '.join(points)}",
                found=repr(name),
                do="choose one of them",
            )
        return points[name]

    def info(self, point: OperatingPoint) -> DetectorInfo:
        """What a report says of this detector at an operating point."""
        return DetectorInfo(
            name=self.name,
            version=self.version,
            package_sha256=self.package_sha256,
            operating_point=point.name,
            threshold=point.threshold,
            score_floor=self.score_floor,
            calibrated=self.calibrated,
        )

    def detect(self, mammogram: Mammogram, point: OperatingPoint, path: str = "") -> Detection:
        """Find marks and clusters on one mammogram.

        Args:
            mammogram: as read.
            point: its threshold decides which marks form clusters.
            path: what the findings name the image.

        Raises:
            MicrocalcError: there is no breast on the image.
        """
        started = time.perf_counter()
        mammogram, spacing_mm = _with_known_spacing(mend_polarity(mammogram))
        mammogram = self._with_doubt_of_coarse_pixels(mammogram, spacing_mm)
        breast = find_breast(mammogram)
        area_cm2 = breast.area_cm2(spacing_mm)
        marks = self._marks(mammogram, breast, spacing_mm)
        clusters = find_clusters(
            marks,
            spacing_mm,
            mammogram.shape,
            threshold=point.threshold,
            nipple=breast.nipple,
            breast_area_cm2=area_cm2,
        )
        findings = ImageFindings(
            path=path,
            sop_instance_uid=mammogram.sop_instance_uid,
            study=mammogram.study,
            side=breast.side,
            view=mammogram.view,
            rows=mammogram.shape[0],
            columns=mammogram.shape[1],
            spacing_mm=spacing_mm,
            spacing_source=mammogram.spacing_source,
            breast_area_cm2=round(area_cm2, 2),
            seconds=round(time.perf_counter() - started, 3),
            calcifications=marks,
            clusters=clusters,
            warnings=(*mammogram.warnings, *breast.warnings, *(NOTE + note for note in mammogram.notes)),
        )
        return Detection(mammogram, breast, findings)

    def _with_doubt_of_coarse_pixels(self, mammogram: Mammogram, spacing_mm: tuple[float, float]) -> Mammogram:
        if max(spacing_mm) < COARSE * self.working_spacing_mm:
            return mammogram
        warning = f"pixels of {max(spacing_mm):g} mm are too coarse: small calcifications cannot be seen"
        return dataclasses.replace(mammogram, warnings=(*mammogram.warnings, warning))

    def _marks(
        self, mammogram: Mammogram, breast: Breast, spacing_mm: tuple[float, float]
    ) -> tuple[Calcification, ...]:
        """Candidates at or above the score floor, best first, in pixels of the original image."""
        frame = Frame.around(breast, spacing_mm, working_spacing_mm=self.working_spacing_mm)
        assert frame.spacing_mm is not None  # a spacing went in
        found = self.propose(frame.apply(mammogram.pixels), frame.apply_mask(breast.mask), frame.spacing_mm)
        found = found[found.scores >= self.score_floor]
        centres = frame.to_original(found.centres)
        return tuple(
            Calcification(
                x=round(x, 2), y=round(y, 2), diameter_mm=round(diameter, 3), score=round(score, SCORE_DECIMALS)
            )
            for (x, y), diameter, score in zip(
                centres.tolist(), found.diameters_mm.tolist(), found.scores.tolist(), strict=True
            )
        )


def _with_known_spacing(mammogram: Mammogram) -> tuple[Mammogram, tuple[float, float]]:
    if mammogram.spacing_mm is not None:
        return mammogram, mammogram.spacing_mm
    warning = f"no pixel spacing in the file: {TYPICAL_SPACING_MM[0]} mm assumed, sizes in mm are as good as that guess"
    return mammogram.with_spacing(TYPICAL_SPACING_MM, "assumed", warning), TYPICAL_SPACING_MM
