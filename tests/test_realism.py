"""The measures and tests behind benchmarks/realism.py, on data whose answers are known."""

import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="the two-sample tests need scikit-learn")
sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

from likeness import measures
from likeness.folds import by_side, by_side_and_woman, over_folds, within_pictures
from likeness.lesions import measure_speck
from likeness.specimen import Specimen
from likeness.summary import Summary
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
