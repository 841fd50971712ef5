import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microcalc.patches.terrassin import TERRASSIN512
from microcalc.truth import Ignored, TrueCalcification, TrueCluster

SMALL = dataclasses.replace(TERRASSIN512, size_px=20)


def square(x, y, side, **known):
    """A calcification of side x side pixels, from pixel (x, y) on."""
    x0, y0, x1, y1 = x - 0.5, y - 0.5, x + side - 0.5, y + side - 0.5
    corners = ((x0, y0), (x1, y0), (x1, y1), (x0, y1))
    return TrueCalcification(x=(x0 + x1) / 2, y=(y0 + y1) / 2, polygon=corners, **known)


def test_the_paper_has_512_native_pixels_and_two_channels():
    assert (TERRASSIN512.size_px, TERRASSIN512.spacing_mm) == (512, None)
    assert TERRASSIN512.channels == ("benign", "malignant")


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 80), st.integers(0, 110), st.integers(1, 10), st.integers(0, 1000))
def test_a_training_patch_holds_80_percent_of_its_lesion(toy, x, y, side, seed):
    ground = toy.ground(20, calcifications=(square(x, y, side, pathology="malignant"),))
    [(x0, y0, origin)] = toy.planned(SMALL, ground, seed)[0]["malignant"]
    inside = [max(0, min(c + side, c0 + 20) - max(c, c0)) for c, c0 in ((x, x0), (y, y0))]
    assert inside[0] * inside[1] >= 0.8 * side**2
    assert origin == "lesion"
    assert 0 <= x0 <= 70
    assert 0 <= y0 <= 100


def test_training_patches_lie_anywhere_around_a_lesion(toy):
    ground = toy.ground(20, calcifications=toy.points((40, 60)))
    found = {toy.planned(SMALL, ground, seed)[0]["benign"][0][:2] for seed in range(40)}
    assert len(found) > 30


def test_a_lesion_too_large_for_80_percent_is_left_out(toy):
    # 20 x 20 pixels of 25 x 25 are 64 %; of 22 x 22 they are 83 %.
    marks = (square(0, 0, 25), square(40, 60, 22))
    sites, left_out = toy.planned(SMALL, toy.ground(20, calcifications=marks))
    assert len(sites["benign"]) == 1
    assert left_out == {"lesions of which no patch holds 80 %": 1}


def test_normal_training_patches_come_from_normal_images_and_show_breast(toy):
    ground = toy.ground(20, normal=True)
    corners = toy.planned(SMALL, ground)[0]["normal"]
    assert len(corners) == 4
    assert all(ground.breast[y : y + 20, x : x + 20].mean() >= 0.2 for x, y, _ in corners)
    assert "normal" not in toy.planned(SMALL, toy.ground(20, calcifications=toy.points((5, 5))))[0]


@pytest.mark.parametrize("split", ["validation", "test"])
def test_test_patches_are_centred_on_malignant_lesions_then_cut_along_a_grid(toy, split):
    marks = (
        *toy.points((33, 30), pathology="malignant"),
        *toy.points((5, 45), pathology="benign"),
        *toy.points((22, 41), pathology="benign"),
    )
    known = {"calcifications": marks, "ignore": (Ignored(bbox=(25, 5, 26, 6)),), "breast": np.ones((60, 45), bool)}
    sites, left_out = toy.planned(SMALL, toy.ground(20, (60, 45), split=split, **known))
    # The grid has corners (0 or 20, 0 or 20 or 40): (20, 20) has the malignant lesion, (20, 0) what is to be ignored.
    assert sites["malignant"] == [(23, 20, "lesion")]
    assert sites["benign"] == [(0, 40, "grid"), (20, 40, "grid")]
    assert sites["normal"] == [(0, 0, "grid"), (0, 20, "grid")]
    assert left_out == {
        "patches of the grid with part of a malignant lesion": 1,
        "patches with nothing but what is to be ignored": 1,
    }


def test_without_pathology_clusters_are_malignant_and_single_calcifications_benign(toy):
    cluster = TrueCluster(bbox=(0, 0, 9, 9), members=(0, 1))
    ground = toy.ground(20, calcifications=toy.points((2, 2), (6, 6), (50, 60)), clusters=(cluster,))
    classes = TERRASSIN512.paint(ground)
    assert (classes[2, 2], classes[6, 6], classes[60, 50]) == (2, 2, 1)
    assert np.count_nonzero(classes) == 3


def test_classes_are_made_equal_for_training_alone():
    counts = {"normal": 90, "benign": 30, "malignant": 12}
    assert TERRASSIN512.balance(counts, "train") == {"normal": 12, "benign": 12, "malignant": 12}
    assert TERRASSIN512.balance(counts, "test") == {}
    # A class that is not there leaves the others something.
    assert TERRASSIN512.balance(counts | {"malignant": 0}, None)["benign"] == 30
