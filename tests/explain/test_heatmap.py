"""Heatmaps: of a network that looks for brightness, on a breast with a bright blob."""

import re

import cv2
import numpy as np
import pytest

from microcalc.errors import MicrocalcError, UsageError
from microcalc.explain.heatmap import heat
from microcalc.explain.heatmap_page import FIGURE, JSON, PAGE, RUN, write_heatmap
from microcalc.explain.heatmap_picture import heat_picture, plain_picture
from microcalc.explain.heatmap_records import Heatmap
from microcalc.explain.heatmap_wording import assessment

SMALL = {"input": {"size_px": 8, "normalisation": "none"}}


@pytest.fixture(scope="module")
def small(toy, breast, tmp_path_factory):
    """Of patches of 8 px."""
    package = toy.package(tmp_path_factory.mktemp("small") / "package", **SMALL)
    return heat(breast, model=package.path, pitch_mm=0.1)


def holds(bbox, x, y):
    return bbox[0] < x < bbox[2] and bbox[1] < y < bbox[3]


def test_patches_lie_side_by_side_where_the_breast_is(package, breast):
    """300 px are nine patches of 32 px and one more, shifted back to end with the image; so far right there is none."""
    heatmap = heat(breast, model=package, pitch_mm=0.1).heatmap
    assert (heatmap.grid.size_px, heatmap.grid.stride_px) == (32, 32)
    corners = {(cell.bbox[0] + 0.5, cell.bbox[1] + 0.5) for cell in heatmap.cells}
    assert len(corners) == len(heatmap.cells) > 40
    assert all(x % 32 == 0 and (y % 32 == 0 or y == 400 - 32) for x, y in corners)
    assert all(cell.bbox[2] - cell.bbox[0] == 32 for cell in heatmap.cells)
    assert (0, 192) in corners
    assert (256, 0) not in corners


def test_the_highest_patch_is_that_of_the_blob_and_is_the_assessment(small, toy):
    """The network samples every fourth pixel: of the patch from (88, 208) those at distances of 2 and 2 from the blob,
    where it has exp(-8 / 12.5) of its 0.6, 0.316. Logits of 5 * 0.616 - 2 and 0 give 0.746, and Platt's 4 * 0.746 - 2
    gives 0.728. Elsewhere it is 0.380, as for a spot: below the operating point of 0.5."""
    heatmap = small.heatmap
    assert holds(heatmap.highest.bbox, *toy.blob)
    assert heatmap.highest.score == pytest.approx(0.728, abs=0.02)
    assert np.median([cell.score for cell in heatmap.cells]) == pytest.approx(0.380, abs=0.01)
    assert heatmap.operating_point.reached
    assert heatmap.reached == sum(cell.score >= 0.5 for cell in heatmap.cells) < 5
    assert "0.7" in assessment(heatmap)
    assert "at or above the operating point balanced (0.5)" in assessment(heatmap)


def test_the_map_is_that_of_the_patches_and_ends_with_them(small):
    x0, y0, x1, y1 = (round(edge + 0.5) for edge in small.heatmap.highest.bbox)
    np.testing.assert_allclose(small.scores[y0:y1, x0:x1], small.heatmap.highest.score, rtol=1e-5)
    assert small.reached[y0:y1, x0:x1].all()
    assert small.reached.sum() == small.heatmap.reached * 64
    assert np.isnan(small.scores[0, 299])
    assert np.isfinite(small.scores).sum() == len(small.heatmap.cells) * 64


def test_overlapping_patches_are_averaged(package, breast):
    """At half the side a pixel far inside lies in four patches, and every patch of those side by side is among them."""
    apart, half = (heat(breast, model=package, stride_px=stride, pitch_mm=0.1) for stride in (None, 16))
    scores = {cell.bbox[:2]: cell.score for cell in half.heatmap.cells}
    for cell in apart.heatmap.cells[:5]:
        assert scores[cell.bbox[:2]] == pytest.approx(cell.score, abs=1e-6)
    over = [scores[x - 0.5, y - 0.5] for x in (80, 96) for y in (192, 208)]
    assert half.scores[210, 100] == pytest.approx(np.mean(over), abs=1e-6)


def test_boxes_are_in_pixels_of_the_image_whichever_side_and_pitch(toy, tmp_path):
    """A right breast is not turned round, and of 0.05 mm brought to 0.1 mm a patch of 8 px is one of 16."""
    image = toy.draw(tmp_path / "a_R_CC.png", blob=(210, 210), side="R")
    package = toy.package(tmp_path / "package", spacing_mm=0.1, **SMALL)
    heatmap = heat(image, model=package.path, pitch_mm=0.05).heatmap
    assert holds(heatmap.highest.bbox, 210, 210)
    assert heatmap.highest.bbox[2] - heatmap.highest.bbox[0] == 16
    assert heatmap.grid.spacing_mm == pytest.approx(0.1)


def test_the_picture_is_red_where_the_score_is_high_and_outlined_there(small):
    """Found by its outline, which is white and nowhere else: in its middle red, and blue where the score is low."""
    picture, plain = heat_picture(small).astype(int), plain_picture(small).astype(int)
    assert picture.shape == plain.shape
    white = (picture == 250).all(axis=2) | (picture == 255).all(axis=2)
    assert white.any()
    rows, columns = np.nonzero(white)
    assert len(rows) < 400 * small.heatmap.reached
    centre = picture[int(rows.mean()), int(columns.mean())]
    blue = picture[np.nonzero((picture - plain)[..., 2] > 60)].mean(axis=0)
    assert centre[0] > centre[2]
    assert blue[2] > blue[0]


def test_all_is_written_and_says_what_it_is_worth(small, tmp_path):
    write_heatmap(small, tmp_path / "new")
    assert {path.name for path in (tmp_path / "new").iterdir()} == {JSON, PAGE, FIGURE, RUN}
    assert Heatmap.from_json(tmp_path / "new" / JSON) == small.heatmap
    assert cv2.imread(str(tmp_path / "new" / FIGURE)).shape[2] == 3
    page = (tmp_path / "new" / PAGE).read_text()
    assert not re.search(r"<script|https?://|src=\"(?!data:)", page)
    for said in (
        "Research software, not a medical device",
        "it is no probability",
        "toy2026-bright 1",
        "its highest patch",
    ):
        assert said in page


def test_no_folder_is_named(small, breast):
    assert str(breast.parent) not in small.heatmap.to_json()


def test_an_image_smaller_than_a_patch(toy, breast, tmp_path):
    package = toy.package(tmp_path / "package", input={"size_px": 304, "normalisation": "none"})
    with pytest.raises(MicrocalcError, match="expected an image of at least 304 x 304 pixels, found 400 x 300"):
        heat(breast, model=package.path, pitch_mm=0.1)


def test_a_stride_of_no_pixel(package, breast):
    with pytest.raises(UsageError, match="a stride of -1 px"):
        heat(breast, model=package, stride_px=-1, pitch_mm=0.1)
