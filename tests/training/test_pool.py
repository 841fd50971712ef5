import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microcalc.errors import UsageError
from microcalc.features.haar import haar
from microcalc.training.pool import columns, downsample, patient_folds

HAAR = np.array([3, 20000, 28000])


def test_downsampling_keeps_all_hits_and_so_many_false_ones():
    labels = np.zeros(100, bool)
    labels[[3, 70]] = True
    rows = downsample(labels, 10, np.random.default_rng(0))
    assert len(rows) == 22  # 2 hits and 10 false ones each
    assert {3, 70} <= set(rows.tolist())
    assert (np.diff(rows) > 0).all()
    assert (downsample(labels, 10, np.random.default_rng(0)) == rows).all()
    assert (downsample(labels, 10, np.random.default_rng(1)) != rows).any()


def test_downsampling_takes_all_where_there_are_few():
    assert downsample(np.array([True, False, False]), 10, np.random.default_rng(0)).tolist() == [0, 1, 2]


@pytest.mark.parametrize("labels", [[True, True], [False], []])
def test_nothing_can_be_learnt_from_one_class(labels):
    with pytest.raises(UsageError, match="true and false candidates"):
        downsample(np.array(labels, bool), 10, np.random.default_rng(0))


@settings(max_examples=50, deadline=None)
@given(st.integers(2, 5), st.integers(0, 10), st.integers(0, 30), st.integers(0, 1000))
def test_folds_never_part_a_patient_and_share_out_the_hits(folds, more, normal, seed):
    with_hits = folds + more
    patients = np.random.default_rng(seed).permutation(np.repeat(np.arange(with_hits + normal), 3))
    labels = patients < with_hits
    fold = patient_folds(patients, labels, folds, seed)
    assert all(np.unique(fold[patients == patient]).size == 1 for patient in np.unique(patients))
    dealt = [np.unique(patients[labels & (fold == one)]).size for one in range(folds)]
    assert max(dealt) - min(dealt) <= 1
    assert min(dealt) >= 1


def test_more_folds_than_patients_with_hits_are_refused():
    with pytest.raises(UsageError, match="at least 3 patients"):
        patient_folds(np.array([0, 1, 2]), np.array([True, True, False]), 3, 0)


def test_rows_are_the_candidates_that_count(toy_pool):
    pool = toy_pool(patients=2, hits=2, false=3)
    pool.samples[0].kinds[1] = 2  # a duplicate, on the first image
    again = toy_pool(patients=2, hits=2, false=3)
    assert len(again) == 16  # images of 5, 5, 3 and 3
    fresh = type(pool)(pool.records, pool.samples, pool.families)
    assert len(fresh) == 15
    assert fresh.image.tolist() == [0] * 4 + [1] * 5 + [2] * 3 + [3] * 3
    assert fresh.labels.nonzero()[0].tolist() == [0, 4, 5]
    assert np.unique(fresh.patient[fresh.image < 2]).size == 1


def test_features_of_rows_are_those_of_their_windows(toy_pool):
    pool = toy_pool(patients=2, hits=2, false=3)
    rows = np.array([1, 6, 15])  # the second candidate of image 0 and of image 1, the last of image 3
    seen = pool.features(rows, HAAR)
    where = [(0, 1), (1, 1), (3, 2)]
    for row, (image, candidate) in zip(seen, where, strict=True):
        window = pool.samples[image].windows[candidate]
        np.testing.assert_array_equal(row[:17], pool.samples[image].plain[candidate])
        np.testing.assert_allclose(row[17:], haar(window, np.array([[7.0, 7.0]]), HAAR)[0], atol=1e-5)
    np.testing.assert_array_equal(pool.windows(rows)[2], pool.samples[3].windows[2])


def test_each_family_has_its_columns():
    assert columns(("haar", "first_order"), HAAR) == {
        "haar": slice(0, 3),
        "first_order": slice(3, 20),
        "all": slice(0, 20),
    }


def test_scores_of_images_come_down_to_those_of_rows(toy_pool):
    pool = toy_pool(patients=1, hits=1, false=2)
    pool.samples[0].kinds[2] = 3  # ignored
    fresh = type(pool)(pool.records, pool.samples, pool.families)
    scores = fresh.scores(HAAR, {"first": lambda features: features[:, 0]})["first"]
    assert [len(of) for of in scores] == [3, 3]
    expected = [*fresh.samples[0].plain[:2, 0], *fresh.samples[1].plain[:, 0]]
    np.testing.assert_allclose(fresh.of_rows(scores), expected)


def test_an_image_without_candidates_has_no_scores(toy_pool, toy_samples):
    pool = toy_pool(patients=1)
    empty = toy_samples(0, 0, np.random.default_rng(0))
    fresh = type(pool)(pool.records, (pool.samples[0], empty), pool.families)
    scores = fresh.scores(HAAR, {"sum": lambda features: features.sum(axis=1)})["sum"]
    assert [len(of) for of in scores] == [35, 0]
    assert len(fresh) == 35
