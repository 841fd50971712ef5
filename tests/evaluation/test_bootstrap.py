"""The bootstrap on cases worked by hand, against explicit copies of the images, and its coverage."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microcalc.errors import UsageError
from microcalc.evaluation import bootstrap
from microcalc.evaluation.bootstrap import compare, froc_draws, interval, resample
from microcalc.evaluation.froc import POINTS, froc
from microcalc.truth import ImageTruth

MISS = -np.inf


def truths(*patients):
    return [ImageTruth(path=f"{number}.png", patient=patient) for number, patient in enumerate(patients)]


def draws_of(images, *, unit="patient", draws=200, seed=0, accept_split=False, **options):
    resamples = resample(
        [image.truth for image in images], unit=unit, draws=draws, seed=seed, accept_split=accept_split
    )
    return froc_draws(images, resamples, **options)


@pytest.fixture(scope="session")
def patient(lesion_image, normal_image):
    """Builds a patient of one image with a lesion and one normal image."""

    def build(name, best, *false):
        return [
            lesion_image(best, path=f"{name}1", patient=name, area=50.0),
            normal_image(*false, path=f"{name}2", patient=name, area=50.0),
        ]

    return build


@settings(max_examples=50, deadline=None)
@given(names=st.lists(st.sampled_from("abcdef"), min_size=2, max_size=20), unit=st.sampled_from(["patient", "image"]))
def test_as_many_units_are_drawn_as_there_are(names, unit):
    resamples = resample(truths(*names), unit=unit, draws=20, accept_split=True)
    units = len(set(names)) if unit == "patient" else len(names)
    assert resamples.weights.shape == (20, units)
    assert (resamples.weights.sum(axis=1) == (units if units > 1 else 0)).all()
    # Images of one patient share their unit, others never do.
    same = np.equal.outer(names, names) if unit == "patient" else np.eye(len(names), dtype=bool)
    assert (np.equal.outer(resamples.owner, resamples.owner) == same).all()


def test_the_draws_follow_the_seed_and_not_the_order_of_the_images():
    images = truths("a", "b", "b", "c")
    first, again, turned = resample(images, seed=1), resample(images, seed=1), resample(images[::-1], seed=1)
    assert (first.weights == again.weights).all()
    assert (first.weights[:, first.owner] == turned.weights[:, turned.owner][:, ::-1]).all()
    assert (first.weights != resample(images, seed=2).weights).any()


def test_patients_are_drawn_with_all_their_images(patient):
    # AUC50 is 1, a half or 0 as the first patient is drawn twice, once or never: with odds 1, 2, 1 in 4.
    area = draws_of([*patient("a", 0.5), *patient("b", MISS)], draws=1000).area
    assert [np.mean(area == value) for value in (1, 0.5, 0)] == pytest.approx([0.25, 0.5, 0.25], abs=0.05)
    assert interval(area) == (0, 1)
    assert interval(area, confidence=0.4) == (0.5, 0.5)


@pytest.mark.parametrize("per", ["image", "cm2", "legacy"])
@pytest.mark.parametrize("level", ["calcification", "image", "breast", "patient"])
def test_a_draw_is_the_curve_of_copies_of_the_images(lesion_image, normal_image, level, per):
    rng = np.random.default_rng(0)
    images = []
    for name in "abcdef":
        # The best lesion of each patient beats every false positive: the legacy curve, which has the thresholds of the
        # whole set in every draw, as in the public code, then begins at the same point.
        best = np.append(np.where(rng.random(3) < 0.3, MISS, rng.integers(1, 9, 3) / 9), 1.0)
        false = rng.integers(1, 9, 2) / 9
        images.append(lesion_image(*best, path=f"{name}1", patient=name, false=rng.random(1), area=40.0))
        images.append(lesion_image(best[0], path=f"{name}2", patient=name, area=50.0))
        images.append(normal_image(*false, path=f"{name}3", patient=name, side="R", area=60.0))
    resamples = resample([image.truth for image in images], draws=8)
    drawn = froc_draws(images, resamples, level=level, per=per)
    for draw, weights in enumerate(resamples.weights[:, resamples.owner]):
        copies = [
            lesion_image(*image.best, false=image.false_positives, area=image.breast_area_cm2, **named)
            if not image.normal
            else normal_image(*image.false_positives, area=image.breast_area_cm2, **named)
            for image, weight in zip(images, weights, strict=True)
            for copy in range(int(weight))
            for named in [{"path": f"{image.truth.path}{copy}", "patient": f"{image.patient}{copy}"}]
        ]
        curve = froc(copies, level=level, per=per)
        assert drawn.area[draw] == pytest.approx(curve.area)
        assert drawn.sensitivity[draw] == pytest.approx([curve.sensitivity_at(point) for point in POINTS[per]])


def test_the_band_is_the_interval_at_each_number_of_false_positives(patient):
    drawn = draws_of([*patient("a", 0.5, 0.6), *patient("b", MISS), *patient("c", 0.4, 0.9)])
    assert (drawn.grid[0], drawn.grid[-1]) == (0, 50)
    assert (np.diff(drawn.grid) > 0).all()
    assert (np.diff(drawn.low) >= 0).all()
    assert (np.diff(drawn.high) >= 0).all()
    at_two = int(np.searchsorted(drawn.grid, 2))
    assert (drawn.low[at_two], drawn.high[at_two]) == interval(drawn.sensitivity[:, POINTS["image"].index(2)])


def test_how_draws_are_split_up_changes_nothing(patient, monkeypatch):
    images = [part for name in "abcd" for part in patient(name, 0.5 if name < "c" else MISS, 0.3, 0.7)]
    for unit in ("patient", "detection"):
        whole = draws_of(images, unit=unit, accept_split=True)
        monkeypatch.setattr(bootstrap, "_CELLS", 100)
        parts = draws_of(images, unit=unit, accept_split=True)
        monkeypatch.undo()
        assert (whole.area == parts.area).all()
        assert (whole.low == parts.low).all()


def test_draws_without_a_curve_are_left_out(lesion_image, normal_image):
    # Of two patients, one with the lesion and one with the normal image, only the draws with both have a curve.
    drawn = draws_of([lesion_image(0.5, path="1", patient="a"), normal_image(0.7, path="2", patient="b")])
    assert np.isnan(drawn.area).mean() == pytest.approx(0.5, abs=0.1)
    assert (np.isnan(drawn.area) == np.isnan(drawn.sensitivity[:, 0])).all()
    assert interval(drawn.area) == pytest.approx((49 / 50, 49 / 50))
    assert drawn.low[-1] == drawn.high[-1] == 1


def test_of_one_patient_alone_nothing_is_told(patient):
    drawn = draws_of(patient("a", 0.5))
    assert np.isnan(drawn.area).all()
    assert np.isnan(interval(drawn.area)).all()
    assert np.isnan([*drawn.low, *drawn.high]).all()


def test_detections_are_drawn_by_kind(lesion_image, normal_image):
    # Two lesions, one of them found: 1, a half or 0 with odds 1, 2, 1. One false positive on one normal image: there in
    # every draw, so that the lesion, which scores less, comes after it.
    images = [lesion_image(0.5, MISS, path="1"), normal_image(0.7, path="2"), lesion_image(false=[0.9], path="3")]
    drawn = draws_of(images, unit="detection", draws=1000, accept_split=True)
    assert set(drawn.sensitivity[:, 0]) == {0}
    assert [np.mean(drawn.sensitivity[:, 1] == s) for s in (1, 0.5, 0)] == pytest.approx([0.25, 0.5, 0.25], abs=0.05)
    # Of two false positives, 0.8 and 0.2, none, one or both that are drawn score above the lesion.
    images = [lesion_image(0.5, path="1"), normal_image(0.8, 0.2, path="2")]
    area = draws_of(images, unit="detection", draws=1000, accept_split=True).area * 50
    assert [np.mean(area == a) for a in (50, 49, 48)] == pytest.approx([0.25, 0.5, 0.25], abs=0.05)


def test_detections_are_drawn_by_the_seed(lesion_image, normal_image):
    images = [lesion_image(0.5, MISS, 0.3, 0.2, path="1"), normal_image(0.7, 0.4, 0.1, path="2")]
    first, again, other = (draws_of(images, unit="detection", accept_split=True, seed=s).area for s in (1, 1, 2))
    assert (first == again).all()
    assert (first != other).any()


def test_images_are_those_of_the_resamples(lesion_image, normal_image):
    images = [lesion_image(0.5, path="1", patient="a"), normal_image(0.7, path="2", patient="b")]
    resamples = resample([image.truth for image in images], draws=5)
    with pytest.raises(UsageError, match="expected the images of the resamples, in the same order"):
        froc_draws(images[::-1], resamples)
    with pytest.raises(UsageError, match="found others"):
        froc_draws([images[0], normal_image(0.7, path="3", patient="b")], resamples)


def test_a_part_is_drawn_as_in_the_whole():
    whole = resample(truths("a", "b", "b", "c"), draws=5)
    part = whole.part(np.array([3, 1]))
    assert part.paths == ("3.png", "1.png")
    assert (part.weights[:, part.owner] == whole.weights[:, whole.owner][:, [3, 1]]).all()


def test_what_is_drawn_is_known_and_listed_once():
    with pytest.raises(UsageError, match="a unit of the resampling: patient, image, detection, found 'images'"):
        resample(truths("a", "b"), unit="images")
    with pytest.raises(UsageError, match=r"0.png: expected each image once"):
        resample([*truths("a", "b"), *truths("a")])


def test_detections_without_a_false_positive(lesion_image, normal_image):
    drawn = draws_of([lesion_image(0.5, 0.6), normal_image()], unit="detection", accept_split=True)
    assert (drawn.area == 1).all()


def test_what_is_drawn_holds_all_of_a_patient():
    with pytest.raises(UsageError, match=r"a patient for every image.*found 2 of 3 without;.*--resample image"):
        resample(truths("a", None, None))
    with pytest.raises(UsageError, match="found 1 patients of whom each image would be drawn by itself"):
        resample(truths("a", "a", "b"), unit="image")
    with pytest.raises(UsageError, match="found 2 patients of whom each detection"):
        resample(truths("a", "b"), unit="detection")
    assert resample(truths("a", "b", None, None), unit="image").weights.shape == (1000, 4)
    assert resample(truths("a", "a", "b"), unit="image", accept_split=True).weights.shape == (1000, 3)
    with pytest.raises(UsageError, match="expected one resample or more, found 0"):
        resample(truths("a", "b"), draws=0)


def test_patients_cannot_be_found_while_images_are_drawn(patient):
    images = [*patient("a", 0.5), *patient("b", MISS)]
    with pytest.raises(UsageError, match="at the level of a patient, found images"):
        draws_of(images, unit="image", accept_split=True, level="patient")
    draws_of(images, unit="image", accept_split=True, level="image")


def test_cases_are_drawn_with_their_unit():
    resamples = resample(truths("a", "a", "b", "c"), draws=5)
    cases = resamples.by_case([np.array([3]), np.array([0, 1])])
    assert (cases.weights == resamples.weights).all()
    assert cases.owner.tolist() == [2, 0]
    by_image = resample(truths("a", "a", "b"), unit="image", accept_split=True)
    with pytest.raises(UsageError, match="found 1 cases whose images are drawn apart"):
        by_image.by_case([np.array([0, 1]), np.array([2])])
    with pytest.raises(UsageError, match="expected patients or images as the units"):
        resample(truths("a", "b"), unit="detection", accept_split=True).by_case([np.array([0])])


def test_the_p_value_counts_the_rarer_side():
    # One draw of four lies below zero, none at it: 2 (1 + 1) / (4 + 1). What is NaN in either takes no part.
    first, second = np.array([0.6, 0.7, 0.8, 0.1, np.nan, 0.5]), np.array([0.5, 0.5, 0.5, 0.5, 0.5, np.nan])
    comparison = compare(first, second)
    assert comparison.p_value == pytest.approx(0.8)
    assert compare(second, first).p_value == pytest.approx(0.8)
    ends = interval(np.array([0.1, 0.2, 0.3, -0.4]))
    assert (comparison.difference_low, comparison.difference_high) == pytest.approx(ends)


def test_rounding_is_no_difference():
    assert compare(np.full(99, 0.1 + 0.2), np.full(99, 0.3)).p_value == 1


def test_without_a_draw_nothing_is_compared():
    comparison = compare(np.full(3, np.nan), np.ones(3))
    assert np.isnan([comparison.difference_low, comparison.difference_high, comparison.p_value]).all()


def test_a_detector_against_itself_and_against_a_better_one(patient):
    rng = np.random.default_rng(0)
    names = [f"{n:02}" for n in range(30)]
    weak = [part for name in names for part in patient(name, rng.random(), *rng.random(20))]
    strong = [part for name in names for part in patient(name, 0.5 + rng.random() / 2, *rng.random(20) / 2)]
    resamples = resample([image.truth for image in weak], draws=500)
    first, second = (froc_draws(images, resamples).sensitivity[:, 1] for images in (weak, strong))
    itself = compare(first, froc_draws(weak, resamples).sensitivity[:, 1])
    assert (itself.difference_low, itself.difference_high, itself.p_value) == (0, 0, 1)
    better = compare(second, first)
    assert better.difference_low > 0
    assert better.p_value == pytest.approx(2 / 501)  # the least there is with 500 draws


def test_intervals_by_patient_cover_and_those_by_image_do_not(lesion_image, normal_image):
    # Of 25 patients, each with three lesion images that are all found or all missed, 60 % are found: the interval of
    # 95 % must hold 0.6 about 95 times in 100. Drawn by image, lesions count as if they were independent of each other.
    rng = np.random.default_rng(0)
    covered = {"patient": 0, "image": 0}
    studies = 80
    for _ in range(studies):
        found = np.where(rng.random(25) < 0.6, 0.5, MISS)
        images = [
            lesion_image(best, path=f"{p}-{view}", patient=f"{p}") for p, best in enumerate(found) for view in "abc"
        ]
        images += [normal_image(path=f"{p}-n", patient=f"{p}") for p in range(25)]
        for unit in covered:
            low, high = interval(draws_of(images, unit=unit, accept_split=True).area)
            covered[unit] += low <= 0.6 <= high
    assert 0.88 <= covered["patient"] / studies <= 0.99
    assert covered["image"] / studies < 0.8
