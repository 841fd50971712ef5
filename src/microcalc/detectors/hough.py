"""The training-free detector ``hough``: circles among strong outlines, scored by contrast over noise."""

from __future__ import annotations

from microcalc.candidates.contrast import false_marks
from microcalc.candidates.geometry import PAPER_SPACING_MM
from microcalc.candidates.hough import propose
from microcalc.detectors.detector import Detector
from microcalc.findings import OperatingPoint

#: Thresholds that leave the one normal mammogram of exam 1 about as many marks as those of ``morphology`` do.
OPERATING_POINTS = (
    OperatingPoint("sensitive", 0.45, false_marks("about 40", "160")),
    OperatingPoint("balanced", 0.60, false_marks("about 8", "61")),
    OperatingPoint("specific", 0.75, false_marks("less than 1", "12")),
)

HOUGH = Detector(
    name="hough",
    version="1",
    propose=propose,
    working_spacing_mm=PAPER_SPACING_MM,
    operating_points=OPERATING_POINTS,
    default_operating_point="balanced",
    score_floor=0.1,
)
