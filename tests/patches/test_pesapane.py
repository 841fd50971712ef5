import dataclasses

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from microcalc.patches.pesapane import PESAPANE112
from microcalc.truth import Ignored, TrueCluster

SMALL = dataclasses.replace(PESAPANE112, size_px=12)


def test_the_paper_has_112_native_pixels():
    assert (PESAPANE112.size_px, PESAPANE112.spacing_mm) == (112, None)


def test_patches_are_centred_on_annotations_and_named_by_pathology(toy):
    marks = (
        *toy.points((20, 30), pathology="benign"),
        *toy.points((40, 50), pathology="malignant"),
        *toy.points((50, 90), pathology="unknown"),
        *toy.points((2, 2)),
    )
    sites, _ = toy.planned(SMALL, toy.ground(12, calcifications=marks))
    assert sites["benign"] == [(14, 24, "calcification")]
    assert sites["malignant"] == [(34, 44, "calcification")]
    assert sites["calcification"] == [(44, 84, "calcification"), (0, 0, "calcification")]


def test_a_cluster_counts_as_one_where_its_calcifications_are_not_known(toy):
    clusters = (
        TrueCluster(bbox=(9.5, 9.5, 19.5, 19.5), members=(0, 1), pathology="malignant"),
        TrueCluster(bbox=(29.5, 59.5, 39.5, 69.5), pathology="benign"),  # centre (34.5, 64.5)
    )
    sites, _ = toy.planned(SMALL, toy.ground(12, calcifications=toy.points((10, 10), (19, 19)), clusters=clusters))
    assert sites["malignant"] == [(4, 4, "calcification"), (13, 13, "calcification")]
    assert sites["benign"] == [(29, 59, "calcification")]


def test_normal_patches_are_as_many_and_bright(toy):
    ground = toy.ground(12, calcifications=toy.points((20, 30), (40, 50), (50, 90)))
    corners = toy.planned(SMALL, ground)[0]["normal"]
    assert len(corners) == 3
    # The breast is 0.5 everywhere, its median too: a mean of 0.25 is half a patch on it.
    assert all(ground.image[y : y + 12, x : x + 12].mean() >= 0.25 for x, y, _ in corners)
    assert toy.planned(SMALL, toy.ground(12, normal=True))[0]["normal"] == []


def test_where_no_place_is_left_it_is_said(toy):
    everywhere = (Ignored(bbox=(-0.5, -0.5, 89.5, 119.5)),)
    sites, left_out = toy.planned(SMALL, toy.ground(12, calcifications=toy.points((20, 30)), ignore=everywhere))
    assert sites["normal"] == []
    assert left_out == {"normal patches that found no place": 1}


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 89), st.integers(0, 119)), min_size=1, max_size=8),
    st.tuples(st.integers(0, 80), st.integers(0, 110)),
    st.integers(0, 1000),
)
def test_normal_patches_keep_clear_of_everything_marked(toy, points, corner, seed):
    x, y = corner
    ground = toy.ground(
        12, calcifications=toy.points(*points), ignore=(Ignored(bbox=(x - 0.5, y - 0.5, x + 4.5, y + 4.5)),)
    )
    forbidden = np.zeros(ground.shape, bool)
    forbidden[y : y + 5, x : x + 5] = True
    forbidden[[py for _, py in points], [px for px, _ in points]] = True
    sites, _ = toy.planned(SMALL, ground, seed)
    assert not any(forbidden[y : y + 12, x : x + 12].any() for x, y, _ in sites["normal"])
    every = np.array([corner[:2] for corners in sites.values() for corner in corners])
    assert (every >= 0).all()
    assert (every + 12 <= (90, 120)).all()
