"""YAML that says what JSON can say, and nothing in silence."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microcalc.errors import ReadError
from microcalc.recipe.yaml_text import read_yaml, write_yaml

NAMES = st.from_regex(r"[a-z_]{1,8}", fullmatch=True)
TEXTS = st.lists(st.text(st.characters(exclude_categories=["C", "Z"], include_characters=" "), max_size=90), max_size=4)
#: That YAML, or an older one, could take for something else.
TRICKY = ("1e5", "1.0", "010", "0x1f", "12:30", "null", "~", "true", "no", "2022-06-01", "<<", "=", "", "-", "a: b")
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS.map("\n".join)
    | st.sampled_from(TRICKY)
)
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4))


@settings(max_examples=50, deadline=None)
@given(st.dictionaries(NAMES, VALUES, max_size=5))
def test_what_is_written_is_read(values):
    found = read_yaml(write_yaml(values).encode(), "values", "x.yaml")
    assert found == values
    assert list(found) == list(values)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-4", 0.0001),
        ("1.5e3", 1500.0),
        (".5", 0.5),
        ("-3", -3),
        ("true", True),
        ("null", None),
        ("", None),
        # Numbers, dates or truths in older YAML; here what they look like: texts.
        ("no", "no"),
        ("010", "010"),
        ("12:30", "12:30"),
        ("2022-06-01", "2022-06-01"),
        ("1_000", "1_000"),
    ],
)
def test_plain_scalars_are_those_of_yaml_1_2(text, value):
    found = read_yaml(f"x: {text}\n".encode(), "values", "x.yaml")["x"]
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"svm:\n  C: 1\n  C: 10\n", "'C' a second time in line 3"),
        (b"a: &x [1, 2]\nb: *x\n", "an alias in line 2"),
        (b"? [a, b]\n: 1\n", "a key that is no text in line 1"),
        (b"a: [1, 2\n", "in line 2"),
        (b"a: !!python/object/apply:os.system [ls]\n", "could not determine a constructor"),
        (b"- a\n- b\n", "no names and values"),
        (b"", "no names and values"),
        (b"a: \xff\xfe", "ReaderError"),
        (b"[" * 5000, "RecursionError"),
        (b"x: " + b"9" * 5000, "ValueError"),
    ],
)
def test_what_is_refused(content, found):
    with pytest.raises(ReadError) as error:
        read_yaml(content, "a recipe", "recipes/x.yaml")
    assert found in str(error.value)
    assert str(error.value).startswith("recipes/x.yaml: expected a recipe")
    assert "\n" not in str(error.value)


def test_people_can_read_it():
    values = {
        "limitations": "One.\nTwo.",
        "use": "word " * 30 + "end",
        "C": [1, 10],
        "points": [{"name": "a", "at": 0.5}],
    }
    text = write_yaml(values)
    assert text.splitlines() == [
        "limitations: |-",
        "  One.",
        "  Two.",
        "use: >-",
        "  " + " ".join(["word"] * 22),
        "  " + " ".join(["word"] * 8) + " end",
        "C: [1, 10]",
        "points:",
        "  - name: a",
        "    at: 0.5",
    ]
