"""The first-order statistics, against NumPy and SciPy one window at a time, and by hand."""

import numpy as np
import pytest
from scipy import stats

from microcalc.features.first_order import NAMES, first_order


def witness(window):
    """The statistics of one window by their names, one library call each."""
    v = window.astype(np.float64).ravel()
    _, counts = np.unique(np.rint(v * 4095), return_counts=True)
    middle = v[(v >= np.percentile(v, 10)) & (v <= np.percentile(v, 90))]
    return {
        "minimum": v.min(),
        "maximum": v.max(),
        "quantile_10": np.percentile(v, 10),
        "quantile_90": np.percentile(v, 90),
        "mean": v.mean(),
        "median": np.median(v),
        "standard_deviation": v.std(),
        "energy": np.linalg.norm(v) ** 2,
        "entropy": stats.entropy(counts, base=2),
        "uniformity": ((counts / v.size) ** 2).sum(),
        "skewness": stats.skew(v),
        "kurtosis": stats.kurtosis(v),
        "interquartile_range": stats.iqr(v),
        "range": np.ptp(v),
        "mean_absolute_deviation": np.abs(v - v.mean()).mean(),
        "robust_mean_absolute_deviation": np.abs(middle - middle.mean()).mean(),
        "root_mean_square": np.sqrt((v**2).mean()),
    }


def named(row):
    return dict(zip((name.removeprefix("first_order_") for name in NAMES), row.tolist(), strict=True))


@pytest.mark.parametrize("levels", [4095, 255, 12])
def test_agrees_with_numpy_and_scipy(levels):
    """Images of 12 and 8 bits, and one with so few grey levels that quantiles fall among equal values."""
    rng = np.random.default_rng(levels)
    image = (np.rint(rng.beta(2, 3, (60, 70)) * levels) / levels).astype(np.float32)
    # 300 candidates are more than a block, whose last is the 256th; all windows lie clear of the borders.
    centres = rng.integers(7, 54, (300, 2)).astype(np.float64)
    features = first_order(image, centres)
    assert features.shape == (300, 17)
    assert features.dtype == np.float32
    for chosen in (*range(0, 300, 15), 254, 256, 299):
        (x, y), row = centres[chosen].astype(int), features[chosen]
        expected = witness(image[y - 7 : y + 7, x - 7 : x + 7])
        assert named(row) == pytest.approx(expected, rel=2e-7, abs=1e-8)


def test_a_window_worked_by_hand():
    # 49 pixels of 1, the other 147 of 0: Q_0.75 stands at place 0.75 * 195 = 146.25 of the sorted values, a quarter of
    # the way from the 147th (0) to the 148th (1). Between Q_0.10 = 0 and Q_0.90 = 1 lies everything.
    # m2 = 1/4 * 3/4 = 3/16, m3 = p q (q - p) = 3/32, m4 = p q (q^3 + p^3) = 3/16 * 28/64 = 21/256.
    window = np.zeros((14, 14), dtype=np.float32)
    window[::2, ::2] = 1.0
    (row,) = first_order(window, np.array([[7.0, 7.0]]))
    assert named(row) == pytest.approx(
        {
            "minimum": 0,
            "maximum": 1,
            "quantile_10": 0,
            "quantile_90": 1,
            "mean": 0.25,
            "median": 0,
            "standard_deviation": 3**0.5 / 4,
            "energy": 49,
            "entropy": 2 - 0.75 * np.log2(3),
            "uniformity": 10 / 16,
            "skewness": 2 / 3**0.5,
            "kurtosis": 21 / 256 / (3 / 16) ** 2 - 3,
            "interquartile_range": 0.25,
            "range": 1,
            "mean_absolute_deviation": 3 / 8,
            "robust_mean_absolute_deviation": 3 / 8,
            "root_mean_square": 0.5,
        },
        rel=2e-7,
        abs=1e-8,
    )


def test_the_robust_deviation_leaves_the_extremes_out():
    # 0, 1, .. 195 thousandths: Q_0.10 = 19.5 and Q_0.90 = 175.5, within them 20 .. 175 about their mean 97.5, at
    # distances 0.5, 1.5 .. 77.5 to either side: 39 on average; without the limits 0.5 .. 97.5: 49.
    window = (np.random.default_rng(0).permutation(196).reshape(14, 14) / 1000).astype(np.float32)
    (row,) = first_order(window, np.array([[7.0, 7.0]]))
    assert named(row)["robust_mean_absolute_deviation"] == pytest.approx(0.039)
    assert named(row)["mean_absolute_deviation"] == pytest.approx(0.049)


@pytest.mark.parametrize(("step", "entropy", "uniformity"), [(1, np.log2(196), 1 / 196), (1 / 400, 0, 1)])
def test_entropy_tells_neighbouring_levels_of_12_bits_apart_and_no_finer(step, entropy, uniformity):
    window = ((2048 + step * (np.arange(196) - 98)) / 4095).astype(np.float32).reshape(14, 14)
    (row,) = first_order(window, np.array([[7.0, 7.0]]))
    assert named(row)["entropy"] == pytest.approx(entropy)
    assert named(row)["uniformity"] == pytest.approx(uniformity)


def test_where_a_grey_value_stands_in_the_window_does_not_matter():
    rng = np.random.default_rng(2)
    window = rng.random((14, 14), dtype=np.float32)
    shuffled = rng.permutation(window.ravel()).reshape(14, 14)
    middle = np.array([[7.0, 7.0]])
    np.testing.assert_array_equal(first_order(window, middle), first_order(shuffled, middle))


@pytest.mark.parametrize("value", [0.0, 0.7, 1.0])
def test_a_window_of_one_value_is_defined(value):
    (row,) = first_order(np.full((20, 20), value, dtype=np.float32), np.array([[10.0, 10.0]]))
    places = ("minimum", "maximum", "quantile_10", "quantile_90", "mean", "median", "root_mean_square")
    expected = dict.fromkeys(named(row), 0.0) | dict.fromkeys(places, value) | {"energy": 196 * value**2}
    assert named(row) == pytest.approx(expected | {"uniformity": 1.0}, rel=2e-7, abs=0)
