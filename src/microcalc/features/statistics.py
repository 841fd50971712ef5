"""Statistics of many small samples at once, one sample a row: what several families of features measure."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from microcalc.features.windows import blocks


def moments(values: NDArray[np.floating]) -> NDArray[np.float64]:
    """Mean, standard deviation, skewness and kurtosis of each sample.

    With m_k = sum (v_i - mean)^k / n over the values v_1 .. v_n of a sample: standard deviation sqrt(m_2), skewness
    m_3 / m_2^(3/2), kurtosis m_4 / m_2^2 - 3 (0 for a normal distribution); none is corrected for bias. Where all
    values are equal, skewness and kurtosis are undefined and given as 0, the normal distribution's.

    Args:
        values: (N, n).

    Returns:
        (N, 4).
    """
    return np.concatenate([_moments(values[block]) for block in blocks(len(values))])


def entropy_and_uniformity(values: NDArray[np.generic]) -> NDArray[np.float64]:
    """Entropy and uniformity of each sample's distinct values.

    With p_k the share of a sample that has its k-th distinct value: entropy -sum p_k log2 p_k in bits (0 where all n
    values are equal, log2 n where all differ), uniformity sum p_k^2 (1 where all are equal, 1 / n where all differ).

    Args:
        values: (N, n), each row sorted.

    Returns:
        (N, 2).
    """
    count, size = values.shape
    new = np.ones((count, size), dtype=bool)
    np.not_equal(values[:, 1:], values[:, :-1], out=new[:, 1:])
    runs = np.flatnonzero(new)
    length = np.diff(runs, append=count * size)
    first_run = np.searchsorted(runs, np.arange(count) * size)
    share = np.arange(1, size + 1) / size
    terms = np.stack([share * np.log2(1.0 / share), share**2], axis=1)
    return np.add.reduceat(terms[length - 1], first_run, axis=0)


def _moments(values: NDArray[np.floating]) -> NDArray[np.float64]:
    # Counted from its first value, a sample of equal values is all zeros, whatever rounding does to its mean.
    first = values[:, 0].astype(np.float64)
    relative = values - first[:, None]
    mean = relative.mean(axis=1)
    deviation = relative - mean[:, None]
    squared = deviation * deviation
    m2 = squared.mean(axis=1)
    m3 = np.einsum("ij,ij->i", squared, deviation) / values.shape[1]
    m4 = np.einsum("ij,ij->i", squared, squared) / values.shape[1]
    constant = m2 == 0.0
    spread = np.where(constant, 1.0, m2)
    kurtosis = np.where(constant, 0.0, m4 / spread**2 - 3.0)
    return np.stack([first + mean, np.sqrt(m2), m3 / spread**1.5, kurtosis], axis=1)
