"""Numbers of the proposers, on sets worked by hand and against loops over resamples."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microcalc.benchmark.records import Proposed
from microcalc.benchmark.summary import seconds_of, summarise, unit_of
from microcalc.datasets import Record, Table
from microcalc.evaluation.bootstrap import resample
from microcalc.findings import Failure


def summary(images, truths, failed=(), draws=200):
    proposed = Proposed(proposers=("hdog",), rule="disc14", images=tuple(images), failed=tuple(failed))
    table = Table(Record(Path(truth.path), truth) for truth in truths)
    return summarise(proposed, table, draws=draws, seed=0)


@pytest.fixture(scope="module")
def scene(outcome, proposed, image_truth):
    """Four images, each of a patient of its own: two with lesions found, one with lesions missed, one normal."""
    images = (
        proposed("a", hdog=outcome((True, True, True, False), 6)),
        proposed("b", hdog=outcome((True,), 8)),
        proposed("c", hdog=outcome((), 5)),
        proposed("d", hdog=outcome((False, False), 3)),
    )
    truths = tuple(
        image_truth(image.path, len(image.lesions), patient=f"p-{image.path}", spacing_mm=(0.07, 0.07))
        for image in images
    )
    return images, truths


@pytest.fixture(scope="module")
def hdog(scene):
    return summary(*scene).proposers[0]


class TestByHand:
    def test_recall_is_of_all_lesions(self, hdog):
        assert (hdog.recall.value, hdog.recall.n) == (4 / 7, 7)

    def test_sensitivity_is_a_mean_over_images_with_a_lesion(self, hdog):
        assert hdog.sensitivity.value == pytest.approx((3 / 4 + 1 + 0) / 3)
        assert hdog.sensitivity.n == 3

    def test_false_positives_per_true_one_are_of_images_with_one(self, hdog):
        # 6 / 3 = 2 on a, 8 / 1 = 8 on b; not defined on d.
        assert (hdog.fp_per_tp.value, hdog.fp_per_tp.n) == (5.0, 2)
        assert hdog.fp_per_tp_median.value == 5.0
        assert hdog.none_found == 1

    def test_means_over_normal_and_over_all_images(self, hdog):
        assert (hdog.fp_per_normal_image.value, hdog.fp_per_normal_image.n) == (5.0, 1)
        assert hdog.candidates.value == (9 + 9 + 5 + 3) / 4
        assert hdog.covered.value == pytest.approx(0.1)

    def test_what_comes_from_one_patient_has_no_interval(self, hdog):
        assert hdog.fp_per_normal_image.low is None
        assert hdog.fp_per_normal_image.remark == "no interval: all normal images are of one patient"
        assert hdog.recall.low is not None

    def test_the_set(self, scene):
        it = summary(*scene, failed=[Failure(path="e", reason="broken")])
        assert (it.images, it.lesions, it.normal_images, it.patients, it.resample) == (4, 7, 1, 4, "patient")
        assert it.remarks == (
            "Intervals rest on 1 patient with normal images only: rough, where there are any.",
            "1 image could not be processed, and counted for no proposer.",
        )


def test_nothing_found_anywhere_is_not_defined_rather_than_zero(outcome, proposed, image_truth):
    images = [proposed(name, hdog=outcome((False,), 4)) for name in "ab"]
    truths = [image_truth(name, 1, patient=name) for name in "ab"]
    (hdog,) = summary(images, truths).proposers
    assert hdog.recall.value == 0.0
    for number, why in (
        (hdog.fp_per_tp, "no images with a lesion found"),
        (hdog.fp_per_tp_median, "no images with a lesion found"),
        (hdog.fp_per_normal_image, "no normal images"),
    ):
        assert (number.value, number.low, number.remark) == (None, None, why)


def test_recall_by_snr_and_by_size(outcome, proposed, image_truth):
    # SNR 4 and 4.5: one of two found; SNR 9: found. Diameters of 0.2 and 0.3 mm: one of two, and one of one.
    truth = image_truth("a", 3, patient="p", spacing_mm=(0.07, 0.07))
    known = zip(truth.calcifications, (4.0, 9.0, 4.5), (0.2, 0.2, 0.3), strict=True)
    marks = tuple(mark.model_copy(update={"snr": snr, "diameter_mm": mm}) for mark, snr, mm in known)
    truth = truth.model_copy(update={"calcifications": marks})
    image = proposed("a", hdog=outcome((False, True, True), 0))
    (hdog,) = summary([image], [truth]).proposers
    assert {(part.by, part.name): (part.recall.value, part.recall.n) for part in hdog.recall_by} == {
        ("snr", "3 to 5"): (0.5, 2),
        ("snr", "8 to 12"): (1.0, 1),
        ("size", "below 0.25 mm"): (0.5, 2),
        ("size", "0.25 to 0.5 mm"): (1.0, 1),
    }


def test_images_are_drawn_where_a_patient_is_not_named(outcome, proposed, image_truth):
    truths = [image_truth("a", 1, patient="p"), image_truth("b", 1), image_truth("c", patient="p")]
    images = [proposed(truth.path, hdog=outcome((True,) * len(truth.calcifications), 1)) for truth in truths]
    it = summary(images, truths)
    assert (it.resample, it.patients) == ("image", None)
    assert any("too narrow" in remark for remark in it.remarks)
    assert unit_of(truths[:1]) == "patient"


def test_seconds():
    assert seconds_of([1.0, 2.0, 3.0, 4.0, 15.0]).median == 3.0
    # Between the fourth and the fifth of five, 0.6 of the way: 0.9 * 4 = 3.6.
    assert seconds_of([1.0, 2.0, 3.0, 4.0, 15.0]).ninetieth == pytest.approx(4 + 0.6 * 11)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 4), st.integers(0, 9), st.sampled_from("pqr")), min_size=2))
@settings(max_examples=50, deadline=None)
def test_intervals_are_those_of_images_taken_as_often_as_their_patient_is_drawn(outcome, proposed, image_truth, drawn):
    images, truths = [], []
    for i, (hits, misses, false, patient) in enumerate(drawn):
        found = (True,) * hits + (False,) * misses
        images.append(proposed(f"{i}", hdog=outcome(found, false)))
        truths.append(image_truth(f"{i}", len(found), patient=patient))
    (hdog,) = summary(images, truths, draws=20).proposers
    resamples = resample(truths, draws=20)
    every = [
        [drawn[i] for i in range(len(drawn)) for _ in range(int(weights[resamples.owner[i]]))]
        for weights in resamples.weights
    ]
    check(hdog.recall, [share(h, h + m) for h, m in ((sum(o[0] for o in d), sum(o[1] for o in d)) for d in every)])
    per_hit = [[false / hits for hits, _, false, _ in draw if hits] for draw in every]
    check(hdog.fp_per_tp, [np.mean(values) if values else np.nan for values in per_hit])
    check(hdog.fp_per_tp_median, [np.median(values) if values else np.nan for values in per_hit])


def share(part, whole):
    return part / whole if whole else np.nan


def check(estimate, draws):
    """The interval, where there is one, is the middle 95 % of the draws on which the number is defined."""
    if estimate.low is not None:
        low, high = np.nanquantile(draws, (0.025, 0.975))
        assert (estimate.low, estimate.high) == (pytest.approx(low), pytest.approx(high))
