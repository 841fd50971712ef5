from pathlib import Path

import numpy as np
import pytest

from microcalc.breast import Breast
from microcalc.datasets import Facts, OtherFinding, Record
from microcalc.inspection.fit import drawn, misfits
from microcalc.truth import ImageTruth

#: 40 rows, 30 columns, the breast in the left half: 40 x 15 = 600 px.
SHAPE = (40, 30)
MASK = np.zeros(SHAPE, bool)
MASK[:, :15] = True
BREAST = Breast(mask=MASK, chest_wall="left", side="L", nipple=(14, 20), pectoral=None, warnings=())


def record(others=(), **known):
    return Record(Path("a.png"), ImageTruth(path="a.png", **known), Facts(others=others))


def kinds(found, breast=BREAST):
    return [kind for kind, _ in misfits(found, SHAPE, breast)]


def test_everything_with_a_place_is_drawn():
    found = record(
        (OtherFinding(kind="mass", bbox=(1, 1, 3, 3)),),
        calcifications=[{"x": 5, "y": 6}, {"x": 5, "y": 6, "polygon": [(4, 5), (6, 5), (5, 7)]}],
        clusters=[{"bbox": (0, 0, 2, 2)}],
        ignore=[{"bbox": (0, 0, 2, 2), "polygon": [(0, 0), (2, 0), (1, 2)]}],
    )
    assert [(f.name, len(f.corners)) for f in drawn(found)] == [
        ("calcification 1", 1), ("calcification 2", 3), ("cluster 1", 4), ("mass 1", 4), ("ignored region 1", 3),
    ]  # fmt: skip
    assert kinds(found) == []
    assert kinds(record()) == []


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        ((-0.5, -0.5, 14.5, 39.5), []),  # all of the breast, 600 px, and no more
        ((-0.5, -0.5, 15.0, 39.5), ["too large"]),
        ((-1.5, 5, 10, 40.5), []),  # a pixel beyond the edges is forgiven
        ((-1.6, 5, 10, 10), ["outside"]),
        ((5, 5, 10, 40.6), ["outside"]),
        ((16, 5, 20, 10), ["off the breast"]),
        ((40, 5, 45, 10), ["outside"]),
        ((5, 5, 5, 10), ["empty"]),
    ],
)
def test_boxes(box, expected):
    assert kinds(record(clusters=[{"bbox": box}])) == expected
    assert kinds(record((OtherFinding(kind="mass", bbox=box),))) == expected
    # A region to ignore may be large, and lie anywhere on the image.
    left = [kind for kind in expected if kind in ("outside", "empty")]
    assert kinds(record(ignore=[{"bbox": box}])) == left


def test_without_a_breast_only_the_image_counts():
    assert kinds(record(clusters=[{"bbox": (16, 5, 20, 10)}]), None) == []
    assert kinds(record(clusters=[{"bbox": (16, 5, 40, 10)}]), None) == ["outside"]


def test_a_few_are_named_and_the_others_counted():
    [(_, words)] = misfits(record(calcifications=[{"x": 50, "y": n} for n in range(6)]), SHAPE)
    assert words.startswith("calcification 1 at x 50, y 0; calcification 2")
    assert words.endswith("y 3 and 2 more, in 30 columns, 40 rows")
