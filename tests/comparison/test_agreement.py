from pathlib import Path

import pytest

from microcalc.comparison.agreement import check_agreement
from microcalc.comparison.systems import SystemImage
from microcalc.errors import ReadError
from microcalc.evaluation.detections import Detections
from microcalc.findings import Calcification, Cluster
from microcalc.truth import ImageTruth, TrueCalcification, TrueCluster


def image(*xy, shape=None):
    marks = Detections.of_marks([Calcification(x=x, y=y, score=0.5) for x, y in xy], None)
    return SystemImage("a.png", None, marks, None, None, None, shape)


def check(found, rows=None, columns=None):
    check_agreement(found, ImageTruth(path="a.png", rows=rows, columns=columns), Path("marks.csv"))


def test_marks_up_to_the_outer_edge_are_inside():
    """Pixel centres lie at integers: 100 columns reach from -0.5 to 99.5."""
    check(image((-0.5, -0.5), (99.5, 199.5)), rows=200, columns=100)


@pytest.mark.parametrize("xy", [(-0.6, 0), (0, -0.6), (99.6, 0), (0, 199.6), (150, 50)])
def test_a_mark_outside_is_refused(xy):
    with pytest.raises(
        ReadError, match=r"marks\.csv: expected marks inside a\.png, 200 rows and 100 columns, found x ="
    ):
        check(image((5, 5), xy), rows=200, columns=100)


def test_the_system_s_own_size_serves_where_the_truth_states_none():
    check(image((99, 199), shape=(200, 100)))
    with pytest.raises(ReadError, match="200 rows and 100 columns"):
        check(image((199, 99), shape=(200, 100)))


def test_without_a_size_the_upper_left_edges_still_hold():
    check(image((1e6, 1e6)))
    with pytest.raises(ReadError, match=r"expected marks inside a\.png, found x = 0, y = -1 \(2 such\)"):
        check(image((0, -1), (-3, 0)))


def test_another_size_is_refused():
    check(image(shape=(200, 100)), rows=200, columns=100)
    with pytest.raises(
        ReadError, match=r"a\.png of 200 rows and 100 columns, as the truth says, found 100 rows and 50"
    ):
        check(image(shape=(100, 50)), rows=200, columns=100)


def test_clusters_are_checked_like_marks():
    """A cluster's centre is the mean of its members, here of one at x = 150."""
    members = [Calcification(x=150, y=20, score=0.5)]
    cluster = Cluster(
        members=(0,), bbox=(145, 15, 155, 25), count=1, area_mm2=1, density_per_cm2=1, distribution="grouped", score=0.5
    )
    found = SystemImage(
        path="a.png",
        sop_instance_uid=None,
        marks=Detections.of_marks((), None),
        clusters=Detections.of_clusters([cluster], members),
        spacing_mm=None,
        breast_area_cm2=None,
        shape=None,
    )
    check(found, rows=200, columns=200)
    with pytest.raises(ReadError, match=r"expected clusters inside a\.png, 200 rows and 100 columns, found x = 150"):
        check(found, rows=200, columns=100)


def test_a_box_may_reach_beyond_the_image():
    """A disc of 1 mm at the chest wall: from x = -5 to 5 at 0.1 mm a pixel."""
    marks = Detections.of_marks([Calcification(x=0, y=20, score=0.5, diameter_mm=1.0)], (0.1, 0.1))
    check_agreement(
        SystemImage("a.png", None, marks, None, None, None, None),
        ImageTruth(path="a.png", rows=200, columns=100),
        Path("marks.csv"),
    )


@pytest.mark.parametrize(
    ("lesions", "what"),
    [
        ({"calcifications": (TrueCalcification(x=99999, y=5),)}, "true calcifications inside a.png, .*found x = 99999"),
        ({"clusters": (TrueCluster(bbox=(0, 300, 20, 400)),)}, "true clusters inside a.png, .*found x = 10, y = 350"),
    ],
)
def test_a_lesion_outside_its_image_is_no_miss_but_an_error(lesions, what):
    with pytest.raises(ReadError, match=what):
        check_agreement(image(), ImageTruth(path="a.png", rows=200, columns=100, **lesions), Path("marks.csv"))
