"""Hessian conditions on maxima of a difference of Gaussians: Cortina Uribe et al., section 2.1.3.

On top of a bright spot the surface bends down in every direction, on a ridge in one only: the eigenvalues of the
Hessian matrix tell them apart. Three conditions on them:

- *Trace and determinant* (Equation 1, after Marasinou et al. 2021): tr < 0, and det < 0 or |det| / tr^2 <= 1.4. Where
  det >= 0 the fraction never exceeds 0.25, since (a + b)^2 >= 4ab for any eigenvalues a and b: as printed, nothing but
  tr < 0 acts. So it stands here.
- *Roundness*: Equation 1 with a threshold that acts. The printed fraction is turned over and scaled to 1 at a round
  spot: tr < 0, det > 0 and tr^2 / (4 det) <= 1.4, so that one eigenvalue may be 3.3 times the other.
- *Eigenvalue product* (Equations 2 and 3, after Muthuvel et al. 2017): each eigenvalue times that of the next scale
  reaches the largest such product over a divider.

Where the paper is silent: second derivatives are central differences of central differences, as in scikit-image.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

#: How far the Hessian matrix of a pixel reaches.
REACH = 2
#: Row and column offsets of the pixels it is made of, and their weights in its elements xx, xy, yy.
_OFFSETS = np.array([(0, -2), (0, 0), (0, 2), (-2, 0), (2, 0), (-1, -1), (-1, 1), (1, -1), (1, 1)])
_WEIGHTS = (
    np.array(
        [
            [1, -2, 1, 0, 0, 0, 0, 0, 0],
            [0, 0, 0, 0, 0, 1, -1, -1, 1],
            [0, -2, 0, 1, 1, 0, 0, 0, 0],
        ],
        np.float32,
    )
    / 4
)


def hessian_eigenvalues(image: NDArray[np.float32], at: NDArray[np.intp]) -> NDArray[np.float64]:
    """Eigenvalues of the Hessian matrix at some pixels.

    Args:
        image: (rows, columns).
        at: (N,) flat indices of pixels at least ``REACH`` away from the edges.

    Returns:
        (N, 2) in units of the image per pixel squared, the larger first.
    """
    xx, xy, yy = _WEIGHTS @ neighbours(image, at, _OFFSETS).T
    mean, spread = (xx + yy) / 2, np.hypot((xx - yy) / 2, xy)
    return np.stack([mean + spread, mean - spread], axis=1).astype(np.float64)


def neighbours(image: NDArray[np.float32], at: NDArray[np.intp], offsets: NDArray[np.intp]) -> NDArray[np.float32]:
    """(N, K) values at K offsets (row, column) from N pixels (flat indices)."""
    flat = offsets @ (image.shape[1], 1)
    return np.take(image, at[:, None] + flat)


def meets_trace_determinant(eigenvalues: NDArray[np.float64], threshold: float) -> NDArray[np.bool_]:
    """(N,) whether eigenvalues (N, 2) meet Equation 1 as printed; at a threshold of 0.25 or more, whether tr < 0."""
    trace, determinant = _trace_and_determinant(eigenvalues)
    return (trace < 0) & ((determinant < 0) | (np.abs(determinant) <= threshold * trace**2))


def meets_roundness(eigenvalues: NDArray[np.float64], threshold: float) -> NDArray[np.bool_]:
    """(N,) whether both eigenvalues (N, 2) are negative and tr^2 / (4 det), 1 at a round spot, is at most that."""
    trace, determinant = _trace_and_determinant(eigenvalues)
    return (trace < 0) & (determinant > 0) & (trace**2 <= 4.0 * threshold * determinant)


def meets_eigenvalue_product(
    products: NDArray[np.float64], largest: NDArray[np.float64], divider: float
) -> NDArray[np.bool_]:
    """(N,) whether both products P_k (N, 2) reach T_k, the largest P_k (N, 2) at their scale over the divider."""
    meets: NDArray[np.bool_] = np.all(products >= largest / divider, axis=1)
    return meets


def _trace_and_determinant(eigenvalues: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    larger, smaller = np.moveaxis(eigenvalues, -1, 0)
    return larger + smaller, larger * smaller
