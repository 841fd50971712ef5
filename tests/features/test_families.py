"""What every family of features keeps to."""

import numpy as np
import pytest

from microcalc.features import FAMILIES

#: Cortina Uribe et al., Table 1 and section 2.2.1.
COLUMNS = {"first_order": 17, "gabor": 30, "wavelet": 92, "haar": 28_643}

CENTRES = np.array([[20.0, 30.0], [0.0, 0.0], [44.0, 49.0]])


def test_the_papers_families_stand_in_its_order():
    assert list(FAMILIES) == list(COLUMNS)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_has_the_papers_number_of_columns_each_under_its_own_name(family):
    names, compute = FAMILIES[family]()
    features = compute(np.random.default_rng(0).random((50, 45), dtype=np.float32), CENTRES)
    assert features.shape == (3, COLUMNS[family])
    assert features.dtype == np.float32
    assert len(set(names)) == COLUMNS[family]


def test_no_name_stands_in_two_families():
    names = [name for family in FAMILIES.values() for name in family().names]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("value", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("family", FAMILIES)
def test_an_image_of_one_value_has_finite_features(family, value):
    features = FAMILIES[family]().compute(np.full((50, 45), value, dtype=np.float32), CENTRES)
    assert np.isfinite(features).all()


@pytest.mark.parametrize("family", FAMILIES)
def test_no_candidates_no_rows(family):
    features = FAMILIES[family]().compute(np.zeros((50, 45), dtype=np.float32), np.zeros((0, 2)))
    assert features.shape == (0, COLUMNS[family])


@pytest.mark.parametrize("family", FAMILIES)
def test_a_candidates_features_do_not_depend_on_the_others(family):
    image = np.random.default_rng(1).random((50, 45), dtype=np.float32)
    compute = FAMILIES[family]().compute
    together = compute(image, CENTRES)
    np.testing.assert_allclose(compute(image, CENTRES[1:2])[0], together[1], rtol=1e-4, atol=1e-4)
