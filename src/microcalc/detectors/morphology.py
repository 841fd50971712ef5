"""The training-free detector ``morphology``: the paper's grey-scale morphology candidates, scored and thresholded."""

from __future__ import annotations

from microcalc.candidates.geometry import PAPER_SPACING_MM
from microcalc.candidates.morphology import OPERATING_POINTS, propose
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
