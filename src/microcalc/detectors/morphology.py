"""The training-free detector ``morphology``: the paper's grey-scale morphology candidates, scored and thresholded."""

from __future__ import annotations

from microcalc.candidates.morphology import OPERATING_POINTS, PAPER_SPACING_MM, propose
from microcalc.detectors.detector import Detector

MORPHOLOGY = Detector(
    name="morphology",
    version="1",
    propose=propose,
    working_spacing_mm=PAPER_SPACING_MM,
    operating_points=OPERATING_POINTS,
    default_operating_point="balanced",
    score_floor=0.1,
)
