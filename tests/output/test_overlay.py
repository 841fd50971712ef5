from __future__ import annotations

import json

import cv2
import numpy as np
import pytest

from microcalc.findings import Calcification

HEADER = 56


def coloured(picture: np.ndarray) -> tuple[float, float]:
    """Mean x, y of what is not grey, above the footer with its legend."""
    body = picture[:-88].astype(int)
    y, x = np.nonzero(np.ptp(body, axis=2) > 40)
    return float(x.mean()), float(y.mean())


@pytest.mark.parametrize(
    ("side", "spacing", "expected"),
    [
        # The crop starts at row 70; the picture is 330 wide and padded to 620 away from the chest wall.
        ("L", (0.1, 0.1), (150, HEADER + 300 - 70)),
        # Here the crop starts at column 70, and the padding of 290 is at the left.
        ("R", (0.1, 0.1), (290 + 150 - 70, HEADER + 300 - 70)),
        # Rows are halved: pixel centre 300 lies 230.5 rows below the crop's edge, 115.25 px below the picture's.
        ("L", (0.1, 0.2), (150, HEADER + 115.25 - 0.5)),
        ("R", (0.1, 0.2), (620 - 315 + 150 - 85, HEADER + 115.25 - 0.5)),
        ("L", None, (150, HEADER + 300 - 57)),
    ],
)
def test_a_mark_is_drawn_where_it_is(tmp_path, draw, side, spacing, expected):
    marks = (Calcification(x=150, y=300, diameter_mm=0.3, score=0.9), Calcification(x=200, y=200, score=0.3))
    draw(side, spacing=spacing, calcifications=marks).pictures(tmp_path, report=False)
    assert coloured(cv2.imread(str(tmp_path / "overlay.png"))) == pytest.approx(expected, abs=0.3)


def test_an_open_circle_leaves_the_speck_as_it_is(tmp_path, draw):
    draw(calcifications=(Calcification(x=150, y=300, diameter_mm=0.3, score=0.9),)).pictures(tmp_path, report=False)
    x, y = 150, HEADER + 230
    assert (cv2.imread(str(tmp_path / "overlay.png"))[y - 3 : y + 4, x - 3 : x + 4] == 128).all()


def test_an_outline_is_drawn_in_the_colour_of_its_circle(tmp_path, draw):
    """A triangle of 20 px, its left side at x = 150; the speck itself, within, stays as it is."""
    triangle = ((150, 290), (150, 310), (165, 300))
    mark = Calcification(x=155, y=300, diameter_mm=3.0, score=1.0, polygon=triangle)
    draw(calcifications=(mark,)).pictures(tmp_path, report=False)
    overlay = cv2.imread(str(tmp_path / "overlay.png"))
    y = HEADER + 300 - 70
    assert np.ptp(overlay[y, 150].astype(int)) > 100  # red, not grey
    assert (overlay[y - 3 : y + 4, 153:157] == 128).all()


def test_all_text_lies_beside_the_breast(tmp_path, draw):
    draw("R", "MLO").pictures(tmp_path, report=False)
    overlay = cv2.imread(str(tmp_path / "overlay.png"))
    breast = overlay[HEADER + 30 : HEADER + 430, 290 + 30 :]
    assert breast.shape == (400, 300, 3)
    assert (breast == 128).all()
    body = overlay[HEADER:-88].copy()
    body[30:430, 290 + 30 :] = 0
    assert not body.any()
    # Side and view at the nipple's end, legend and scale below.
    assert overlay[:HEADER, :120].any()
    assert overlay[-88:].any()


def test_only_what_is_asked_for_is_written(tmp_path, draw, group):
    drawn = draw(**group)
    assert [f.name for f in drawn.pictures(tmp_path / "a", report=False).iterdir()] == ["overlay.png"]
    names = sorted(f.name for f in drawn.pictures(tmp_path / "b", overlay=False).iterdir())
    assert names == ["breast.jpg", "cluster-01.png", "geometry.json"]


def test_pictures_for_the_report_bear_no_marks(tmp_path, draw, group):
    marked = draw(**group).pictures(tmp_path / "a", overlay=False)
    faint = tuple(mark.model_copy(update={"score": 0.1}) for mark in group["calcifications"])
    unmarked = draw(calcifications=faint, clusters=group["clusters"]).pictures(tmp_path / "b", overlay=False)
    for name in ("breast.jpg", "cluster-01.png"):
        assert (marked / name).read_bytes() == (unmarked / name).read_bytes()


def test_geometry_says_where_pictures_were_cut(tmp_path, draw, group):
    geometry = json.loads((draw(**group).pictures(tmp_path, overlay=False) / "geometry.json").read_text())
    assert geometry["breast"] == {"box": [0, 70, 330, 530], "width": 330, "height": 460, "px_per_mm": 10.0}
    assert geometry["nipple"] == [299.5, 230.5]
    # 15 mm around (200, 300), on whole pixels, doubled twice.
    assert geometry["clusters"] == [{"box": [125, 225, 276, 376], "width": 604, "height": 604, "px_per_mm": 40.0}]
    assert cv2.imread(str(tmp_path / "breast.jpg"), cv2.IMREAD_UNCHANGED).shape == (460, 330)
    assert cv2.imread(str(tmp_path / "cluster-01.png"), cv2.IMREAD_UNCHANGED).shape == (604, 604)


def test_the_picture_beside_the_breast_is_black(tmp_path, draw):
    draw("L").pictures(tmp_path, overlay=False)
    picture = cv2.imread(str(tmp_path / "breast.jpg"), cv2.IMREAD_GRAYSCALE)
    # JPEG blurs within blocks of 8 pixels along the edge.
    assert picture[:22].max() <= 2
    assert picture[:, 308:].max() <= 2
    assert abs(float(picture[40:420, :290].mean()) - 128) < 1
