import dataclasses

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from microcalc.patches.kahnouei import KAHNOUEI224
from microcalc.truth import Ignored, TrueCluster

SMALL = dataclasses.replace(KAHNOUEI224, size_px=20)


def test_the_paper_has_224_native_pixels():
    assert (KAHNOUEI224.size_px, KAHNOUEI224.spacing_mm) == (224, None)


def test_the_grid_begins_at_the_chest_wall_and_is_centred_on_the_rows(toy):
    breast = np.zeros((65, 50), bool)
    breast[:, :40] = True
    known = {"shape": (65, 50), "normal": True}
    # 65 rows hold 3 patches of 20, with 2 rows left above and 3 below; 50 columns hold 2.
    rows, wall_left, wall_right = (2, 22, 42), (0, 20), (10, 30)
    left = toy.planned(SMALL, toy.ground(20, breast=breast, **known))[0]["normal"]
    assert left == [(x, y, "grid") for y in rows for x in wall_left]
    right = toy.planned(SMALL, toy.ground(20, breast=np.ascontiguousarray(breast[:, ::-1]), **known))[0]["normal"]
    assert right == [(x, y, "grid") for y in rows for x in wall_right]


def test_a_region_over_two_patches_marks_both(toy):
    cluster = TrueCluster(bbox=(18.5, 24.5, 20.5, 26.5))  # columns 19 and 20, rows 25 and 26
    sites, _ = toy.planned(SMALL, toy.ground(20, (40, 60), clusters=(cluster,)))
    assert sites["calcification"] == [(0, 20, "grid"), (20, 20, "grid")]


def test_normal_patches_are_half_breast_at_least(toy):
    breast = np.zeros((20, 60), bool)
    breast[:, :30] = True  # 100 %, 50 % and none of three patches
    assert toy.planned(SMALL, toy.ground(20, (20, 60), breast=breast, normal=True))[0]["normal"] == [
        (0, 0, "grid"),
        (20, 0, "grid"),
    ]


def test_what_is_to_be_ignored_or_unknown_is_never_normal(toy):
    known = {"shape": (20, 40), "breast": np.ones((20, 40), bool)}
    ignore = (Ignored(bbox=(25, 5, 26, 6)),)
    sites, left_out = toy.planned(SMALL, toy.ground(20, ignore=ignore, normal=True, **known))
    assert sites["normal"] == [(0, 0, "grid")]
    assert left_out == {"patches with nothing but what is to be ignored": 1}
    assert "normal" not in toy.planned(SMALL, toy.ground(20, **known))[0]


def test_as_many_normal_patches_are_kept_as_others():
    assert SMALL.balance({"normal": 40, "calcification": 7}, "train") == {"normal": 7}


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 89), st.integers(0, 119)), min_size=1, max_size=8))
def test_patches_share_no_pixel_and_labels_are_right(toy, points):
    sites, _ = toy.planned(SMALL, toy.ground(20, breast=np.ones((120, 90), bool), calcifications=toy.points(*points)))
    times = np.zeros((120, 90), int)
    for label, corners in sites.items():
        for x, y, _ in corners:
            times[y : y + 20, x : x + 20] += 1
            assert any(x <= px < x + 20 and y <= py < y + 20 for px, py in points) == (label == "calcification")
    assert times.max() == 1
    assert times.sum() == 6 * 4 * 400  # 120 x 90 hold 6 x 4 patches
