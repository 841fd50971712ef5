"""Marks out of boxes."""

import numpy as np

from microcalc.detectors.faster_rcnn import propose
from microcalc.evaluation.calibration import Isotonic
from microcalc.models.region_boxes import Boxes


def test_a_mark_is_the_middle_of_its_box_without_a_size_and_with_a_calibrated_score():
    edges = np.array([[9.5, 19.5, 23.5, 33.5], [0, 0, 10, 14]])
    calibration = Isotonic(scores=(0.0, 1.0), probabilities=(0.0, 0.5))
    image, breast = np.zeros((40, 40), np.float32), np.ones((40, 40), bool)
    marks = propose(lambda *_: Boxes(edges, np.array([0.9, 0.4])), calibration, image, breast, 0.07)
    assert marks.centres.tolist() == [[16.5, 26.5], [5.0, 7.0]]
    np.testing.assert_allclose(marks.scores, [0.45, 0.2], rtol=1e-5)  # no step of it is quite level
    assert np.isnan(marks.diameters_mm).all()
    raw = propose(lambda *_: Boxes(edges, np.array([0.9, 0.4])), None, image, breast, 0.07)
    assert raw.scores.tolist() == [0.9, 0.4]
