import numpy as np
import pytest

from microcalc.errors import UsageError
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


def test_the_centre_of_a_found_cluster_is_the_mean_of_its_members():
    # Of (10, 20), (11, 22) and (18, 39); the box's centre would be (15, 30). The second of the marks is no member.
    marks = [Calcification(x=x, y=y, score=0.5) for x, y in ((10, 20), (500, 500), (11, 22), (18, 39))]
    cluster = Cluster(
        members=(0, 2, 3),
        bbox=(9.5, 19.5, 20.5, 40.5),
        count=3,
        area_mm2=1,
        density_per_cm2=1,
        distribution="grouped",
        score=0.8,
    )
    detections = Detections.of_clusters([cluster], marks)
    assert detections.xy.tolist() == [[13, 27]]
    assert detections.boxes.tolist() == [[9.5, 19.5, 20.5, 40.5]]
    assert detections.scores.tolist() == [0.8]
    assert np.isnan(detections.malignancy).all()


def test_nothing_found_keeps_its_shape():
    for detections in (Detections.of_marks([], None), Detections.of_marks([], SPACING), Detections.of_clusters([], [])):
        assert (len(detections), detections.xy.shape, detections.boxes.shape) == (0, (0, 2), (0, 4))


NOWHERE = np.full((1, 4), np.nan)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (([[1.0, 2.0]], [np.nan], NOWHERE, [np.nan]), "a score in 0..1 for each detection, found 1 of 1 without"),
        (([[1.0, 2.0]], [-0.1], NOWHERE, [np.nan]), "a score in 0..1"),
        (([[1.0, 2.0]], [1.1], NOWHERE, [np.nan]), "a score in 0..1"),
        (([[1.0, np.inf]], [0.5], NOWHERE, [np.nan]), "a finite centre"),
        (([[1.0, 2.0]], [0.5], NOWHERE, [2.0]), "a malignancy in 0..1, or NaN"),
        (([[1.0, 2.0]], [0.5, 0.6], NOWHERE, [np.nan]), r"found \(1, 2\), \(2,\), \(1, 4\), \(1,\)"),
        (([1.0, 2.0], [0.5], NOWHERE, [np.nan]), r"shapes \(N, 2\)"),
    ],
)
def test_what_is_no_list_of_detections_is_refused(columns, message):
    with pytest.raises(UsageError, match=message):
        Detections(*(np.array(column) for column in columns))
