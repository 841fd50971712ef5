"""The page of the data sets says of every kind what its reader says."""

import re
from pathlib import Path

import pytest

from microcalc.datasets import KINDS

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "datasets.md"


def section(kind):
    """The part of the page about a kind: that which opens with its SPEC."""
    (found,) = (part for part in PAGE.read_text().split("\n## ") if f"\n\n`{kind}:" in part)
    return found


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ("truth", "bench")])
def test_every_option_is_there_with_its_default(kind):
    options, _ = KINDS[kind].load()
    rows = re.findall(r"^\| `(\w+)` \| (?:`([^`]*)`|none) \| .", section(kind), re.MULTILINE)
    told = {name: default for name, default in rows if name in options.model_fields}
    defaults = {name: field.default for name, field in options.model_fields.items()}
    assert told == {
        name: "" if default is None else str(default).lower() if isinstance(default, bool) else str(default)
        for name, default in defaults.items()
    }


def test_every_kind_has_a_row_in_the_first_table():
    first = PAGE.read_text().split("\n## ")[0]
    assert set(re.findall(r"^\| \[`(\w+)`\]", first, re.MULTILINE)) == set(KINDS)
