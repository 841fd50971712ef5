"""Families side by side."""

import numpy as np
import pytest

from microcalc.errors import UsageError
from microcalc.features import FAMILIES, feature_matrix, feature_names
from microcalc.features.haar import haar

IMAGE = np.random.default_rng(0).random((50, 45), dtype=np.float32)
CENTRES = np.array([[20.0, 30.0], [0.0, 0.0], [44.0, 49.0]])
CHOSEN = np.array([28_642, 0, 77])


def test_families_stand_in_the_order_asked_for():
    features = feature_matrix(IMAGE, CENTRES, ("gabor", "haar", "first_order"), CHOSEN)
    assert features.shape == (3, 30 + 3 + 17)
    assert features.dtype == np.float32
    np.testing.assert_array_equal(features[:, :30], FAMILIES["gabor"]().compute(IMAGE, CENTRES))
    np.testing.assert_array_equal(features[:, 30:33], haar(IMAGE, CENTRES, CHOSEN))
    np.testing.assert_array_equal(features[:, 33:], FAMILIES["first_order"]().compute(IMAGE, CENTRES))


def test_every_column_has_its_name():
    names = feature_names(("gabor", "haar", "first_order"), CHOSEN)
    every = FAMILIES["haar"]().names
    assert names[:30] == FAMILIES["gabor"]().names
    assert names[30:33] == tuple(every[index] for index in CHOSEN)
    assert names[33:] == FAMILIES["first_order"]().names


def test_no_candidates_no_rows():
    assert feature_matrix(IMAGE, np.empty((0, 2)), ("first_order", "haar"), CHOSEN).shape == (0, 20)


@pytest.mark.parametrize(
    ("families", "chosen", "says"),
    [
        (("first_order", "shape"), None, r"out of first_order, gabor, wavelet, haar, found 'first_order', 'shape'"),
        ((), None, "found none"),
        (("haar",), None, "haar without chosen prototypes"),
        (("gabor",), CHOSEN, "gabor with chosen prototypes"),
        (("haar",), np.array([28_643]), "0 to 28642"),
    ],
)
def test_a_wrong_call(families, chosen, says):
    with pytest.raises(UsageError, match=says):
        feature_names(families, chosen)
    with pytest.raises(UsageError, match=says):
        feature_matrix(IMAGE, CENTRES, families, chosen)
