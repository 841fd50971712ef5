import pytest

from microcalc.datasets import words
from microcalc.errors import ReadError


@pytest.mark.parametrize(
    ("read", "text", "value"),
    [
        (words.side_of, " Left ", "L"),
        (words.side_of, "r", "R"),
        (words.split_of, "training", "train"),
        (words.split_of, "VAL", "validation"),
        (words.pathology_of, "BENIGN_WITHOUT_CALLBACK", "benign"),
        (words.pathology_of, "M", "malignant"),
        (words.density_of, "DENSITY B", "B"),
        (words.density_of, "4", "D"),
        (words.flag_of, "True", True),
        (words.flag_of, "0", False),
        (words.number_of, " 1e-2 ", 0.01),
    ],
)
def test_words_are_read_in_any_letter_case(read, text, value):
    assert read(text) == value
    assert read("") is None


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (words.side_of, "both"),
        (words.split_of, "fold 1"),
        (words.pathology_of, "cancer"),
        (words.density_of, "E"),
        (words.flag_of, "maybe"),
        (words.number_of, "nan"),
        (words.number_of, "1,5"),
        (words.number_of, "1_00"),
    ],
)
def test_other_words_are_refused(read, text):
    with pytest.raises(ReadError, match=f"found '{text}'"):
        read(text)
