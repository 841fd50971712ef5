import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microcalc.patches.cortina import CORTINA16, CORTINA16_WIDE, CORTINA32, CORTINA64, CORTINA224, CORTINA224_MARKED
from microcalc.recipe import load_recipe
from microcalc.truth import Ignored

places = st.lists(st.tuples(st.integers(0, 299), st.integers(0, 399)), max_size=6)


def holds(corner, size, points):
    x, y, _ = corner
    return any(x <= px < x + size and y <= py < y + size for px, py in points)


@pytest.mark.parametrize(("protocol", "size"), [(CORTINA224, 224), (CORTINA16, 16), (CORTINA32, 32), (CORTINA64, 64)])
def test_sizes_are_the_papers_at_0_07_mm(protocol, size):
    assert (protocol.size_px, protocol.spacing_mm, protocol.labels[0]) == (size, 0.07, "normal")


def test_the_grid_begins_at_the_breast_and_has_a_stride_of_100(toy):
    breast = np.zeros((500, 600), bool)
    breast[20:480, 50:400] = True
    # From (50, 20): columns to 399 hold windows of 224 from 50 and 150; rows to 479 from 20, 120 and 220.
    sites, _ = toy.planned(CORTINA224, toy.ground(224, (500, 600), breast=breast, normal=True))
    expected = [(x, y, "grid") for y in (20, 120, 220) for x in (50, 150)]
    assert sites == {"calcification": [], "normal": expected}


def test_one_pixel_of_a_calcification_makes_a_patch_positive(toy):
    breast = np.ones((324, 324), bool)
    known = {"breast": breast, "calcifications": toy.points((99, 0))}
    sites, _ = toy.planned(CORTINA224, toy.ground(224, (324, 324), **known))
    # Windows from column 0 reach to 223 and hold (99, 0), those from column 100 do not; nor do those from row 100.
    assert sites["calcification"] == [(0, 0, "grid")]
    assert sites["normal"] == [(100, 0, "grid"), (0, 100, "grid"), (100, 100, "grid")]


def test_marked_patches_are_the_positives_of_the_grid(toy):
    known = {"breast": np.ones((324, 324), bool), "calcifications": toy.points((99, 0))}
    sites, left_out = toy.planned(CORTINA224_MARKED, toy.ground(224, (324, 324), **known))
    assert sites == {"calcification": [(0, 0, "grid")]}
    assert left_out == {}


def test_patches_are_breast_for_70_percent(toy):
    breast = np.zeros((224, 500), bool)
    breast[:, :281] = True  # from column 0: all; from 57 on 224 of 281 ...
    breast[0, 499] = True  # the box of the breast reaches to the end
    ground = toy.ground(224, (224, 500), breast=breast, normal=True)
    # Columns of breast in windows from 0, 100 and 200: 224, 181 (81 %) and 81 (36 %).
    assert toy.planned(CORTINA224, ground)[0]["normal"] == [(0, 0, "grid"), (100, 0, "grid")]


def test_a_patch_with_nothing_but_what_is_ignored_is_in_no_class(toy):
    ignore = (Ignored(bbox=(250, 10, 260, 20), reason="over 1 mm"),)
    known = {"breast": np.ones((224, 324), bool), "calcifications": toy.points((10, 10)), "ignore": ignore}
    sites, left_out = toy.planned(CORTINA224, toy.ground(224, (224, 324), **known))
    assert sites == {"calcification": [(0, 0, "grid")], "normal": []}
    assert left_out == {"patches with nothing but what is to be ignored": 1}


def test_nothing_is_negative_where_nothing_is_known(toy):
    sites, left_out = toy.planned(CORTINA224, toy.ground(224, (300, 300), breast=np.ones((300, 300), bool)))
    assert sites == {"calcification": []}
    assert left_out == {"images neither annotated nor known to be normal: no negatives": 1}


def test_small_patches_are_centred_and_shifted_at_borders(toy):
    ground = toy.ground(16, calcifications=toy.points((40, 50), (2, 119)))
    # 8 px before (40, 50); the second one would begin at (-6, 111) and end beyond row 119.
    expected = [(32, 42, "calcification"), (0, 104, "calcification")]
    assert toy.planned(CORTINA16, ground)[0]["calcification"] == expected


def test_small_patches_are_centred_at_the_pitch_they_are_cut_at(toy):
    ground = toy.ground(16, (240, 180), factors=(2.0, 2.0), calcifications=toy.points((81, 101)))
    # Pixel 81 of the original reaches from 80.5 to 81.5, which is from 40 to 40.5 on a ground of half the pixels.
    assert toy.planned(CORTINA16, ground)[0]["calcification"] == [(32, 42, "calcification")]


@settings(max_examples=30, deadline=None)
@given(places, st.sampled_from([CORTINA16, CORTINA64, dataclasses.replace(CORTINA224, size_px=100)]))
def test_labels_are_right_and_patches_inside(toy, points, protocol):
    size = protocol.size_px
    known = {"calcifications": toy.points(*points)} if points else {"normal": True}
    sites, _ = toy.planned(protocol, toy.ground(size, (400, 300), **known))
    assert all(holds(corner, size, points) for corner in sites["calcification"])
    assert not any(holds(corner, size, points) for corner in sites["normal"])
    every = np.array([corner[:2] for corner in sites["calcification"] + sites["normal"]])
    assert (every >= 0).all()
    assert (every + size <= (300, 400)).all()


def test_wide_patches_have_the_windows_of_small_ones_and_fewer_negatives(toy):
    ground = toy.ground(16, (1200, 1200), breast=np.ones((1200, 1200), bool), calcifications=toy.points((40, 50)))
    small, _ = toy.planned(CORTINA16, ground)
    wide, left_out = toy.planned(CORTINA16_WIDE, ground)
    assert wide["calcification"] == small["calcification"]
    # 12 x 12 places at a stride of 100; (40, 50) lies in none of them.
    assert (len(small["normal"]), len(wide["normal"])) == (144, 60)
    assert set(wide["normal"]) < set(small["normal"])
    assert left_out == {"negatives beyond the 60 drawn of an image": 84}
    assert CORTINA16_WIDE.cut_px == load_recipe("cortina2022-resnet16-dense").input.cut_px == 112
