"""What an image and its lesions belong to at each level."""

import pytest

from microcalc.errors import UsageError
from microcalc.evaluation.levels import case_of, targets_of_lesions
from microcalc.truth import ImageTruth

VIEWS = [
    ImageTruth(path="1", patient="p", side="L", view="CC"),
    ImageTruth(path="2", patient="p", side="L", view="MLO"),
    ImageTruth(path="3", patient="p", side="R", view="CC"),
    ImageTruth(path="4", patient="q", side="L", view="CC"),
]


@pytest.mark.parametrize(
    ("level", "cases"),
    [
        ("calcification", ["1", "2", "3", "4"]),
        ("cluster", ["1", "2", "3", "4"]),
        ("image", ["1", "2", "3", "4"]),
        ("breast", ["p L", "p L", "p R", "q L"]),
        ("patient", ["p", "p", "p", "q"]),
    ],
)
def test_an_image_belongs_to_a_case(level, cases):
    assert [case_of(truth, level) for truth in VIEWS] == cases


@pytest.mark.parametrize(
    ("level", "units"),
    [
        ("calcification", [0, 1, 2, 3, 4]),
        ("cluster", [0, 1, 2, 3, 4]),
        ("image", [0, 0, 1, 2, 2]),
        ("breast", [0, 0, 0, 1, 1]),
        ("patient", [0, 0, 0, 1, 1]),
    ],
)
def test_a_lesion_stands_for_itself_or_for_what_holds_it(level, units):
    # Two in the first image, one in the second view of the same breast, none in the third, two in another patient.
    assert targets_of_lesions(VIEWS, [2, 1, 0, 2], level).tolist() == units


def test_a_level_asks_for_what_it_is_made_of():
    with pytest.raises(UsageError, match=r"a\.png: expected the patient and side of every image.*found no side"):
        case_of(ImageTruth(path="a.png", patient="p"), "breast")
    with pytest.raises(UsageError, match="to go by patient, found no patient; complete the truth, or go by image"):
        case_of(ImageTruth(path="a", side="L"), "patient")
    assert case_of(ImageTruth(path="a"), "image") == "a"


def test_only_images_with_lesions_are_asked():
    truths = [ImageTruth(path="a", patient="p"), ImageTruth(path="b")]
    assert targets_of_lesions(truths, [1, 0], "patient").tolist() == [0]
    with pytest.raises(UsageError, match="found no patient"):
        targets_of_lesions(truths, [1, 1], "patient")


def test_no_lesions_belong_to_nothing():
    assert targets_of_lesions(VIEWS, [0, 0, 0, 0], "image").size == 0
    assert targets_of_lesions([], [], "calcification").size == 0
