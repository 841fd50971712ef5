import numpy as np
import pytest

from microcalc.datasets import open_data
from microcalc.errors import MicrocalcError, ReadError, UsageError
from microcalc.explain.spot import find_spot
from microcalc.patches.job import write_store
from microcalc.truth import ImageTruth, TrueCalcification, Truth


@pytest.fixture(scope="module")
def marked_set(tmp_path_factory, toy):
    """A truth folder of a left and a right breast, 0.05 mm, one mark well inside and one near the border on each."""
    folder = tmp_path_factory.mktemp("set")
    images = []
    for side, marks in (("L", [(90, 210), (4, 180)]), ("R", [(210, 210), (295, 180)])):
        toy.draw(folder / f"p_{side}_CC.png", blob=marks[0], side=side)
        points = tuple(TrueCalcification(x=x, y=y, pathology="benign") for x, y in marks)
        known = {"patient": "p", "spacing_mm": (0.05, 0.05), "calcifications": points}
        images.append(ImageTruth(path=f"p_{side}_CC.png", **known))
    (folder / "truth.json").write_text(Truth(root=".", images=tuple(images)).to_json())
    return folder


@pytest.mark.parametrize(("protocol", "size", "spacing_mm"), [("pesapane112", 112, None), ("cortina16", 16, 0.07)])
def test_the_patch_is_that_of_data_patches(marked_set, tmp_path, protocol, size, spacing_mm):
    store = write_store(tmp_path / "store", protocol, open_data(f"truth:{marked_set}"))
    stored = {patch.key: index for index, patch in enumerate(store.patches) if patch.label != "normal"}
    found = 0
    for record in open_data(f"truth:{marked_set}"):
        for mark in record.truth.calcifications:
            spot = find_spot(record.path, (mark.x, mark.y), size, spacing_mm, 0.05)
            (pixels,) = store.pixels([stored[spot.patch.key]])
            np.testing.assert_array_equal(spot.pixels, pixels / np.float32(65535))
            found += 1
    assert found == 4


def test_the_patch_is_centred_and_shifted_inside(breast):
    # Side 32: the spot is pixel 16 of the patch. At x = 3 the patch would begin at -13, and begins at 0.
    inside = find_spot(breast, (90, 210), 32, None)
    assert (inside.patch.x0, inside.patch.y0) == (74, 194)
    assert (find_spot(breast, (3, 210), 32, None).patch.x0, inside.patch.size_px) == (0, 32)


def test_points_of_a_map_come_back_to_the_image(breast):
    # The patch begins at 74, 194. A map of 64 pixels has two a pixel: its pixels 0 and 1 lie on the first, a quarter to
    # the left and to the right of its centre.
    spot = find_spot(breast, (90, 210), 32, None)
    assert spot.to_original((0, 0), 32) == (74, 194)
    assert spot.to_original((0.5, 0.5), 64) == (74, 194)
    assert spot.to_original((63, 0), 64) == (74 + 31.25, 194 - 0.25)


def test_points_come_back_from_a_shrunk_image(breast):
    # 0.05 to 0.1 mm: a pixel of the patch is two of the image, the first of a patch at 2 i covers 2 i and 2 i + 1.
    spot = find_spot(breast, (90, 210), 32, 0.1, 0.05)
    assert (spot.patch.size_px, spot.mammogram.spacing_source) == (64, "user")
    assert spot.to_original((0, 0), 32) == (spot.patch.x0 + 0.5, spot.patch.y0 + 0.5)
    assert abs(spot.patch.x0 + 32 - 90) <= 2


def test_the_spot_may_lie_on_the_edge_of_a_pixel(breast):
    assert find_spot(breast, (89.5, 210.4), 32, None).patch.x0 == 74


@pytest.mark.parametrize(
    ("at", "said"),
    [
        ((300, 10), "expected a spot on the image: x from 0 to 299, y from 0 to 399, found 300, 10"),
        ((-0.6, 10), "expected a spot on the image"),
        ((10, 399.5), "expected a spot on the image"),
        ((float("nan"), 10), "expected a spot on the image"),
        ((290, 20), "expected a spot on the breast, found 290, 20"),
    ],
)
def test_a_spot_that_is_nowhere_is_refused(breast, at, said):
    with pytest.raises(UsageError) as refused:
        find_spot(breast, at, 32, None)
    assert said in str(refused.value)
    assert str(breast) in str(refused.value)


def test_an_image_smaller_than_a_patch_is_refused(breast):
    with pytest.raises(MicrocalcError, match="at least 512 x 512 pixels, found 400 x 300"):
        find_spot(breast, (90, 210), 512, None)


def test_a_file_that_is_no_image_is_refused(tmp_path):
    (tmp_path / "a.png").write_bytes(b"nothing")
    with pytest.raises(ReadError):
        find_spot(tmp_path / "a.png", (1, 1), 32, None)


@pytest.mark.parametrize("pitch_mm", [-0.07, 0.0, 70.0])
def test_a_pitch_that_no_mammogram_has_is_refused(breast, pitch_mm):
    with pytest.raises(MicrocalcError, match=r"a pixel spacing of 0\.01 to 1\.0 mm"):
        find_spot(breast, (90, 210), 32, None, pitch_mm)
