import dataclasses

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from microcalc.datasets import Facts, OtherFinding
from microcalc.patches.mracko import MRACKO674
from microcalc.truth import Ignored, TrueCluster

#: The same rules for patches that can be worked by hand.
SMALL = dataclasses.replace(MRACKO674, size_px=20)


def cluster(*bbox):
    return TrueCluster(bbox=bbox)


def test_the_paper_has_674_native_pixels():
    assert (MRACKO674.size_px, MRACKO674.spacing_mm) == (674, None)


def test_clusters_are_centred_shifted_at_borders_and_left_out_when_too_large(toy):
    ground = toy.ground(
        20,
        clusters=(
            cluster(29.5, 39.5, 39.5, 49.5),  # centre (34.5, 44.5): columns 25 to 44, rows 35 to 54
            cluster(-0.5, 109.5, 5.5, 119.5),  # at the lower left corner of 120 x 90
            cluster(9.5, 9.5, 29.5, 29.5),  # exactly 20 px: fits
            cluster(9.5, 59.5, 30.5, 69.5),  # 21 px wide
        ),
    )
    sites, left_out = toy.planned(SMALL, ground)
    assert sites["cluster"] == [(25, 35, "cluster"), (0, 100, "cluster"), (10, 10, "cluster")]
    assert left_out == {"cluster larger than a patch": 1}


@settings(max_examples=50, deadline=None)
@given(st.floats(-0.5, 85), st.floats(-0.5, 115), st.floats(0.5, 20), st.floats(0.5, 20))
def test_a_cluster_that_fits_lies_in_its_patch_as_far_as_it_lies_in_the_image(toy, x, y, width, height):
    x1, y1 = min(x + width, 89.5), min(y + height, 119.5)
    sites, _ = toy.planned(SMALL, toy.ground(20, clusters=(cluster(x, y, x1, y1),)))
    [(x0, y0, _)] = sites["cluster"]
    assert 0 <= x0 <= 70
    assert 0 <= y0 <= 100
    # The middle of the patch, x0 + 9.5, lies at most a pixel before that of the box: so far the box may end beyond it.
    assert x0 - 1 <= x
    assert x1 <= x0 + 20.5
    assert y0 - 1 <= y
    assert y1 <= y0 + 20.5


def test_masses_are_negatives_unless_a_cluster_is_in_the_patch(toy):
    masses = tuple(
        OtherFinding(kind=kind, bbox=(x, 30, x + 10, 40), pathology="malignant")
        for kind, x in (("mass", 10), ("mass", 60), ("spiculated mass", 40), ("asymmetry", 20))
    )
    ground = toy.ground(20, facts=Facts(others=masses), clusters=(cluster(61.5, 33.5, 63.5, 35.5),))
    sites, left_out = toy.planned(SMALL, ground)
    # Centres (15, 35) and (45, 35): 10 px before them; that at (65, 35) has the cluster; an asymmetry is no mass.
    assert sites["no cluster"] == [(5, 25, "mass"), (35, 25, "mass")]
    assert left_out == {"mass beside a cluster or what is to be ignored": 1}


def test_macrocalcifications_are_negatives_and_no_clusters(toy):
    large = Ignored(bbox=(20, 20, 30, 30), reason="typically benign")
    faint = Ignored(bbox=(50, 50, 52, 52), reason="snr below 3")
    # The cluster is one of macrocalcifications alone.
    ground = toy.ground(20, ignore=(large, faint), clusters=(cluster(21, 21, 29, 29),))
    sites, _ = toy.planned(SMALL, ground)
    assert sites["cluster"] == []
    assert sites["no cluster"] == [(15, 15, "macrocalcification")]


def test_a_mass_is_no_negative_where_a_cluster_may_hide(toy):
    mass = Facts(others=(OtherFinding(kind="mass", bbox=(10, 30, 20, 40)),))
    everywhere = (Ignored(bbox=(-0.5, -0.5, 89.5, 119.5), reason="calcifications without a mask"),)
    sites, left_out = toy.planned(SMALL, toy.ground(20, facts=mass, ignore=everywhere))
    assert sites["no cluster"] == []
    assert left_out == {"mass beside a cluster or what is to be ignored": 1}


def test_one_healthy_patch_of_each_normal_image_is_breast_for_the_most_part(toy):
    shares = []
    for seed in range(30):
        ground = toy.ground(20, normal=True)
        [(x, y, origin)] = toy.planned(SMALL, ground, seed)[0]["no cluster"]
        assert origin == "healthy"
        shares.append(ground.breast[y : y + 20, x : x + 20].mean())
    assert min(shares) >= 0.7
    assert len(set(shares)) > 1  # drawn, and not always at one place


def test_images_with_findings_have_no_healthy_patch(toy):
    mass = Facts(others=(OtherFinding(kind="mass", bbox=(0, 0, 90, 90)),))
    sites, left_out = toy.planned(SMALL, toy.ground(20, normal=True, facts=mass))
    assert sites["no cluster"] == []
    assert left_out == {"mass larger than a patch": 1}


def test_a_breast_smaller_than_a_patch_is_said(toy):
    breast = np.zeros((120, 90), bool)
    breast[40:56, :16] = True  # 256 px, of 280 needed
    sites, left_out = toy.planned(SMALL, toy.ground(20, normal=True, breast=breast))
    assert sites["no cluster"] == []
    assert left_out == {"healthy image without a place that is 70% breast": 1}


def test_a_cluster_is_centred_as_it_is_marked_and_not_by_the_few_calcifications_that_are_listed(toy):
    marked = cluster(29.5, 39.5, 45.5, 49.5)  # centre (37.5, 44.5); its one listed calcification is at its left
    wide = cluster(49.5, 79.5, 79.5, 89.5)  # 30 px wide, although what is listed in it fits into a patch
    sites, left_out = toy.planned(
        SMALL, toy.ground(20, clusters=(marked, wide), calcifications=toy.points((31, 41), (52, 82)))
    )
    assert sites["cluster"] == [(28, 35, "cluster")]
    assert left_out == {"cluster larger than a patch": 1}
