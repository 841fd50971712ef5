from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from microcalc.errors import UsageError
from microcalc.findings import Distribution
from microcalc.synthesis import lesions
from microcalc.synthesis.calcification import TYPICALLY_BENIGN, Morphology, cast_shadow
from microcalc.synthesis.lesions import Difficulty, Lesion, draw_lesions
from microcalc.synthesis.outline import View
from microcalc.synthesis.phantom import Phantom

PLAIN = Difficulty()


def breast(seed: int, shape: tuple[int, int]) -> Mapping[View, Phantom]:
    """Both views; nothing is rendered."""
    return {view: Phantom(view, "L", seed, "B", shape) for view in ("CC", "MLO")}


def drawn(seed: int, difficulty: Difficulty = PLAIN, shape: tuple[int, int] = (3328, 2560)) -> list[Lesion]:
    return draw_lesions(breast(seed, shape), np.random.default_rng(seed), difficulty)


def always(monkeypatch: pytest.MonkeyPatch, morphology: Morphology, distribution: Distribution) -> None:
    monkeypatch.setattr(lesions, "draw_kind", lambda rng, wanted=None: (morphology, distribution, "malignant"))


def places(lesion: Lesion) -> np.ndarray:
    return np.array([speck.place for speck in lesion.specks])


def span(values: np.ndarray) -> float:
    """Greatest distance between two of (n, k) points."""
    return float(np.linalg.norm(values[:, None] - values, axis=-1).max())


def test_equal_random_numbers_give_equal_lesions():
    assert drawn(5) == drawn(5)
    assert drawn(5) != drawn(6)


def test_a_breast_holds_a_lesion_or_two_and_few_isolated_benign_specks():
    for seed in range(20):
        held = drawn(seed)
        assert 1 <= sum(lesion.distribution is not None for lesion in held) <= 2
        alone = [lesion for lesion in held if lesion.distribution is None]
        assert all(lesion.pathology == "benign" and len(lesion.specks) == 1 for lesion in alone)
        assert sum(lesion.morphology not in TYPICALLY_BENIGN for lesion in alone) <= 5
        for lesion in held:
            assert {speck.morphology for speck in lesion.specks} == {lesion.morphology}
            assert {speck.pathology for speck in lesion.specks} == {lesion.pathology}
            if lesion.distribution is not None:
                assert lesion.morphology not in TYPICALLY_BENIGN


def test_breasts_differ_in_what_they_hold():
    held = [lesion for seed in range(40) for lesion in drawn(seed)]
    assert {lesion.pathology for lesion in held if lesion.distribution} == {"benign", "malignant"}
    assert len({lesion.morphology for lesion in held}) >= 8
    assert {lesion.distribution for lesion in held} >= {"grouped", "segmental", None}


@pytest.mark.parametrize("wanted", [("coarse heterogeneous", "vascular"), ("amorphous",), ("rim", "popcorn")])
def test_a_breast_holds_what_is_asked_for(wanted: tuple[Morphology, ...]):
    for seed in range(5):
        held = draw_lesions(breast(seed, (3328, 2560)), np.random.default_rng(seed), PLAIN, wanted)
        assert {lesion.morphology for lesion in held} >= set(wanted)
        assert any(lesion.distribution is not None for lesion in held)


@pytest.mark.parametrize("shape", [(3328, 2560), (640, 480), (300, 290)])
def test_every_speck_lies_inside_both_views_and_clear_of_others(shape: tuple[int, int]):
    for seed in range(8):
        specks = [speck for lesion in drawn(seed, shape=shape) for speck in lesion.specks]
        assert specks
        where = np.array([speck.place for speck in specks])
        radii = np.array([max(speck.diameter, speck.length) / 2 for speck in specks])
        for phantom in breast(seed, shape).values():
            x, y = phantom.outline.locate(*where.T)
            assert (phantom.outline.skin_distance(x, y) > radii).all()
            assert (x > radii).all()
            gaps = np.hypot(x[:, None] - x, y[:, None] - y) - radii[:, None] - radii
            assert gaps[~np.eye(len(gaps), dtype=bool)].min(initial=1) > 0


def test_a_group_lies_within_two_centimetres(monkeypatch: pytest.MonkeyPatch):
    always(monkeypatch, "fine pleomorphic", "grouped")
    for seed in range(10):
        group = drawn(seed)[0]
        assert 5 <= len(group.specks) <= 30
        assert span(places(group)) < 20


def test_a_regional_lesion_is_larger_than_a_group(monkeypatch: pytest.MonkeyPatch):
    always(monkeypatch, "punctate", "regional")
    assert all(span(places(drawn(seed)[0])) > 20 for seed in range(5))


@pytest.mark.parametrize(("distribution", "narrow"), [("linear", 0.3), ("segmental", 0.75)])
def test_ductal_distributions_point_to_the_nipple(
    monkeypatch: pytest.MonkeyPatch, distribution: Distribution, narrow: float
):
    always(monkeypatch, "fine pleomorphic", distribution)
    for seed in range(5):
        where = places(drawn(seed)[0])
        middle = where.mean(axis=0)
        _, extents, axes = np.linalg.svd(where - middle)
        assert extents[1] < narrow * extents[0]
        # The nipple is the origin of places.
        assert abs(axes[0] @ middle) / np.linalg.norm(middle) > 0.8


def test_a_segment_widens_away_from_the_nipple(monkeypatch: pytest.MonkeyPatch):
    always(monkeypatch, "fine pleomorphic", "segmental")
    near, far = [], []
    for seed in range(12):
        where = places(drawn(seed)[0])
        axis = where.mean(axis=0) / np.linalg.norm(where.mean(axis=0))
        along = where @ axis
        aside = np.linalg.norm(where - np.outer(along, axis) - (where - np.outer(along, axis)).mean(axis=0), axis=1)
        near.append(aside[along < np.median(along)].mean())
        far.append(aside[along >= np.median(along)].mean())
    assert np.mean(far) > 1.2 * np.mean(near)


def test_suspicious_specks_have_the_sizes_and_varied_contrast_of_real_ones(monkeypatch: pytest.MonkeyPatch):
    always(monkeypatch, "fine pleomorphic", "grouped")
    groups = [drawn(seed)[0].specks for seed in range(30)]
    diameters = np.array([speck.diameter for group in groups for speck in group])
    assert np.median(diameters) == pytest.approx(0.24, abs=0.02)
    assert diameters.max() < 0.5
    # Contrast goes with thickness times attenuation.
    spread = [np.std(c) / np.mean(c) for c in ([s.diameter * s.attenuation for s in group] for group in groups)]
    assert 0.25 < np.median(spread) < 0.5


def test_the_dial_acts_on_diameter_and_attenuation(monkeypatch: pytest.MonkeyPatch):
    always(monkeypatch, "fine pleomorphic", "grouped")
    plain, hard = drawn(2)[0].specks, drawn(2, Difficulty(diameter=0.7, contrast=0.5))[0].specks
    assert np.median([s.diameter for s in hard]) == pytest.approx(0.7 * np.median([s.diameter for s in plain]), rel=0.1)
    # 0.079 per mm: the gland that calcium displaces.
    assert hard[0].attenuation - 0.079 == pytest.approx(0.5 * (plain[0].attenuation - 0.079))


@pytest.mark.parametrize("morphology", ["round", "coarse heterogeneous", "fine pleomorphic"])
@pytest.mark.parametrize("factor", [0.6, 1.0, 1.5])
def test_diameters_keep_their_spread_wherever_the_dial_stands(
    monkeypatch: pytest.MonkeyPatch, morphology: Morphology, factor: float
):
    always(monkeypatch, morphology, "grouped")
    groups = [drawn(seed, Difficulty(diameter=factor))[0].specks for seed in range(15)]
    diameters = [speck.diameter for group in groups for speck in group]
    assert len(set(diameters)) == len(diameters)
    least, most = {"fine pleomorphic": (0.1, 0.49), "round": (0.5, 1.2)}.get(morphology, (0.5, 1.0))
    assert factor * least <= min(diameters) < 1.3 * factor * least + 0.05
    assert max(diameters) <= factor * most


@pytest.mark.parametrize("contrast", [0.05, 0.3])
def test_faint_calcium_still_casts_a_shadow(contrast: float):
    for lesion in drawn(1, Difficulty(contrast=contrast)):
        shadow = cast_shadow(lesion.specks[0], "CC", 100, 100, 0.1)
        assert shadow.contrast.min() >= 0
        assert shadow.contrast.max() > 0


@pytest.mark.parametrize(
    ("dial", "found"),
    [
        ({"diameter": -1.0}, "factors of difficulty"),
        ({"contrast": float("nan")}, "factors of difficulty"),
        ({"noise": float("inf")}, "factors of difficulty"),
        ({"densities": (0.5, 0.5, 0.5, -0.5)}, "odds of densities"),
        ({"densities": (0.1, 0.1, 0.1, 0.1)}, "odds of densities"),
    ],
)
def test_a_dial_out_of_range_is_refused(dial: dict[str, Any], found: str):
    with pytest.raises(UsageError, match=found):
        Difficulty(**dial)


def test_lines_run_along_their_ducts(monkeypatch: pytest.MonkeyPatch):
    always(monkeypatch, "fine linear branching", "linear")
    for speck in drawn(1)[0].specks:
        assert speck.length > 2 * speck.diameter
        place = np.array(speck.place) / np.linalg.norm(speck.place)
        assert np.linalg.norm(speck.direction) == pytest.approx(1)
        assert abs(place @ speck.direction) > 0.7
