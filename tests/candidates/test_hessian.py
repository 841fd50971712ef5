"""Hessian matrices and the conditions on them, by hand and against NumPy and scikit-image."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.feature import hessian_matrix_eigvals

from microcalc.candidates.hessian import (
    REACH,
    hessian_eigenvalues,
    meets_eigenvalue_product,
    meets_roundness,
    meets_trace_determinant,
)

bends = st.floats(-10, 10, width=32)


def test_eigenvalues_of_a_tilted_paraboloid():
    """-3 u^2 - v^2 along the diagonals u = (x + y) / sqrt 2 and v = (y - x) / sqrt 2 bends by -6 and -2, anywhere."""
    y, x = np.mgrid[:9.0, :11.0] - 4
    image = (-3 * (x + y) ** 2 / 2 - (y - x) ** 2 / 2).astype(np.float32)
    at = np.array([2 * 11 + 2, 4 * 11 + 5, 6 * 11 + 8])
    np.testing.assert_allclose(hessian_eigenvalues(image, at), [(-2, -6)] * 3, rtol=1e-6)


def test_eigenvalues_are_those_of_numpy_and_scikit_image():
    image = np.random.default_rng(0).normal(size=(30, 40)).astype(np.float32)
    inner = np.zeros(image.shape, bool)
    inner[REACH:-REACH, REACH:-REACH] = True
    down, right = np.gradient(image.astype(np.float64))
    elements = np.gradient(down, axis=0), np.gradient(down, axis=1), np.gradient(right, axis=1)
    expected = hessian_matrix_eigvals(elements)[:, inner].T  # the larger first
    np.testing.assert_allclose(hessian_eigenvalues(image, np.flatnonzero(inner)), expected, atol=2e-6)


@settings(max_examples=50, deadline=None)
@given(bends, bends)
def test_equation_1_as_printed_asks_for_a_negative_trace_only(a, b):
    assert meets_trace_determinant(np.array([[a, b]]), threshold=1.4)[0] == (a + b < 0)


def test_equation_1_acts_below_a_quarter():
    """det / tr^2: (-1, -1) 1/4, (-1, -3) 3/16, (-1, -9) 9/100; det < 0 always passes; tr > 0 never does."""
    eigenvalues = np.array([(-1, -1), (-1, -3), (-1, -9), (1, -9), (9, -1)], float)
    np.testing.assert_array_equal(meets_trace_determinant(eigenvalues, 0.2), [False, True, True, True, False])


def test_roundness_lets_eigenvalues_differ_by_a_factor_of_three_point_three():
    """(1 + e)^2 / 4e: 1 at e = 1; 4.29^2 / 13.16 = 1.3985 at 3.29; 4.31^2 / 13.24 = 1.4030 at 3.31."""
    eigenvalues = np.array([(-1, -1), (-1, -3.29), (-1, -3.31), (-0.1, -9), (0, -1), (1, -9), (9, 1)])
    meets = meets_roundness(eigenvalues, 1.4)
    np.testing.assert_array_equal(meets, [True, True, False, False, False, False, False])


@settings(max_examples=50, deadline=None)
@given(bends, bends, st.floats(1e-3, 1e3))
def test_roundness_hangs_on_shape_alone(a, b, gain):
    plain, amplified = meets_roundness(np.array([(a, b), (gain * a, gain * b)]), 2.0)
    # Only where the bends are far from the limit (5.83 : 1): rounding decides at it.
    ratio = max(abs(a), abs(b)) / max(min(abs(a), abs(b)), 1e-9)
    assert plain == amplified or ratio == pytest.approx(3 + 2 * np.sqrt(2), rel=1e-6)


def test_both_products_must_reach_their_part_of_the_largest():
    """T = (6, 3) / 3 = (2, 1)."""
    products = np.array([(2, 1), (1.9, 3), (6, 0.9), (6, 3), (-6, 3)])
    largest = np.broadcast_to([6.0, 3.0], products.shape)
    np.testing.assert_array_equal(meets_eigenvalue_product(products, largest, 3.0), [True, False, False, True, False])
