import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from microcalc.errors import UsageError
from microcalc.synthesis import Difficulty, InsertionPlan, StudyPlan
from microcalc.synthesis.plans import check_set, key_of, plain

PLAN = StudyPlan("p", 1, seed=7, spacing_mm=0.07, shape=(400, 300), difficulty=Difficulty(contrast=2.0))


def test_equal_plans_have_one_key_whoever_computed_their_numbers():
    computed = StudyPlan(
        "p",
        np.int64(1),
        seed=np.uint64(7),
        normal=np.bool_(False),
        spacing_mm=np.float64(0.07),
        shape=(np.int32(400), 300),
        difficulty=Difficulty(contrast=2),
    )
    assert computed == PLAN
    assert key_of(computed) == key_of(PLAN)
    assert json.loads(json.dumps(plain(computed))) == plain(PLAN)
    assert plain(PLAN)["normal"] is False


@pytest.mark.parametrize(
    "other",
    [
        {"seed": 8},
        {"patient": "q"},
        {"number": 2},
        {"normal": True},
        {"split": "test"},
        {"spacing_mm": 0.0701},
        {"shape": None},
        {"morphologies": ("rim",)},
        {"difficulty": Difficulty(contrast=2.1)},
    ],
)
def test_every_field_tells_plans_apart(other):
    assert key_of(dataclasses.replace(PLAN, **other)) != key_of(PLAN)


def test_a_file_is_the_same_however_its_path_is_typed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    typed, absolute = (InsertionPlan("p", 1, 7, (folder / "a.png",)) for folder in (Path("x/.."), tmp_path))
    assert key_of(typed) == key_of(absolute)
    assert key_of(typed) != key_of(dataclasses.replace(typed, paths=(Path("b.png"),)))


@pytest.mark.parametrize("wrong", [{"count": 0}, {"seed": -1}, {"normal_share": 1.1}, {"normal_share": float("nan")}])
def test_a_set_that_cannot_be_planned(wrong):
    with pytest.raises(UsageError, match=f"found {next(iter(wrong.values()))}"):
        check_set(**{"count": 2, "seed": 1, "normal_share": 0.4, **wrong})
    check_set(None, 0, 1.0)
