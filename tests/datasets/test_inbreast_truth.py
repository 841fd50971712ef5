"""What INbreast's regions become: calcifications, clusters, regions to ignore, and others."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microcalc.datasets.inbreast_rois import Roi
from microcalc.datasets.inbreast_truth import Reading, labels_of, muscle_outline
from microcalc.evaluation.regions import lesion_region

READING = {
    "spacing_mm": (0.07, 0.07),
    "shape": (300, 200),
    "ignore_over_mm": 1.0,
    "ignore_clusters": True,
    "classes": "none",
}


def labels(*rois, **changed):
    listed = [Roi(name, np.array(points, float)) for name, *points in rois]
    return labels_of(listed, Reading(**READING | changed))


def square(side, x=50, y=60):
    """Through the centres of the rim pixels of ``side`` x ``side`` pixels from (x, y)."""
    last = side - 1
    return [(x, y), (x + last, y), (x + last, y + last), (x, y + last)]


def test_a_point_stays_where_it_is():
    [mark] = labels(("calcification", (10.3, 20.6))).calcifications
    assert (mark.x, mark.y, mark.diameter_mm, mark.polygon) == (10.3, 20.6, None, None)


def test_an_outline_reaches_to_the_outer_edges_of_its_pixels():
    [mark] = labels(("calcification", *square(5))).calcifications
    # 25 pixels from (49.5, 59.5) to (54.5, 64.5): a disc of 0.07 * sqrt(4 * 25 / pi) mm.
    assert set(mark.polygon) == {(49.5, 59.5), (54.5, 59.5), (54.5, 64.5), (49.5, 64.5)}
    assert (mark.x, mark.y) == (52.0, 62.0)
    assert mark.diameter_mm == pytest.approx(0.3949, abs=1e-4)


PLACE = st.tuples(st.floats(0, 199.99), st.floats(0, 299.99))


@settings(max_examples=50, deadline=None)
@given(st.lists(PLACE, min_size=3, max_size=3))
def test_an_outline_holds_the_pixels_that_other_readers_draw(places):
    # They cut the fraction off places that count from the corner, and fill the polygon of what is left.
    drawn = np.zeros((300, 200), np.uint8)
    cv2.fillPoly(drawn, [np.array(places).astype(np.int32)], 1)
    [mark] = labels(("calcification", *(np.array(places) - 0.5))).calcifications
    region = lesion_region(mark, (0.07, 0.07))
    held = np.argwhere(region.mask) + np.array([region.y0, region.x0])
    assert held.tolist() == np.argwhere(drawn).tolist()


@pytest.mark.parametrize("name", ["calcification", "unnamed", "point 3"])
def test_names_of_calcifications(name):
    found = labels((name, (10, 20)))
    assert (len(found.calcifications), found.clusters, found.ignore) == (1, (), ())


@pytest.mark.parametrize("name", ["cluster", "calcifications"])
def test_names_of_clusters(name):
    found = labels((name, *square(40)))
    assert (found.calcifications, len(found.clusters)) == ((), 1)
    assert [part.reason for part in found.ignore] == ["outline of a cluster"]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("mass", "mass"),
        ("spiculated region", "spiculated region"),
        ("espiculated region", "spiculated region"),
        ("distortion", "architectural distortion"),
        ("asymmetry", "asymmetry"),
        ("assymetry", "asymmetry"),
    ],
)
def test_names_of_other_findings(name, kind):
    found = labels((name, *square(40)))
    assert [(other.kind, other.bbox) for other in found.others] == [(kind, (49.5, 59.5, 89.5, 99.5))]
    assert not found.calcium


@pytest.mark.parametrize("name", ["point 1", "", "something new"])
def test_what_may_be_calcium_is_ignored_and_no_negative(name):
    found = labels((name, (10, 20)))
    assert [(part.bbox, part.reason) for part in found.ignore] == [((9.5, 19.5, 10.5, 20.5), f"marked as {name!r}")]
    assert found.calcium


@pytest.mark.parametrize(("side", "ignored"), [(10, False), (11, True)])
def test_calcifications_over_1_mm_are_to_be_ignored(side, ignored):
    # The diagonal of 10 x 10 pixels of 0.07 mm is 0.99 mm, of 11 x 11 it is 1.09 mm.
    found = labels(("calcification", *square(side)))
    assert len(found.calcifications) == 1
    assert [part.reason for part in found.ignore] == ["calcification over 1 mm"] * ignored
    assert [part.polygon for part in found.ignore] == [found.calcifications[0].polygon] * ignored


def test_the_limit_and_the_clusters_can_be_chosen():
    rois = ("calcification", *square(11)), ("cluster", *square(60, 40, 50))
    assert labels(*rois, ignore_over_mm=2.0, ignore_clusters=False).ignore == ()


def test_a_cluster_holds_the_calcifications_within_its_outline():
    found = labels(("calcification", (60, 70)), ("calcification", (100, 70)), ("cluster", *square(20)))
    assert [cluster.members for cluster in found.clusters] == [(0,)]
    assert labels(("cluster", *square(20))).clusters[0].members is None


def test_classes_of_terrassin():
    rois = ("calcification", (60, 70)), ("calcification", (100, 70)), ("cluster", *square(20))
    found = labels(*rois, classes="terrassin")
    assert [mark.pathology for mark in found.calcifications] == ["malignant", "benign"]
    assert [cluster.pathology for cluster in found.clusters] == ["malignant"]
    assert {mark.pathology for mark in labels(*rois).calcifications} == {None}


def test_places_beyond_the_image():
    found = labels(
        ("calcification", (199.4, 10)),  # the last column
        ("calcification", (199.6, 10)),  # beyond it
        ("cluster", (190, 10), (250, 10), (250, 30), (190, 30)),
        ("mass", (-9, -9), (-5, -9), (-5, -5)),
    )
    assert [mark.x for mark in found.calcifications] == [199.4]
    assert [cluster.bbox for cluster in found.clusters] == [(189.5, 9.5, 199.5, 30.5)]
    assert found.others == ()
    assert found.remarks == (
        "region 2 (calcification): 1 of 1 points outside the image, left out",
        "region 3 (cluster): 2 of 4 points outside the image, cut off at its edge",
        "region 4 (mass): 3 of 3 points outside the image, left out",
    )


def test_calcium_that_cannot_be_placed_is_still_calcium():
    found = labels(("calcification", (250, 10)))
    assert (found.calcifications, found.ignore, found.calcium) == ((), (), True)


@pytest.mark.parametrize(("side", "corner"), [("L", (-0.5, -0.5)), ("R", (199.5, -0.5))])
def test_the_muscle_is_closed_in_the_corner_at_the_chest_wall(side, corner):
    polygon = muscle_outline(np.array([(30.0, -4.0), (20.0, 50.0), (-9.0, 80.0)]), side, (300, 200))
    assert polygon == (corner, (30.0, -0.5), (20.0, 50.0), (-0.5, 80.0))
