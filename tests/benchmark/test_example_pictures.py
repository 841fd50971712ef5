"""Crops with what stands on them."""

import pytest

from microcalc.benchmark.example_pictures import example_pictures
from microcalc.truth import Ignored, ImageTruth, TrueCalcification

SPACING = (0.1, 0.1)


@pytest.fixture
def scored(make_scored):
    """Lesions found, found too low, and missed, a mark on what is ignored, and a false one; an empty normal image."""
    centres = ((150, 200), (160, 200), (140, 200), (150, 240))
    truth = ImageTruth(
        path="a.png",
        spacing_mm=SPACING,
        calcifications=tuple(TrueCalcification(x=x, y=y, diameter_mm=0.1) for x, y in centres),
        ignore=(Ignored(bbox=(148, 238, 152, 242)),),
    )
    marks = ((150, 200, 0.9), (160, 200, 0.2), (150, 240, 0.8), (170, 220, 0.7))
    normal = ImageTruth(path="n.png", spacing_mm=SPACING, normal=True)
    return make_scored((truth, normal), first=(marks, ()), nothing=((), ()))


def test_what_stands_on_a_patch(scored, breast_png, tmp_path):
    breast_png(tmp_path / "a.png")
    shown = example_pictures(scored, tmp_path, seed=0)
    (patch,) = shown.patches
    assert (shown.missing, patch.cutting.crop.width) == ((), 157)  # 15.68 mm
    x0, y0, *_ = patch.cutting.crop.box
    first = sorted((it.kind, round(it.x - 0.5 + x0), round(it.y - 0.5 + y0)) for it in patch.by_detector["first"])
    assert first == [
        ("below", 160, 200),
        ("false", 170, 220),
        ("ignored", 150, 240),
        ("missed", 140, 200),
        ("true", 150, 200),
    ]
    assert [it.kind for it in patch.by_detector["nothing"]] == ["missed"] * 3
    assert [it.radius for it in patch.by_detector["first"]] == pytest.approx([4.9] * 5)  # 0.49 mm


def test_what_lies_beyond_a_crop_is_not_drawn(scored, breast_png, tmp_path):
    """6 mm are 60 px: 30 on each side of an example."""
    breast_png(tmp_path / "a.png")
    kinds = example_pictures(scored, tmp_path, seed=0).by_detector["first"]
    (example,) = kinds["B"].examples
    assert example.caption == "score 0.900, a.png at 150, 200"
    (symbol,) = example.symbols
    assert (symbol.kind, symbol.x, symbol.y) == ("true", 30.5, 30.5)
    assert example.cutting.uri.startswith("data:image/png;base64,")


def test_an_image_that_is_gone_costs_pictures_only(scored, tmp_path):
    shown = example_pictures(scored, tmp_path, seed=0)
    (line,) = shown.missing
    assert line.startswith("a.png: ")
    assert str(tmp_path) not in line
    assert shown.patches[0].cutting is None
    assert [it.cutting for it in shown.by_detector["first"]["E"].examples] == [None]
    assert shown.by_detector["first"]["E"].total == 1


def test_without_images_nothing_is_missing(scored):
    assert example_pictures(scored, None, seed=0).missing == ()
