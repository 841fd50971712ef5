import numpy as np

from microcalc.evaluation.detections import Detections
from microcalc.findings import Calcification, Cluster

SPACING = (0.1, 0.05)  # rows twice as high as columns are wide


def test_marks_become_arrays_with_nan_for_what_is_not_known():
    marks = [Calcification(x=3, y=4, score=0.5), Calcification(x=5, y=6, score=0.7, malignancy=0.2)]
    detections = Detections.of_marks(marks, SPACING)
    assert len(detections) == 2
    assert detections.xy.tolist() == [[3, 4], [5, 6]]
    assert detections.scores.tolist() == [0.5, 0.7]
    np.testing.assert_array_equal(detections.malignancy, [np.nan, 0.2])
    assert np.isnan(detections.boxes).all()


def test_the_box_of_a_mark_encloses_its_disc():
    # 0.4 mm across: 8 columns of 0.05 mm, 4 rows of 0.1 mm.
    mark = Calcification(x=10, y=20, diameter_mm=0.4, score=0.5)
    np.testing.assert_allclose(Detections.of_marks([mark], SPACING).boxes, [[6, 18, 14, 22]])


def test_marks_without_diameter_or_pitch_have_no_box():
    mark = Calcification(x=10, y=20, diameter_mm=0.4, score=0.5)
    assert np.isnan(Detections.of_marks([mark], None).boxes).all()
    assert np.isnan(Detections.of_marks([mark.model_copy(update={"diameter_mm": 0.0})], SPACING).boxes).all()


def test_the_centre_of_a_found_cluster_is_that_of_its_box():
    cluster = Cluster(
        members=(0,),
        bbox=(9.5, 19.5, 20.5, 40.5),
        count=1,
        area_mm2=1,
        density_per_cm2=1,
        distribution="grouped",
        score=0.8,
    )
    detections = Detections.of_clusters([cluster])
    assert detections.xy.tolist() == [[15, 30]]
    assert detections.boxes.tolist() == [[9.5, 19.5, 20.5, 40.5]]
    assert detections.scores.tolist() == [0.8]
    assert np.isnan(detections.malignancy).all()


def test_nothing_found_keeps_its_shape():
    for detections in (Detections.of_marks([], None), Detections.of_marks([], SPACING), Detections.of_clusters([])):
        assert (len(detections), detections.xy.shape, detections.boxes.shape) == (0, (0, 2), (0, 4))
