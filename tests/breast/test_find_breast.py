from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from microcalc.breast import Breast, find_breast
from microcalc.errors import MicrocalcError
from microcalc.mammogram import Mammogram

ROWS, COLUMNS = 800, 600
Draw = Callable[..., Any]
Picture = NDArray[np.float32]
#: Paints into a picture and gives what it hides of it, if anything.
Nuisance = Callable[[Picture], NDArray[np.bool_] | None]


def find(pixels: NDArray[np.float32], **tags: object) -> Breast:
    return find_breast(Mammogram(np.ascontiguousarray(pixels), **tags))


def overlap(found: NDArray[np.bool_], truth: NDArray[np.bool_]) -> float:
    return float((found & truth).sum() / (found | truth).sum())


def label(pixels: Picture, x: int, y: int) -> None:
    """A white film label with dark letters, 60 x 90 pixels, cut by the border where it reaches over."""
    pixels[y : y + 90, x : x + 60] = 1.0
    for bar in (12, 28, 44):
        pixels[y + 20 : y + 50, x + bar : x + bar + 6] = 0.1


def labels(*places: tuple[int, int]) -> Nuisance:
    def paint(pixels: Picture) -> NDArray[np.bool_]:
        before = pixels.copy()
        for place in places:
            label(pixels, *place)
        return pixels != before

    return paint


def frame(level: float, top: int = 0, bottom: int = 0, left: int = 0, right: int = 0) -> Nuisance:
    """Borders of these widths."""

    def paint(pixels: Picture) -> NDArray[np.bool_]:
        hidden = np.ones(pixels.shape, bool)
        hidden[top : ROWS - bottom, left : COLUMNS - right] = False
        pixels[hidden] = level
        return hidden

    return paint


def wedge(level: float, *corners: tuple[int, int]) -> Nuisance:
    def paint(pixels: Picture) -> NDArray[np.bool_]:
        hidden = cv2.fillPoly(np.zeros(pixels.shape, np.uint8), [np.array(corners)], 1) > 0
        pixels[hidden] = level
        return hidden

    return paint


def noisy_strip(pixels: Picture) -> None:
    pixels[:40] = 0.4 + 0.05 * np.random.default_rng(0).standard_normal((40, COLUMNS)).clip(-3, 3)


def implant(pixels: Picture) -> None:
    cv2.ellipse(pixels, (100, 400), (110, 150), 0, 0, 360, 1.0, -1)


def fog(pixels: Picture) -> None:
    pixels += np.linspace(0, 0.03, ROWS, dtype=np.float32)[:, None]


def eight_bits(pixels: Picture) -> None:
    pixels[:] = np.round(pixels * 255) / 255


@pytest.mark.parametrize(
    "look",
    [
        {},
        {"noise": 0.0},
        {"mlo": True},
        {"tissue": 0.08, "noise": 0.001},
        {"air": 0.2},
        {"air": 0.08, "noise": 0.03},
        {"rolloff": 0.25},
        {"depth": 0.98, "top": -0.02, "bottom": 1.02},
        {"depth": 1.1},
        {"top": 0.3, "bottom": 1.3},
        {"depth": 0.2, "top": 0.4, "bottom": 0.65},
        {"shape": (1601, 1203)},
        {"shape": (120, 90)},
    ],
    ids=lambda look: " ".join(f"{k}={v}" for k, v in look.items()) or "plain",
)
@pytest.mark.parametrize("side", ["L", "R"])
def test_outline(draw: Draw, look: dict[str, object], side: str) -> None:
    drawn = draw(**{"shape": (ROWS, COLUMNS), **look})
    turn = slice(None) if side == "L" else slice(None, None, -1)
    breast = find(drawn.pixels[:, turn])
    assert overlap(breast.mask[:, turn], drawn.truth) > 0.975
    assert (breast.side, breast.chest_wall, breast.warnings) == (side, {"L": "left", "R": "right"}[side], ())


@pytest.mark.parametrize("mlo", [False, True], ids=["CC", "MLO"])
@pytest.mark.parametrize(
    ("nuisance", "look"),
    [
        pytest.param(labels((450, 60), (520, 650)), {}, id="labels beside the breast"),
        pytest.param(labels((560, 0), (400, 760)), {}, id="labels at the border"),
        pytest.param(labels((270, 20)), {"air": 0.02}, id="label on the skin"),
        pytest.param(frame(1.0, top=16, bottom=16, left=16, right=16), {}, id="white frame"),
        pytest.param(frame(0.0, top=40, right=60), {"air": 0.15}, id="black frame on grey"),
        pytest.param(frame(0.0, top=20, left=90, right=120), {"air": 0.1}, id="padding"),
        pytest.param(wedge(1.0, (599, 0), (599, 799), (560, 799)), {}, id="white wedge"),
        pytest.param(wedge(1.0, (0, 0), (0, 799), (30, 799)), {"tissue": 0.3}, id="white wedge at the chest wall"),
        pytest.param(wedge(0.0, (599, 0), (599, 799), (470, 799)), {"air": 0.15}, id="black wedge on grey"),
        pytest.param(noisy_strip, {}, id="scanner strip"),
        pytest.param(implant, {}, id="implant"),
        pytest.param(fog, {}, id="fog"),
        pytest.param(eight_bits, {"air": 0.02}, id="8 bits"),
    ],
)
def test_outline_in_spite_of(draw: Draw, nuisance: Nuisance, look: dict[str, float], mlo: bool) -> None:
    drawn = draw(shape=(ROWS, COLUMNS), mlo=mlo, **look)
    hidden = nuisance(drawn.pixels)
    breast = find(drawn.pixels.clip(0, 1))
    assert overlap(breast.mask, drawn.truth if hidden is None else drawn.truth & ~hidden) > 0.97
    assert (breast.side, breast.warnings) == ("L", ())


def test_outline_with_a_dark_periphery(draw: Draw) -> None:
    drawn = draw(shape=(ROWS, COLUMNS), noise=0.0005)
    inside = cv2.distanceTransform(np.pad(drawn.truth, ((1, 1), (0, 1))).astype(np.uint8), cv2.DIST_L2, 5)[1:-1, :-1]
    breast = find(drawn.pixels * (0.05 + 0.95 * np.clip(inside / 130, 0, 1) ** 1.5))
    assert overlap(breast.mask, drawn.truth) > 0.97


def test_a_label_beside_the_breast_is_not_in_the_mask(draw: Draw) -> None:
    drawn = draw(shape=(ROWS, COLUMNS), mlo=True)
    label(drawn.pixels, 270, 0)
    assert not find(drawn.pixels).mask[5:80, 275:325].any()


@pytest.mark.parametrize("air", [0.1, 0.2, 0.4])
def test_flat_air_is_air_however_bright(draw: Draw, air: float) -> None:
    drawn = draw(noise=0.0)
    found = find((air + (1 - air) * 0.5 * drawn.pixels).astype(np.float32))
    assert overlap(found.mask, drawn.truth) > 0.97
    assert not found.warnings


def test_a_breast_that_fills_the_picture(draw: Draw) -> None:
    pixels = draw(depth=1.2, top=-0.2, bottom=1.2).pixels[300:900, :400]
    breast = find(pixels, side="R")
    assert breast.mask.all()
    assert (breast.side, breast.chest_wall) == ("R", "right")
    assert breast.warnings == ("no background seen: the breast is taken to fill the picture",)
    assert "the side is not clear from the picture: taken for L" in find(pixels).warnings


@pytest.mark.parametrize("tissue", [0.5, 0.65])
@pytest.mark.parametrize("place", [(0, 0), (300, 20), (150, 300), (340, 510)])
def test_a_label_on_a_breast_that_fills_the_picture(draw: Draw, tissue: float, place: tuple[int, int]) -> None:
    pixels = draw(depth=1.2, top=-0.2, bottom=1.2, tissue=tissue).pixels[300:900, :400].copy()
    hidden = labels(place)(pixels)
    breast = find(pixels, side="L")
    assert "no background seen: the breast is taken to fill the picture" in breast.warnings
    assert (breast.mask & hidden).sum() < 0.01 * hidden.sum()
    # No more is lost than a strip between a label and the border.
    assert breast.mask.sum() > 0.98 * (~hidden).sum()


def test_a_stated_side_and_a_picture_that_disagree(draw: Draw) -> None:
    breast = find(draw(shape=(ROWS, COLUMNS)).pixels, side="R")
    assert (breast.side, breast.chest_wall) == ("R", "left")
    assert breast.warnings == ("stated as R, the picture looks like L",)


def test_the_nipple_is_the_farthest_point_from_the_chest_wall(draw: Draw) -> None:
    pixels = draw(shape=(ROWS, COLUMNS), depth=0.6, top=0.1, bottom=0.8).pixels
    assert find(pixels, view="CC").nipple == pytest.approx((360, 360), abs=6)
    assert find(pixels[:, ::-1], view="CC").nipple == pytest.approx((239, 360), abs=6)


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((400, 300), np.float32),
        np.full((400, 300), 0.4, np.float32),
        np.random.default_rng(0).random((400, 300), dtype=np.float32),
        np.pad(np.ones((12, 12), np.float32), 300),
        np.ones((1, 1), np.float32),
        np.eye(3, 2000, dtype=np.float32),
    ],
    ids=["black", "one level", "noise", "a speck", "one pixel", "a strip"],
)
def test_no_breast(pixels: NDArray[np.float32]) -> None:
    with pytest.raises(MicrocalcError, match=r"expected a picture with a breast on it, found .*; check the file"):
        find(pixels)


def test_area(draw: Draw) -> None:
    mask = np.zeros((20, 30), bool)
    mask[:10] = True
    breast = Breast(mask=mask, chest_wall="left", side="L", nipple=(0, 0), pectoral=None, warnings=())
    assert breast.area_cm2((0.5, 0.2)) == pytest.approx(300 * 0.1 / 100)


@pytest.mark.parametrize("name", ["1_L_CC", "1_R_CC", "2_L_CC", "2_R_CC"])
def test_digital_mammograms(shared: Path, name: str) -> None:
    pixels = np.asarray(Image.open(shared / "ffdm" / f"{name}.png"), np.float32) / np.float32(65535)
    breast = find(pixels)
    # Outside the breast these are exactly 0 but for a marker, a bead and a thin halo.
    count, parts, stats, _ = cv2.connectedComponentsWithStats((pixels > 0).astype(np.uint8))
    largest = parts == 1 + np.argmax(stats[1:, cv2.CC_STAT_AREA])
    assert count > 2
    assert overlap(breast.mask, largest) > 0.99
    assert (breast.side, breast.pectoral, breast.warnings) == (name[2], None, ())
    assert 60 < breast.area_cm2((0.07, 0.07)) < 130


@pytest.mark.parametrize("number", range(1, 10))
def test_film_mammograms(shared: Path, number: int) -> None:
    pixels = np.asarray(Image.open(shared / "mini_mias" / f"mdb{number:03d}.pgm"), np.float32) / np.float32(255)
    breast = find(pixels, view="MLO", side="L" if number % 2 else "R")
    # These films were laid down mirrored (their labels read backwards): left breasts have the chest wall at the right.
    assert breast.chest_wall == ("right" if number % 2 else "left")
    assert breast.warnings == (f"stated as {'RL'[number % 2]}, the picture looks like {'LR'[number % 2]}",)
    assert 120 < breast.area_cm2((0.2, 0.2)) < 250
    labels = cv2.erode((pixels > 0.98 * pixels.max()).astype(np.uint8), np.ones((9, 9)))
    assert (breast.mask & (labels > 0)).sum() < 0.002 * breast.mask.sum()
    assert breast.pectoral is not None
    inside = cv2.fillPoly(np.zeros(pixels.shape, np.uint8), [np.round(breast.pectoral).astype(np.int32)], 1) > 0
    assert 0.05 < inside.sum() / breast.mask.sum() < 0.25
    assert np.median(pixels[inside]) > np.median(pixels[breast.mask & ~inside])
    # Upside down there is no muscle in the upper corner.
    assert find(pixels[::-1], view="MLO").pectoral is None


@pytest.mark.parametrize(("number", "nipple"), [(3, (363, 605)), (4, (669, 681)), (7, (332, 658)), (9, (343, 666))])
def test_nipples_in_profile_on_film(shared: Path, number: int, nipple: tuple[float, float]) -> None:
    """Nipples read off the enlarged films by eye."""
    pixels = np.asarray(Image.open(shared / "mini_mias" / f"mdb{number:03d}.pgm"), np.float32) / np.float32(255)
    x, y = find(pixels, view="MLO").nipple
    assert np.hypot(x - nipple[0], y - nipple[1]) * 0.2 < 10
