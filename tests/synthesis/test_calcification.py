import dataclasses
import math
from typing import get_args

import cv2
import numpy as np
import pytest

from microcalc.synthesis import calcification
from microcalc.synthesis.calcification import TYPICALLY_BENIGN, Morphology, Shadow, Speck, cast_shadow
from microcalc.synthesis.phantom import GLAND
from microcalc.synthesis.solids import Lump

SPACING = 0.07
KINDS = get_args(Morphology)
BALL = Speck((20, 0, 0), diameter=0.5, attenuation=1.5, morphology="round", pathology="benign", seed=4)


def speck(morphology: Morphology, seed: int = 4) -> Speck:
    """A typical one; lines, rods and vessels run towards the nipple."""
    sizes = {"fine linear branching": (0.12, 2.0), "vascular": (1.4, 12.0), "rod-like": (0.7, 6.0)}
    diameter, length = sizes.get(morphology, (2.5 if morphology in ("popcorn", "rim") else 0.5, 0.0))
    return dataclasses.replace(BALL, morphology=morphology, diameter=diameter, length=length, seed=seed)


def area_mm2(polygon: np.ndarray) -> float:
    return cv2.contourArea(polygon.astype(np.float32)) * SPACING**2


def enclosed(shadow: Shadow) -> float:
    """Share of the shadow's mass in pixels that its polygon touches."""
    inside = np.zeros(shadow.contrast.shape, np.uint8)
    corners = np.rint(shadow.polygon - (shadow.column, shadow.row)).astype(np.int32)
    cv2.fillPoly(inside, [corners], 1)
    return float(shadow.contrast[inside > 0].sum() / shadow.contrast.sum())


@pytest.fixture
def smooth(monkeypatch: pytest.MonkeyPatch) -> None:
    """Round specks are perfect balls."""
    monkeypatch.setitem(calcification._FORMS, "round", Lump(roughness=0.0, least_axis=1.0))


@pytest.mark.usefixtures("smooth")
@pytest.mark.parametrize(("x", "y"), [(30.0, 41.0), (30.3, 41.5), (29.77, 40.12)])
def test_a_ball_casts_its_volume_at_its_place_and_a_known_outline(x: float, y: float):
    shadow = cast_shadow(BALL, "CC", x, y, SPACING)
    # Mass: attenuation times volume, pi / 6 d^3, per pixel area.
    mass = (1.5 - GLAND) * math.pi / 6 * 0.5**3 / SPACING**2
    assert shadow.contrast.sum() == pytest.approx(mass, rel=0.01)
    rows, columns = (np.arange(part.start, part.stop) for part in shadow.region)
    centre = (shadow.contrast.sum(0) @ columns, shadow.contrast.sum(1) @ rows) / shadow.contrast.sum()
    assert centre == pytest.approx((x, y), abs=0.02)
    # The chord is half the diameter where cos = 1/2: the outline is a disc of sqrt(3) / 2 of it.
    assert 2 * math.sqrt(area_mm2(shadow.polygon) / math.pi) == pytest.approx(0.5 * math.sqrt(3) / 2, rel=0.03)
    assert shadow.polygon.mean(0) == pytest.approx((x, y), abs=0.2)


@pytest.mark.usefixtures("smooth")
def test_the_thickest_ray_through_a_ball_is_its_diameter_at_any_pitch():
    for spacing in (0.02, 0.04):
        peak = cast_shadow(BALL, "MLO", 50, 50, spacing).contrast.max()
        assert peak == pytest.approx(0.5 * (1.5 - GLAND), rel=0.03)


@pytest.mark.parametrize("morphology", KINDS)
def test_a_solid_is_the_same_in_either_view_and_at_any_pitch(morphology: Morphology):
    cc, mlo, coarse = (
        cast_shadow(speck(morphology), view, 100, 100, spacing)
        for view, spacing in (("CC", SPACING), ("MLO", SPACING), ("CC", 0.1))
    )
    mass = cc.contrast.sum() * SPACING**2
    assert mlo.contrast.sum() * SPACING**2 == pytest.approx(mass, rel=0.02)
    assert coarse.contrast.sum() * 0.1**2 == pytest.approx(mass, rel=0.02)

    # Summed across, either view leaves the same profile along the nipple line.
    def middle(shadow: Shadow) -> float:
        columns = shadow.column + np.arange(shadow.contrast.shape[1])
        return float(shadow.contrast.sum(0) @ columns / shadow.contrast.sum())

    assert middle(mlo) == pytest.approx(middle(cc), abs=0.1)
    assert cc.contrast.shape != mlo.contrast.shape or not np.allclose(cc.contrast, mlo.contrast)
    assert np.array_equal(cast_shadow(speck(morphology), "CC", 100, 100, SPACING).contrast, cc.contrast)


@pytest.mark.parametrize("morphology", KINDS)
def test_the_outline_encloses_most_of_what_is_seen(morphology: Morphology):
    for seed in range(3):
        assert enclosed(cast_shadow(speck(morphology, seed), "CC", 100, 100, SPACING)) > 0.55


def test_vessels_and_lines_in_pieces_are_outlined_as_one():
    vessel = cast_shadow(speck("vascular"), "CC", 100, 100, SPACING)
    assert np.ptp(vessel.polygon[:, 0]) * SPACING > 9
    assert area_mm2(vessel.polygon) > 0.6 * 9 * 1.4  # both tracks and what lies between
    assert enclosed(vessel) > 0.97
    line = cast_shadow(speck("fine linear branching"), "CC", 100, 100, SPACING)
    assert np.ptp(line.polygon[:, 0]) * SPACING > 1.2


def test_outlines_stray_from_the_disc_as_the_morphology_says():
    def roundness(morphology: Morphology) -> list[float]:
        """4 pi area / perimeter^2: 1 for a disc."""
        polygons = [cast_shadow(speck(morphology, seed), "CC", 30, 30, SPACING).polygon for seed in range(6)]
        perimeters = (cv2.arcLength(polygon.astype(np.float32), True) * SPACING for polygon in polygons)
        return [
            4 * math.pi * area_mm2(polygon) / perimeter**2
            for polygon, perimeter in zip(polygons, perimeters, strict=True)
        ]

    assert min(roundness("round")) > 0.85
    assert np.median(roundness("fine pleomorphic")) < 0.85
    assert np.median(roundness("coarse heterogeneous")) < 0.8
    assert np.median(roundness("fine linear branching")) < 0.5


@pytest.mark.parametrize("morphology", ["lucent centre", "rim"])
def test_shells_are_darker_in_the_middle_than_at_the_edge(morphology: Morphology):
    contrast = cast_shadow(speck(morphology), "CC", 100, 100, SPACING / 4).contrast
    middle = contrast[contrast.shape[0] // 2, contrast.shape[1] // 2]
    assert 0 < middle < 0.7 * contrast.max()


def test_calcium_displaces_gland():
    dense, light = (dataclasses.replace(BALL, attenuation=GLAND + more) for more in (1.0, 0.5))
    ratio = (
        cast_shadow(dense, "CC", 9, 9, SPACING).contrast.sum() / cast_shadow(light, "CC", 9, 9, SPACING).contrast.sum()
    )
    assert ratio == pytest.approx(2, rel=1e-4)


def test_typically_benign_kinds_are_morphologies():
    assert set(KINDS) > TYPICALLY_BENIGN
    assert len(TYPICALLY_BENIGN) == 5
