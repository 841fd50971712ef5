"""Cases on sets worked by hand."""

import numpy as np
import pytest

from microcalc.errors import UsageError
from microcalc.evaluation.cases import cases_of
from microcalc.evaluation.matching import parse_rule
from microcalc.evaluation.scores import ImageScores
from microcalc.truth import ImageTruth, TrueCalcification

RULE = parse_rule("disc14")
NONE = -np.inf


def image(path, highest, *, lesions=0, targets=None, normal=False, patient="p", side="L"):
    """An image whose first ``targets`` lesions, of ``lesions``, are asked for; by default all."""
    truth = ImageTruth(
        path=path,
        patient=patient,
        side=side,
        normal=normal,
        calcifications=[TrueCalcification(x=i, y=0) for i in range(lesions)],
    )
    asked = np.arange(lesions if targets is None else targets)
    return ImageScores(truth, asked, np.full(asked.size, highest), np.empty(0), highest, RULE)


@pytest.fixture
def images():
    """p: lesions on the left in one of two views, right normal in both views. q: left normal, right unknown."""
    return [
        image("p_l_cc", 0.4, lesions=2),
        image("q_l_cc", NONE, normal=True, patient="q"),
        image("p_l_mlo", 0.7),
        image("p_r_cc", 0.3, normal=True, side="R"),
        image("p_r_mlo", 0.6, normal=True, side="R"),
        image("q_r_cc", 0.9, patient="q", side="R"),
    ]


def test_images(images):
    cases = cases_of(images, "image")
    # Neither: p_l_mlo and q_r_cc, not normal and without a lesion.
    assert cases.labels.tolist() == [True, False, False, False]
    assert cases.scores.tolist() == [0.4, NONE, 0.3, 0.6]
    assert [of.tolist() for of in cases.images] == [[0], [1], [3], [4]]
    assert cases.left_out == 2


def test_a_breast_has_its_best_score_in_either_view(images):
    cases = cases_of(images, "breast")
    # Left of p: positive by its CC view, scored by its MLO view. Right of q: not known to be normal.
    assert cases.labels.tolist() == [True, False, False]
    assert cases.scores.tolist() == [0.7, NONE, 0.6]
    assert [of.tolist() for of in cases.images] == [[0, 2], [1], [3, 4]]
    assert cases.left_out == 1


def test_a_patient_is_negative_only_if_every_image_is_normal(images):
    cases = cases_of(images, "patient")
    assert (cases.labels.tolist(), cases.scores.tolist()) == ([True], [0.7])
    assert [of.tolist() for of in cases.images] == [[0, 2, 3, 4]]
    assert cases.left_out == 1
    without_the_unknown = cases_of(images[:-1], "patient")
    assert (without_the_unknown.labels.tolist(), without_the_unknown.left_out) == ([True, False], 0)


def test_an_image_whose_lesions_are_all_ignored_is_neither():
    cases = cases_of([image("a", 0.5, lesions=2, targets=0), image("b", 0.5, lesions=2, targets=1)], "image")
    assert ([of.tolist() for of in cases.images], cases.left_out) == ([[1]], 1)


@pytest.mark.parametrize("level", ["calcification", "cluster"])
def test_at_the_levels_of_a_lesion_the_cases_are_images(images, level):
    assert [of.tolist() for of in cases_of(images, level).images] == [[0], [1], [3], [4]]


def test_images_need_no_patient():
    assert cases_of([image("a", 0.5, lesions=1, patient=None)], "image").labels.tolist() == [True]


@pytest.mark.parametrize(
    ("level", "unknown", "missing"),
    [("breast", {"side": None}, "side"), ("breast", {"patient": None}, "patient"), ("patient", {"patient": None}, "p")],
)
def test_an_unknown_breast_or_patient_is_an_error_that_says_what_to_complete(level, unknown, missing):
    with pytest.raises(UsageError, match=rf"b\.dcm: expected .*{missing}.*complete the truth"):
        cases_of([image("a.dcm", 0.5), image("b.dcm", 0.5, **unknown)], level)


def test_an_unknown_level_is_refused(images):
    with pytest.raises(UsageError, match=r"expected a level: .*, found 'breasts'"):
        cases_of(images, "breasts")


def test_no_images_make_no_cases():
    cases = cases_of([], "patient")
    assert (cases.labels.shape, cases.scores.shape, cases.images, cases.left_out) == ((0,), (0,), (), 0)
