import json

import pytest

from microcalc.datasets.via_regions import ATTRIBUTES, FILE, SHAPE, drawn_region
from microcalc.errors import ReadError


def region(attributes=None, **shape):
    return drawn_region({FILE: "a.jpg", SHAPE: json.dumps(shape), ATTRIBUTES: json.dumps(attributes or {})})


def test_a_polygon_counts_from_the_corner_of_the_image():
    drawn = region(name="polygon", all_points_x=[10, 20, 20], all_points_y=[5, 5, 9])
    assert drawn.polygon == ((9.5, 4.5), (19.5, 4.5), (19.5, 8.5))
    assert drawn.bbox == (9.5, 4.5, 19.5, 8.5)
    assert (drawn.x, drawn.y) == (14.5, 6.5)


@pytest.mark.parametrize(
    ("shape", "box"),
    [
        ({"name": "circle", "cx": 10, "cy": 20, "r": 3}, (6.5, 16.5, 12.5, 22.5)),
        ({"name": "ellipse", "cx": 10, "cy": 20, "rx": 3, "ry": 5}, (6.5, 14.5, 12.5, 24.5)),
        ({"name": "rect", "x": 10, "y": 20, "width": 4, "height": 2}, (9.5, 19.5, 13.5, 21.5)),
        ({"name": "polyline", "all_points_x": [1, 4, 4], "all_points_y": [1, 1, 3]}, (0.5, 0.5, 3.5, 2.5)),
    ],
)
def test_other_shapes_become_polygons(shape, box):
    drawn = region(**shape)
    assert drawn.bbox == pytest.approx(box)
    assert len(drawn.polygon) >= 3


@pytest.mark.parametrize(
    ("shape", "box"),
    [
        ({"name": "point", "cx": 10, "cy": 20}, (9, 19, 10, 20)),
        ({"name": "polyline", "all_points_x": [1, 4], "all_points_y": [1, 3]}, (0, 0, 4, 3)),
        ({"name": "circle", "cx": 10, "cy": 20, "r": 0}, (9, 19, 10, 20)),
    ],
)
def test_what_has_no_area_has_no_polygon(shape, box):
    drawn = region(**shape)
    assert drawn.polygon is None
    assert drawn.bbox == box


def test_the_name_is_what_the_attributes_say():
    assert region({"Finding": "Mass", "note": ""}, name="point", cx=1, cy=1).name == "mass"
    assert region(name="point", cx=1, cy=1).name == ""


def test_a_row_may_say_that_there_is_no_region():
    assert region() is None


@pytest.mark.parametrize(
    "text",
    ["{", "[1]", '{"name": "point", "cx": NaN, "cy": 1}', '{"name": "star"}', '{"name": "circle", "cx": 1, "cy": 2}'],
)
def test_what_via_does_not_draw_is_refused(text):
    with pytest.raises(ReadError, match="a region as VIA exports it"):
        drawn_region({FILE: "a.jpg", SHAPE: text, ATTRIBUTES: "{}"})
