"""The interface of every detector: a mammogram in; its findings out, in pixels of the original image."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from microcalc.breast import Breast, Frame
from microcalc.candidates import Propose
from microcalc.clusters import find_clusters
from microcalc.detectors.view import WorkingView, working_view
from microcalc.errors import UsageError
from microcalc.findings import NOTE, Calcification, DetectorInfo, ImageFindings, OperatingPoint
from microcalc.mammogram import Mammogram
from microcalc.truth import Polygon

#: Pixels this many times as coarse as a detector's own are warned of.
COARSE = 2.0
#: Pitches are stated with three digits or so.
ROUNDED = 1.01
#: Of a score in findings. On a level step of a calibration, candidates differ by millionths of their scores only.
SCORE_DECIMALS = 12


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
    propose: Propose
    #: Pixel pitch at which ``propose`` works, mm; finer images are shrunk to it, coarser ones left as they are. None:
    #: that of the image, whatever it is.
    working_spacing_mm: float | None
    operating_points: tuple[OperatingPoint, ...]
    default_operating_point: str
    score_floor: float
    calibrated: bool = False
    #: Coarsest pixel pitch among the images that it was trained on, mm; None where it was not trained.
    trained_spacing_mm: float | None = None
    #: Of its model package, where it has one.
    package_sha256: str | None = None
    #: Where it can run, the preferred one first.
    devices: tuple[str, ...] = ("cpu",)
    #: What its network is computed by and in, as a report says it: "onnxruntime, f32"; None: it has no network.
    computed: str | None = None
    #: What its findings on every image warn of; None: nothing.
    doubt: str | None = None

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
        view = working_view(mammogram, self.working_spacing_mm)
        mammogram, breast = view.mammogram, view.breast
        area_cm2 = breast.area_cm2(view.spacing_mm)
        marks = self._marks(view)
        clusters = find_clusters(
            marks,
            view.spacing_mm,
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
            spacing_mm=view.spacing_mm,
            spacing_source=mammogram.spacing_source,
            breast_area_cm2=round(area_cm2, 2),
            seconds=round(time.perf_counter() - started, 3),
            calcifications=marks,
            clusters=clusters,
            warnings=(
                *mammogram.warnings,
                *self._doubts(view),
                *breast.warnings,
                *(NOTE + note for note in mammogram.notes),
            ),
        )
        return Detection(mammogram, breast, findings)

    def _doubts(self, view: WorkingView) -> Iterator[str]:
        """What the detector itself, and the pixel pitch, let expect of the marks."""
        if self.doubt is not None:
            yield self.doubt
        if self.working_spacing_mm is not None and max(view.spacing_mm) >= COARSE * self.working_spacing_mm:
            doubt = f"pixels of {max(view.spacing_mm):g} mm are too coarse: small calcifications cannot be seen"
            yield doubt
        elif self.trained_spacing_mm is not None and view.working_spacing_mm > ROUNDED * self.trained_spacing_mm:
            doubt = (
                f"pixels of {view.working_spacing_mm:g} mm are coarser than any that {self.name} was trained on: "
                "its scores are no probabilities here"
            )
            yield doubt

    def _marks(self, view: WorkingView) -> tuple[Calcification, ...]:
        """Candidates at or above the score floor, best first, in pixels of the original image."""
        found = self.propose(view.image, view.mask, view.working_spacing_mm)
        found = found[found.scores >= self.score_floor]
        centres = view.frame.to_original(found.centres).tolist()
        none = [None] * len(centres)
        return tuple(
            Calcification(
                x=round(x, 2),
                y=round(y, 2),
                diameter_mm=None if math.isnan(diameter) else round(diameter, 3),
                score=round(score, SCORE_DECIMALS),
                malignancy=malignancy,
                polygon=polygon,
            )
            for (x, y), diameter, score, malignancy, polygon in zip(
                centres,
                found.diameters_mm.tolist(),
                found.scores.tolist(),
                none if found.malignancy is None else found.malignancy.round(SCORE_DECIMALS).tolist(),
                none if found.outlines is None else _polygons(found.outlines, view.frame),
                strict=True,
            )
        )


def _polygons(outlines: Sequence[NDArray[np.float64]], frame: Frame) -> list[Polygon]:
    """Outlines on a working image in pixels of the original one."""
    if not outlines:
        return []
    corners = frame.to_original(np.concatenate(outlines)).round(2).tolist()
    ends = np.cumsum([len(outline) for outline in outlines]).tolist()
    return [tuple(map(tuple, corners[start:end])) for start, end in zip([0, *ends], ends, strict=False)]
