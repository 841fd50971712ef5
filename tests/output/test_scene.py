from __future__ import annotations

import cv2
import numpy as np
import pytest

from microcalc.findings import Calcification
from microcalc.output.crop import Crop
from microcalc.output.scene import SCORE_COLOURS, make_scene, scale_bar_mm, score_colour

WHOLE = Crop(box=(0, 0, 400, 600), width=400, height=600, px_per_mm=10.0)


def test_marks_from_the_threshold_up_are_drawn(draw):
    marks = tuple(Calcification(x=100, y=100 + i, score=score) for i, score in enumerate((0.39, 0.4, 0.9)))
    scene = make_scene(draw(calcifications=marks).findings, 0.4, WHOLE)
    assert [shape.mark.score for shape in scene.marks] == [0.4, 0.9]
    assert (scene.marks[0].x, scene.marks[0].y) == (100.5, 101.5)


def test_marks_know_their_cluster(draw, group):
    scene = make_scene(draw(**group).findings, 0.4, WHOLE)
    assert [shape.cluster for shape in scene.marks] == [1, 1, 1, 1, 1, None]
    assert [shape.number for shape in scene.clusters] == [1]


def test_what_lies_outside_the_crop_is_left_out(draw, group):
    scene = make_scene(draw(**group).findings, 0.4, Crop(box=(100, 150, 180, 250), width=80, height=100, px_per_mm=10))
    assert [(shape.x, shape.y) for shape in scene.marks] == [(50.5, 50.5)]
    assert scene.clusters == ()


@pytest.mark.parametrize("diameter", [None, 0.2, 3.0])
def test_a_circle_leaves_room_around_the_speck(draw, diameter):
    marks = (Calcification(x=100, y=100, diameter_mm=diameter, score=0.9),)
    (shape,) = make_scene(draw(calcifications=marks).findings, 0.4, WHOLE).marks
    assert shape.radius - (diameter or 0.0) / 2 * 10 >= 4


def test_an_outline_is_drawn_where_it_is_large_enough_to_be_seen(draw):
    """A square of 3 px from (98.5, 98.5): at its own size 3 px wide, four times enlarged 12."""
    square = tuple((100 + dx, 100 + dy) for dx, dy in ((-1.5, -1.5), (1.5, -1.5), (1.5, 1.5), (-1.5, 1.5)))
    findings = draw(calcifications=(Calcification(x=100, y=100, score=0.9, polygon=square),)).findings
    close = Crop(box=(90, 90, 110, 110), width=80, height=80, px_per_mm=40.0)
    (shape,) = make_scene(findings, 0.4, close).marks
    np.testing.assert_allclose(shape.outline, [(36, 36), (48, 36), (48, 48), (36, 48)])
    assert make_scene(findings, 0.4, WHOLE).marks[0].outline is None
    plain = draw(calcifications=(Calcification(x=100, y=100, score=0.9),)).findings
    assert make_scene(plain, 0.4, close).marks[0].outline is None


@pytest.mark.parametrize(
    ("spacing", "height", "px_per_mm"), [((0.1, 0.1), 600, 10.0), ((0.1, 0.2), 300, 5.0), (None, 600, None)]
)
def test_an_outline_surrounds_the_circles_of_its_members_only(draw, group, spacing, height, px_per_mm):
    crop = Crop(box=(0, 0, 400, 600), width=400, height=height, px_per_mm=px_per_mm)
    scene = make_scene(draw(spacing=spacing, **group).findings, 0.4, crop)
    outline = scene.clusters[0].outline.astype(np.float32)[:, None]
    for shape in scene.marks:
        inside = cv2.pointPolygonTest(outline, (shape.x, shape.y), True)
        assert inside > shape.radius if shape.cluster else inside < 0


def test_colours_run_from_the_threshold_to_one():
    assert score_colour(0.4, 0.4) == SCORE_COLOURS[0]
    assert score_colour(1.0, 0.4) == SCORE_COLOURS[-1]
    assert score_colour(0.6, 0.4) == SCORE_COLOURS[1]
    assert score_colour(1.0, 1.0) == SCORE_COLOURS[-1]


@pytest.mark.parametrize(("px_per_mm", "longest", "length"), [(10, 100, 10), (10, 99, 5), (10, 15, 1), (10, 5, 1)])
def test_a_scale_bar_is_10_mm_or_what_fits(px_per_mm, longest, length):
    assert scale_bar_mm(px_per_mm, longest) == length
