import numpy as np
import pytest

from microcalc.training.measure import MeasuredPool


@pytest.fixture(scope="module")
def metrics(toy_pool):
    pool = toy_pool(patients=8, hits=4, false=10)
    perfect = [np.where(one.labels, 0.9, 0.1) for one in pool.samples]
    blind = [np.full(len(one.labels), 0.5) for one in pool.samples]
    rows = MeasuredPool.of(pool, "test", "toys", {"blind": blind, "perfect": perfect}, seed=0).metrics(
        [("perfect", "blind")]
    )
    return {row.measure: row for row in rows}


def test_numbers_by_hand(metrics):
    # 8 images of 4 hits, every one among 10 false marks: all scores equal give an AUROC of 1/2.
    assert metrics["AUROC, blind"].value == pytest.approx(0.5)
    assert metrics["AUROC, perfect"].value == metrics["AUPRC, perfect"].value == 1.0
    # All marks enter at once, with 10 false ones an image: nothing before, everything from there to 50.
    assert metrics["AUC50, blind"].value == pytest.approx(0.8)
    assert metrics["AUC50, perfect"].value == pytest.approx(1.0)
    assert metrics["AUC50, perfect minus blind"].value == pytest.approx(0.2)
    assert metrics["sensitivity at 0.5 FP, perfect"].value == 1.0
    assert metrics["sensitivity at 0.5 FP, blind"].value == 0.0


def test_a_difference_that_all_patients_share_has_an_interval_of_no_width(metrics):
    row = metrics["AUC50, perfect minus blind"]
    assert (row.low, row.high) == pytest.approx((0.2, 0.2))
    assert (row.n, row.level, row.rule, row.split, row.data) == (32, "calcification", "disc14", "test", "toys")
    assert metrics["AUROC, blind"].low is None
    assert "not resampled" in metrics["AUROC, blind"].remark


def test_an_interval_is_not_stretched_to_its_value(toy_pool):
    pool = toy_pool()
    made = MeasuredPool.of(pool, "test", "toys", {"a": [s.proposed for s in pool.samples]}, seed=0)._metric(
        "AUC50, a", 0.5, (0.6, 0.7), 9
    )
    assert (made.value, made.low, made.high) == (0.5, 0.6, 0.7)


def test_bands_of_snr_stand_by_themselves(metrics):
    # Lesions have an SNR of 4 and 7 in turn.
    assert metrics["AUC50, perfect, SNR 3 to 5"].n == 16
    assert metrics["AUC50, perfect minus blind, SNR 5 to 8"].value == pytest.approx(0.2)


def test_one_patient_has_no_interval(toy_pool):
    pool = toy_pool(patients=2)
    pool = type(pool)(pool.records[1:3], pool.samples[1:3], pool.families)  # one image of each
    one = tuple(type(r)(r.path, r.truth.model_copy(update={"patient": "same"})) for r in pool.records)
    pool = type(pool)(one, pool.samples, pool.families)
    rows = MeasuredPool.of(pool, "validation", "toys", {"a": [s.proposed for s in pool.samples]}, 0, "chosen").metrics(
        []
    )
    row = next(row for row in rows if row.measure == "AUC50, a")
    assert (row.low, row.high) == (None, None)
    assert row.remark == "no interval: too few patients; chosen"
