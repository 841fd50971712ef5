"""Calibrations by the names that recipes have for them."""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from microcalc.evaluation.calibration import Isotonic, Platt
from microcalc.recipe import CalibrationMethod

#: Name -> fits it to labels (n,) and scores (n,) in 0..1.
CALIBRATIONS: dict[CalibrationMethod, Callable[[NDArray[np.bool_], NDArray[np.float64]], Isotonic | Platt]] = {
    "isotonic": Isotonic.fit,
    "centred-isotonic": functools.partial(Isotonic.fit, centred=True),
    "platt": Platt.fit,
}
