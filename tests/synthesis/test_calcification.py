import dataclasses
import math

import cv2
import numpy as np
import pytest

from microcalc.synthesis import Speck, calcification
from microcalc.synthesis.calcification import cast_shadow
from microcalc.synthesis.phantom import GLAND

SPACING = 0.07
BALL = Speck((20, 0, 0), diameter=0.5, attenuation=1.5, morphology="round", pathology="benign", seed=4)


@pytest.fixture
def smooth(monkeypatch: pytest.MonkeyPatch) -> None:
    """Round specks are perfect balls."""
    monkeypatch.setitem(calcification._SHAPE, "round", (0.0, 1.0))


@pytest.mark.usefixtures("smooth")
@pytest.mark.parametrize(("x", "y"), [(30.0, 41.0), (30.3, 41.5), (29.77, 40.12)])
def test_a_ball_casts_its_volume_at_its_place_and_a_known_outline(x: float, y: float):
    shadow = cast_shadow(BALL, "CC", x, y, SPACING)
    # Mass: attenuation times volume, pi / 6 d^3, per pixel area.
    mass = (1.5 - GLAND) * math.pi / 6 * 0.5**3 / SPACING**2
    assert shadow.contrast.sum() == pytest.approx(mass, rel=0.02)
    rows, columns = (np.arange(part.start, part.stop) for part in shadow.region)
    centre = (shadow.contrast.sum(0) @ columns, shadow.contrast.sum(1) @ rows) / shadow.contrast.sum()
    assert centre == pytest.approx((x, y), abs=0.13)
    # The chord is half the diameter where cos = 1/2: the outline is a disc of sqrt(3) / 2 of it.
    area = cv2.contourArea(shadow.polygon.astype(np.float32)) * SPACING**2
    assert 2 * math.sqrt(area / math.pi) == pytest.approx(0.5 * math.sqrt(3) / 2, rel=0.03)
    assert shadow.polygon.mean(0) == pytest.approx((x, y), abs=0.2)


def test_pleomorphic_outlines_are_less_round_than_round_ones():
    def roundness(morphology: str, seed: int) -> float:
        speck = dataclasses.replace(BALL, diameter=0.3, morphology=morphology, seed=seed)
        polygon = cast_shadow(speck, "CC", 30, 30, SPACING).polygon.astype(np.float32)
        return 4 * math.pi * cv2.contourArea(polygon) / cv2.arcLength(polygon, True) ** 2  # 1 for a disc

    round_, pleomorphic = ([roundness(kind, seed) for seed in range(6)] for kind in ("round", "fine pleomorphic"))
    assert min(round_) > 0.85
    assert np.median(pleomorphic) < 0.8


def test_both_views_see_the_same_solid():
    speck = dataclasses.replace(BALL, morphology="fine pleomorphic")
    cc, mlo = (speck.contrast(view, 0.01) for view in ("CC", "MLO"))
    # Summed across, either view leaves the same profile along the nipple line.
    assert cc.sum(0) == pytest.approx(mlo.sum(0), rel=1e-4)
    assert not np.array_equal(cc, mlo)
