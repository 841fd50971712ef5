"""AFROC on a published worked example and on cases worked by hand."""

import numpy as np
import pytest

from microcalc.errors import UsageError
from microcalc.evaluation import bootstrap
from microcalc.evaluation.afroc import afroc, compare_afroc

MISS = -np.inf


@pytest.fixture
def nine_cases(lesion_image, normal_image):
    """Chakraborty, The RJafroc Froc Book, "Empirical plots from FROC data", section "AFROC vs. wAFROC"."""
    normal = [(), (0.5,), (0.7, 0.6), (-0.3,)]
    diseased = [(0.9,), (-0.2,), (1.6, MISS), (3, 2), (1, 2.5, 1)]
    images = [normal_image(*marks, path=f"n{i}", patient=f"n{i}") for i, marks in enumerate(normal)]
    images += [lesion_image(*best, path=f"d{i}", patient=f"d{i}") for i, best in enumerate(diseased)]
    beside = lesion_image(0.9, false=[1.5], path="d0", patient="d0")  # it has one, which must not matter
    return [*images[:4], beside, *images[5:]]


def test_the_book_s_nine_cases(nine_cases):
    assert afroc(nine_cases).value == pytest.approx(0.8472222, abs=5e-8)


def test_weights_let_every_image_count_the_same(nine_cases):
    # By image, the mean over its lesions of the share of the four normal images (none, 0.5, 0.7, -0.3) they outrank:
    # 1, 2/4, (1 + (1/2)/4) / 2, 1, 1. (The book weighs lesions unequally.)
    assert afroc(nine_cases, weighted=True).value == pytest.approx((1 + 1 / 2 + 9 / 16 + 1 + 1) / 5)


@pytest.fixture
def four_images(lesion_image, normal_image):
    """Two lesions, 0.9 and 0.4, against two normal images, 0.5 and without a mark."""
    return [
        lesion_image(0.9, path="a", patient="a"),
        lesion_image(0.4, path="b", patient="b"),
        normal_image(0.5, path="c", patient="c"),
        normal_image(path="d", patient="d"),
    ]


def test_the_jackknife_by_hand(four_images, lesion_image):
    # Three of four pairs are ranked rightly. Left out one by one, a to d: 1/2, 1, 1, 1/2; pseudovalues 4 (3/4) - 3 x:
    # 1.5, 0, 0, 1.5; their standard deviation is sqrt(3 / 4), over sqrt(4) is sqrt(3) / 4; t of 97.5 % at 3 is 3.1824.
    result = afroc(four_images)
    assert result.value == 0.75
    assert result.pseudovalues == pytest.approx([1.5, 0, 0, 1.5])
    assert result.se == pytest.approx(3**0.5 / 4)
    half = 3.182446 * 3**0.5 / 4
    assert 0.75 - half < 0  # cut there, and at 1
    assert (result.low, result.high) == (0, 1)
    # An image with neither a lesion nor the word that it is normal is no case.
    unknown = lesion_image(false=[0.95], path="e", patient="e", normal=None)
    assert afroc([*four_images, unknown]).pseudovalues.size == 4


def test_all_images_of_a_patient_are_left_out_together(lesion_image, normal_image):
    # Patient p: lesion 0.9, normal 0.5. Patient q: lesion 0.4, normal without a mark. All together 3/4; without p, the
    # lesion 0.4 against nothing, 1; without q, 0.9 against 0.5, 1. Pseudovalues 2 (3/4) - 1.
    images = [
        lesion_image(0.9, path="1", patient="p"),
        normal_image(0.5, path="2", patient="p"),
        lesion_image(0.4, path="3", patient="q"),
        normal_image(path="4", patient="q"),
    ]
    result = afroc(images)
    assert (result.value, result.se, result.cases) == (0.75, 0, ("p", "q"))
    assert np.isnan([result.low, result.high]).all()  # two cases that agree tell of no spread
    assert result.pseudovalues.tolist() == [0.5, 0.5]
    assert afroc(images, unit="image").pseudovalues == pytest.approx([1.5, 0, 0, 1.5])


@pytest.mark.parametrize("weighted", [False, True])
def test_from_silence_to_perfection(lesion_image, normal_image, weighted):
    def value(lesion, *false):
        images = [lesion_image(lesion, lesion, path=name, patient=name) for name in "ab"]
        return afroc(images + [normal_image(*false, path=name, patient=name) for name in "cd"], weighted=weighted).value

    assert value(MISS) == 0.5  # what nobody marks ties
    assert value(0.9, 0.5) == 1
    assert value(MISS, 0.5) == 0
    assert value(0.5, 0.5, 0.1) == 0.5


def test_how_the_jackknife_is_split_up_changes_nothing(nine_cases, monkeypatch):
    whole = afroc(nine_cases, weighted=True)
    monkeypatch.setattr(bootstrap, "_CELLS", 30)
    assert afroc(nine_cases, weighted=True).pseudovalues.tolist() == whole.pseudovalues.tolist()


def test_two_systems_are_compared_case_by_case(four_images, lesion_image):
    # The other system misses b: of its four pairs two are ranked rightly and one (b, d) ties: 5/8. Left out one by one,
    # a to d: 1/4, 1, 3/4, 1/2; pseudovalues 4 (5/8) - 3 x: 1.75, -0.5, 0.25, 1. First minus second: -0.25, 0.5, -0.25,
    # 0.5, of mean 1/8 and standard deviation sqrt(4 (3/8)^2 / 3): t = 1/8 / (sqrt(3) / 8) = 0.57735 at 3 degrees.
    first = afroc(four_images)
    second = afroc([four_images[0], lesion_image(MISS, path="b", patient="b"), *four_images[2:]])
    assert second.value == 5 / 8
    comparison = compare_afroc(first, second)
    # The distribution function of t with 3 degrees: 1/2 + (atan(t / sqrt 3) + (t sqrt 3) / (t^2 + 3)) / pi.
    t = 3**-0.5
    tail = 1 / 2 - (np.arctan(t / 3**0.5) + t * 3**0.5 / (t**2 + 3)) / np.pi
    assert comparison.p_value == pytest.approx(2 * tail)
    half = 3.182446 * 3**0.5 / 8
    assert (comparison.difference_low, comparison.difference_high) == pytest.approx((1 / 8 - half, 1 / 8 + half))


def test_a_system_against_itself_and_without_any_spread(four_images, lesion_image, normal_image):
    itself = compare_afroc(afroc(four_images), afroc(four_images))
    assert (itself.difference_low, itself.difference_high, itself.p_value) == (0, 0, 1)
    perfect = [lesion_image(0.9, path=name, patient=name) for name in "ab"]
    silent = [lesion_image(MISS, path=name, patient=name) for name in "ab"]
    normal = [normal_image(0.5, path=name, patient=name) for name in "cd"]
    apart = compare_afroc(afroc(perfect + normal), afroc(silent + normal))
    assert (apart.difference_low, apart.difference_high) == (1, 1)
    assert np.isnan(apart.p_value)


def test_a_much_better_system_has_a_small_p_value(lesion_image, normal_image):
    rng = np.random.default_rng(0)

    def system(gain):
        images = [lesion_image(gain + rng.random(), path=f"l{i}", patient=f"l{i}") for i in range(30)]
        return images + [normal_image(rng.random(), path=f"n{i}", patient=f"n{i}") for i in range(30)]

    comparison = compare_afroc(afroc(system(0.5)), afroc(system(0)))
    assert comparison.difference_low > 0
    assert comparison.p_value < 0.001


def test_what_cannot_be_left_out_one_by_one(four_images, lesion_image, normal_image):
    with pytest.raises(UsageError, match="two patients or more with a lesion, to leave out one at a time, found 1"):
        afroc(four_images[1:])
    with pytest.raises(UsageError, match=r"two patients or more with a normal image.*found 0"):
        afroc(four_images[:2])
    with pytest.raises(UsageError, match=r"two images or more with a lesion.*found 0"):
        afroc([], unit="image")
    with pytest.raises(UsageError, match=r"n[0-9]+: expected the patient of every image.*found no patient"):
        afroc([*four_images, normal_image(patient=None)])
    with pytest.raises(UsageError, match="expected a unit that is left out: patient, image, found 'images'"):
        afroc(four_images, unit="images")


def test_only_the_same_cases_are_compared(four_images, lesion_image):
    # As many cases, but one of them another.
    other = [*four_images[1:], lesion_image(0.9, path="e", patient="e")]
    with pytest.raises(UsageError, match=r"two systems on the same cases, found 4 and 4 cases, 3 of them shared"):
        compare_afroc(afroc(four_images), afroc(other))
