from types import SimpleNamespace

import pytest

from microcalc.explain import wording
from microcalc.explain.records import Probability


@pytest.mark.parametrize(
    ("value", "said"),
    [(0.0, "below 0.1%"), (0.0004, "below 0.1%"), (0.0006, "0.1%"), (0.9994, "99.9%"), (0.9999, "above 99.9%")],
)
def test_no_probability_is_rounded_to_a_certainty(value, said):
    found = Probability(value=value, population="somebody", alike=None, reason="nobody scored alike")
    explanation = SimpleNamespace(opinion=SimpleNamespace(probability=found))
    assert f"population: {said}, without an interval" in wording.probability(explanation)
