from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from microcalc.datasets import Record
from microcalc.errors import MicrocalcError
from microcalc.evaluation.regions import Region
from microcalc.patches.ground import Ground
from microcalc.truth import ImageTruth

quick = settings(max_examples=50, deadline=None)


def record(path, **known):
    return Record(path, ImageTruth(path=path.name, **known))


@pytest.fixture(scope="module")
def picture(tmp_path_factory, toy):
    path = tmp_path_factory.mktemp("ground") / "a.png"
    toy.draw_breast(path)  # 400 x 300
    return path


def test_native_pixels_are_those_of_the_file(picture):
    ground = Ground.of(record(picture, spacing_mm=(0.05, 0.05)), 64, None)
    stored = np.array(Image.open(picture))
    assert np.abs(ground.image * 65535 - stored).max() < 1
    assert (ground.shape, ground.side_px, ground.spacing_assumed) == ((400, 300), 64, False)
    assert ground.breast[200, 100]
    assert not ground.breast[5, 295]


def test_finer_images_are_shrunk_and_coarser_ones_left(picture):
    # 400 x 300 pixels of 0.05 mm are 285.7 x 214.3 of 0.07 mm; a side of 64 is 89.6 of the file's pixels.
    fine = Ground.of(record(picture, spacing_mm=(0.05, 0.05)), 64, 0.07)
    assert (fine.shape, fine.side_px) == ((285, 214), 89)
    coarse = Ground.of(record(picture, spacing_mm=(0.1, 0.1)), 64, 0.07)
    assert (coarse.shape, coarse.side_px) == ((400, 300), 64)


def test_an_unstated_pitch_is_taken_for_typical_and_said(picture):
    ground = Ground.of(record(picture), 64, 0.07)
    assert ground.spacing_assumed
    assert ground.spacing_mm == (0.07, 0.07)
    assert not Ground.of(record(picture), 64, None).spacing_assumed


def test_an_inverted_image_is_mended(picture, tmp_path):
    stored = np.array(Image.open(picture))
    Image.fromarray(65535 - stored).save(tmp_path / "a.png")
    ground = Ground.of(record(tmp_path / "a.png"), 64, None)
    assert np.abs(ground.image * 65535 - stored).max() < 2


def test_an_image_smaller_than_a_patch_is_refused(picture):
    with pytest.raises(
        MicrocalcError, match=r"a\.png: expected an image of at least 301 x 301 pixels, found 400 x 300"
    ):
        Ground.of(record(picture), 301, None)
    # 285 x 214 at 0.07 mm.
    with pytest.raises(MicrocalcError, match=r"at least 224 x 224 pixels of 0.07 mm, found 285 x 214"):
        Ground.of(record(picture, spacing_mm=(0.05, 0.05)), 224, 0.07)


@quick
@given(
    st.floats(1, 3),
    st.floats(1, 3),
    st.integers(3, 9),
    st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=20),
)
def test_corners_come_back_exactly_and_no_patch_leaves_the_image(toy, row, column, size, places):
    shape = (61, 47)
    ground = toy.ground(size, shape, factors=(row, column))
    rows, columns = ground.shape
    corners = np.array([(round(u * (columns - size)), round(v * (rows - size))) for u, v in places], np.intp)
    original = ground.to_original(corners)
    assert ground.from_original(original).tolist() == corners.tolist()
    assert (original >= 0).all()
    assert (original + ground.side_px <= (shape[1], shape[0])).all()


def test_covered_paints_what_lies_inside(toy):
    ground = toy.ground(3, (6, 5))
    inside, beyond = Region(1, 2, np.ones((2, 1), bool)), Region(-1, 4, np.ones((4, 3), bool))
    expected = np.zeros((6, 5), bool)
    expected[2:4, 1] = True
    expected[4:, :2] = True  # columns -1 to 1 and rows 4 to 7, as far as there are any
    assert ground.covered([inside, beyond]).tolist() == expected.tolist()
    assert not ground.covered([Region(7, 9, np.ones((2, 2), bool))]).any()


def test_on_a_shrunk_ground_a_region_covers_every_pixel_it_reaches_into(toy):
    ground = toy.ground(2, (8, 8), factors=(2.0, 2.0))
    # Column 3 and row 4 of the original lie in column 1 and row 2 of the ground.
    assert np.argwhere(ground.covered([Region(3, 4, np.ones((1, 1), bool))])).tolist() == [[2, 1]]


def test_the_file_is_named_where_it_is_missing():
    with pytest.raises(MicrocalcError, match=r"nowhere\.png: expected a readable file"):
        Ground.of(record(Path("nowhere.png")), 64, None)
