"""The measures and tests behind benchmarks/realism.py, on data whose answers are known."""

import sys
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

pytest.importorskip("sklearn", reason="the two-sample tests need scikit-learn")
sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

import realism
from likeness import measures, rings
from likeness.crude import crude_picture
from likeness.folds import Auc, by_side, by_side_and_woman, over_folds, within_pictures
from likeness.lesions import measure_speck
from likeness.matching import PERCENTILES, Target
from likeness.specimen import Specimen
from likeness.summary import Summary, normalise_whole
from likeness.twosample import logistic, separate


def picture(woman, side, mean=0.0, seed=0):
    """A summary with 40 tiles of three normal statistics about ``mean``."""
    rng = np.random.default_rng([seed, *woman.encode(), ord(side)])
    return SimpleNamespace(
        woman=woman,
        side=side,
        tiles=rng.normal(mean, 1, (40, 3)),
        corners=rng.integers(0, 3000, (40, 2)),
    )


def test_no_picture_is_on_both_sides_of_a_fold():
    real = [picture("a", "L"), picture("a", "R")]
    drawn = [picture(woman, side) for woman in "wxyz" for side in "LR"]
    for fold in by_side(real, drawn) + by_side_and_woman(real, drawn):
        trained = {id(s) for part in fold.train for s in part}
        tested = {id(s) for part in fold.test for s in part}
        assert trained
        assert tested
        assert not trained & tested


def test_no_drawn_woman_is_on_both_sides_of_a_fold():
    real = [picture("a", "L"), picture("a", "R")]
    drawn = [picture(woman, side) for woman in "wxyz" for side in "LR"]
    for fold in by_side_and_woman(real, drawn):
        assert not {s.woman for s in fold.train[1]} & {s.woman for s in fold.test[1]}


def test_halves_of_a_picture_share_no_pixel():
    rows = np.arange(0, 2000, measures.STEP_PX)
    fields = dict.fromkeys(Summary.__dataclass_fields__)
    fields |= {"corners": np.column_stack((rows, rows)), "tiles": rows[:, None] * 1.0}
    fields |= {"patch_corners": np.column_stack((rows, rows)), "patches": rows}
    summary = Summary(**fields)
    for fold in within_pictures(summary, summary):
        spans = [
            (part.corners[:, 0].min(), part.corners[:, 0].max() + measures.TILE_PX)
            for part in (fold.train[0][0], fold.test[0][0])
        ]
        (_, first_end), (second_start, _) = sorted(spans)
        assert first_end <= second_start


def test_equal_sets_stay_at_chance_and_shifted_ones_are_told_apart():
    real = [picture("a", "L"), picture("a", "R")]
    same = [picture(woman, side) for woman in "wxyz" for side in "LR"]
    other = [picture(woman, side, mean=3.0) for woman in "wxyz" for side in "LR"]
    assert separate(by_side_and_woman(real, same), logistic).value == pytest.approx(0.5, abs=0.15)
    assert separate(by_side_and_woman(real, other), logistic).value > 0.98


def test_auc_counts_pairs_in_order():
    """Scores 1 3 of the first set, 2 4 of the second: three of four pairs are in order."""
    auc = over_folds([(np.array([1.0, 3, 2, 4]), np.array([False, False, True, True]), np.arange(4))])
    assert auc.value == 0.75
    assert auc.low <= 0.75 <= auc.high


def test_white_noise_has_a_flat_spectrum_at_its_level():
    """Variance s2 in pixels of side d has the spectral density s2 d2."""
    tiles = np.random.default_rng(0).normal(0, 10, (8, 256, 256)).astype(np.float32)
    spectrum = measures.radial(measures.power(tiles)).mean(0)
    fine = measures.FREQUENCIES > 1
    assert spectrum[fine] == pytest.approx(100 * 0.07**2, rel=0.1)
    assert measures.exponents(spectrum)["4-7"] == pytest.approx(0, abs=0.1)


def test_stripes_along_the_rows_are_anisotropic_at_angle_zero():
    rows = np.arange(256) * 0.07
    stripes = np.repeat(np.sin(2 * np.pi * 0.6 * rows)[:, None], 256, axis=1).astype(np.float32)
    index, angle = measures.anisotropy(measures.power(stripes[None]), 0.2, 1.0)
    assert index[0] > 0.9
    assert angle[0] == pytest.approx(0, abs=0.05)


def test_noise_is_measured_at_its_size():
    grey = np.random.default_rng(1).normal(1000, 100, (1024, 1024)).astype(np.float32)
    specimen = Specimen("x", "real", "w", "L", grey, np.full(grey.shape, 20, np.float32), np.empty((0, 4)))
    noise = measures.noise_by_grey(specimen)
    # The quiet quartile of 256-pixel blocks lies a little below the mean.
    assert np.nanmean(noise) == pytest.approx(100, rel=0.06)


def test_a_gaussian_speck_has_its_own_width_and_height():
    """Full width at half maximum is 2.355 sigma; smoothing by 0.6 px widens it and lowers the peak."""
    y, x = np.mgrid[:48, :48]
    sigma, height = 1.5, 1000.0
    noise = np.random.default_rng(2).normal(0, 10, (48, 48))
    window = 800 + height * np.exp(-((x - 24) ** 2 + (y - 24) ** 2) / (2 * sigma**2)) + noise
    speck = measure_speck(window.astype(np.float32))
    wide = np.hypot(sigma, 0.6)
    assert speck.fwhm_minor_px == pytest.approx(2.355 * wide, rel=0.08)
    assert speck.fwhm_major_px == pytest.approx(2.355 * wide, rel=0.08)
    assert speck.peak_grey == pytest.approx(height * (sigma / wide) ** 2, rel=0.05)
    assert speck.half_maximum_diameter_mm == pytest.approx(2.355 * wide * 0.07, rel=0.08)


def power_law_breast(seed):
    """A picture of drifting grey with noise in proportion to it, all of it 30 mm deep."""
    rng = np.random.default_rng(seed)
    coarse = np.exp(rng.normal(0, 0.25, (18, 18))).astype(np.float32)
    grey = 1000 * cv2.resize(coarse, (1100, 1100), interpolation=cv2.INTER_CUBIC)
    grey *= 1 + 0.1 * rng.standard_normal(grey.shape, dtype=np.float32)
    depth = np.full(grey.shape, 30, np.float32)
    return Specimen("x", "real", "w", "L", np.clip(grey, 1, 4095).astype(np.float32), depth, np.empty((0, 4)))


def test_insertion_stays_at_chance_and_pastes_are_told_apart():
    pictures = [rings.ring_samples(SimpleNamespace(open=lambda seed=seed: power_law_breast(seed))) for seed in (0, 1)]
    auc = {way: rings.ring_test([of[way] for of in pictures], logistic).value for way in rings.WAYS}
    assert auc["inserted"] == pytest.approx(0.5, abs=0.1)
    assert auc["pasted"] > 0.85
    assert auc["pasted without noise"] > 0.95


def test_rings_of_a_picture_are_never_trained_and_tested_on():
    """Each picture has a level of its own, opposite to the other's: what one teaches is wrong for the other."""
    first = np.zeros((20, 2, 1))
    first[:, 0] = 1.0
    assert rings.ring_test([first, -first], logistic).value == 0


def test_patches_are_on_the_scale_of_training_patches():
    """The 5th and 95th percentile of the breast, its rim apart, come to lie at 0.15 and 0.55."""
    grey = np.broadcast_to(np.linspace(0.2, 0.6, 640, dtype=np.float32), (640, 640)).copy()
    depth = np.full(grey.shape, 10, np.float32)
    grey[:, :20], depth[:, :20] = 0, 1
    normal = normalise_whole(grey, depth)
    assert np.percentile(normal[:, 20:], (5, 95)) == pytest.approx((0.15, 0.55), abs=0.01)


def test_a_target_is_measured_on_the_pictures_given():
    noise = np.random.default_rng(3).normal(0, 1, (1024, 1024)).astype(np.float32)
    depth = np.full(noise.shape, 20, np.float32)
    pictures = [Specimen("x", "real", "w", "L", g + 0.1 * g * noise, depth, np.empty((0, 4))) for g in (500.0, 1500.0)]
    target = Target.of(pictures)
    assert target.levels[PERCENTILES.index(50)] == pytest.approx(1000, rel=0.01)
    # The quiet quartile of blocks lies a little below the mean.
    assert target.noise == pytest.approx(0.1, rel=0.08)


def test_the_crude_control_has_the_grey_and_the_noise_of_its_target():
    target = Target((300.0, 600.0, 900.0, 1500.0, 2400.0), 0.1)
    grey = crude_picture(1, "L", "B", target)[400:-400, :400] * 4095
    inside = grey[grey > 0]
    assert 300 < np.median(inside) < 2400
    smooth = cv2.GaussianBlur(grey, (0, 0), 2.0)
    share = np.abs(grey - smooth)[smooth > 300] / smooth[smooth > 300]
    assert 1.4826 * np.median(share) == pytest.approx(0.1, rel=0.2)  # some of it texture


def test_every_phantom_woman_stands_beside_the_real_one():
    real = [picture("a", "L"), picture("a", "R")]
    drawn = [picture(woman, side) for woman in "wxyz" for side in "LR"]
    values = {"w": 0.9, "x": 0.8, "y": 0.7, "z": 0.6}

    def judge(folds):
        return Auc(values[folds[0].train[1][0].woman], 0, 1, ())

    test = realism.single_women(real, drawn, "judge", judge)
    assert (test.auc.value, test.auc.low, test.auc.high) == (pytest.approx(0.75), 0.6, 0.9)
