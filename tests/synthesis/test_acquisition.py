import cv2
import numpy as np
import pytest

from microcalc.synthesis import Phantom, Speck, acquire

SHAPE = (600, 400)
PLACES = ((6.0, 1.0, -1.5), (8.0, -2.5, 2.0))


def phantom(side: str, view: str) -> Phantom:
    return Phantom(view, side, seed=3, density="B", shape=SHAPE)


@pytest.mark.parametrize("side", ["L", "R"])
@pytest.mark.parametrize("view", ["CC", "MLO"])
def test_calcium_brightens_the_picture_inside_its_outline(side: str, view: str):
    specks = [Speck(place, 0.4, 1.5, "round", "benign", seed=i) for i, place in enumerate(PLACES)]
    plain, seeded = acquire(phantom(side, view)), acquire(phantom(side, view), specks)
    added = seeded.pixels.astype(int) - plain.pixels
    assert len(seeded.outlines) == len(seeded.snr) == 2
    for outline in seeded.outlines:
        x0, y0 = outline.min(0).astype(int) - 8
        around = added[y0 : y0 + 24, x0 : x0 + 24]
        y, x = np.unravel_index(around.argmax(), around.shape)
        assert around.max() > 500
        assert cv2.pointPolygonTest(outline.astype(np.float32), (float(x + x0), float(y + y0)), False) >= 0
        added[y0 : y0 + 24, x0 : x0 + 24] = 0
    assert not added.any()


@pytest.mark.parametrize(("side", "wall", "air"), [("L", 0, -1), ("R", -1, 0)])
def test_the_chest_wall_is_at_the_left_for_left_breasts_and_at_the_right_for_right_ones(side: str, wall: int, air: int):
    acquisition = acquire(phantom(side, "CC"))
    assert acquisition.breast[:, wall].mean() > 0.5
    assert not acquisition.breast[:, air].any()
    assert not acquisition.pixels[300:, air].any()


def test_more_contrast_is_seen_better_and_the_rest_of_the_picture_is_the_same():
    faint, bright = (Speck(PLACES[0], 0.3, mu, "round", "benign", seed=1) for mu in (0.5, 1.5))
    snr = [acquire(phantom("L", "CC"), [speck]).snr[0] for speck in (faint, bright)]
    assert 0 < snr[0] < snr[1] / 2


def test_denser_breasts_are_brighter():
    level = [
        np.median(a.pixels[a.breast])
        for a in (acquire(Phantom("CC", "L", 5, density, (1200, 900), 0.2)) for density in ("A", "D"))
    ]
    assert level[1] > 1.3 * level[0]
