"""First-order statistics: 17 numbers from the grey values of a candidate's window, wherever in it they stand.

Cortina Uribe et al., section 2.2.1, Table 1, in its order. With the n = 196 grey values v_i of the window, Q_q their
q-quantile (linear between sorted neighbours), and p_k the share of them on the k-th grey level:

| index | name | formula |
|---|---|---|
| 0 | `minimum` | min v_i |
| 1 | `maximum` | max v_i |
| 2 | `quantile_10` | Q_0.10 |
| 3 | `quantile_90` | Q_0.90 |
| 4 | `mean` | sum v_i / n |
| 5 | `median` | Q_0.50 |
| 6 | `standard_deviation` | sqrt(m_2), where m_k = sum (v_i - mean)^k / n |
| 7 | `energy` | sum v_i^2 |
| 8 | `entropy` | -sum p_k log2 p_k |
| 9 | `uniformity` | sum p_k^2 |
| 10 | `skewness` | m_3 / m_2^(3/2) |
| 11 | `kurtosis` | m_4 / m_2^2 - 3 |
| 12 | `interquartile_range` | Q_0.75 - Q_0.25 |
| 13 | `range` | max v_i - min v_i |
| 14 | `mean_absolute_deviation` | sum abs(v_i - mean) / n |
| 15 | `robust_mean_absolute_deviation` | the same of those v_i within Q_0.10 .. Q_0.90, about their own mean |
| 16 | `root_mean_square` | sqrt(sum v_i^2 / n) |

The paper names the statistics and leaves the formulas open; these are those of its public code, but for the grey
levels. There every distinct value of a window is a level, which in an image resampled to 0.07 mm would tell all pixels
apart. Here 0..1 is cut into 4096 levels, the 12 bits of the INbreast images the code was written for.

In a window of one value, what measures spread is 0, skewness and kurtosis (undefined) are 0 too, and uniformity is 1.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from microcalc.features.statistics import entropy_and_uniformity, moments
from microcalc.features.windows import SIDE, blocks, windows

NAMES = (
    "first_order_minimum",
    "first_order_maximum",
    "first_order_quantile_10",
    "first_order_quantile_90",
    "first_order_mean",
    "first_order_median",
    "first_order_standard_deviation",
    "first_order_energy",
    "first_order_entropy",
    "first_order_uniformity",
    "first_order_skewness",
    "first_order_kurtosis",
    "first_order_interquartile_range",
    "first_order_range",
    "first_order_mean_absolute_deviation",
    "first_order_robust_mean_absolute_deviation",
    "first_order_root_mean_square",
)
#: Grey levels that 0..1 is cut into for entropy and uniformity.
LEVELS = 4096


def first_order(image: NDArray[np.float32], centres: NDArray[np.float64]) -> NDArray[np.float32]:
    """First-order statistics of every candidate's window.

    Args:
        image: (rows, columns) in 0..1, at 0.07 mm.
        centres: (N, 2) x, y in pixels of the image.

    Returns:
        (N, 17), columns as :data:`NAMES`.

    Raises:
        UsageError: the image is smaller than a window, or a centre lies outside the image.
    """
    values = np.sort(windows(image, centres).reshape(len(centres), SIDE * SIDE), axis=1)
    return np.concatenate([_statistics(values[block].astype(np.float64)) for block in blocks(len(values))])


def _statistics(values: NDArray[np.float64]) -> NDArray[np.float32]:
    """The 17 statistics of samples (N, n) whose rows are sorted."""
    low, quarter, median, three_quarters, high = _quantiles(values, (0.10, 0.25, 0.50, 0.75, 0.90))
    mean, deviation, skewness, kurtosis = moments(values).T
    entropy, uniformity = entropy_and_uniformity(np.rint(values * (LEVELS - 1))).T
    energy = np.einsum("ij,ij->i", values, values)
    middle = (values >= low[:, None]) & (values <= high[:, None])
    columns = [
        values[:, 0],
        values[:, -1],
        low,
        high,
        mean,
        median,
        deviation,
        energy,
        entropy,
        uniformity,
        skewness,
        kurtosis,
        three_quarters - quarter,
        values[:, -1] - values[:, 0],
        _mean_absolute_deviation(values, np.ones_like(middle)),
        _mean_absolute_deviation(values, middle),
        np.sqrt(energy / values.shape[1]),
    ]
    return np.stack(columns, axis=1).astype(np.float32)


def _quantiles(values: NDArray[np.float64], shares: tuple[float, ...]) -> NDArray[np.float64]:
    """(len(shares), N) quantiles of sorted rows, linear between neighbours."""
    place = np.array(shares) * (values.shape[1] - 1)
    below = place.astype(np.intp)
    left = values[:, below]
    quantiles: NDArray[np.float64] = left + (values[:, below + 1] - left) * (place - below)
    return quantiles.T


def _mean_absolute_deviation(values: NDArray[np.float64], counted: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Mean distance of each row's counted values from their own mean."""
    mean = np.mean(values, axis=1, keepdims=True, where=counted)
    deviation: NDArray[np.float64] = np.mean(np.abs(values - mean), axis=1, where=counted)
    return deviation
