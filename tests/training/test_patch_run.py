import importlib.util
from pathlib import Path

import pytest

from microcalc.errors import UsageError
from microcalc.training import patch_run
from microcalc.training.steps import Step

_spec = importlib.util.spec_from_file_location("tiny_fit", Path(__file__).with_name("tiny_fit.py"))
tiny = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(tiny)


def test_a_wrong_call_costs_an_earlier_run_nothing(tmp_path):
    kept = [tmp_path / "package" / "card.yaml", tmp_path / "work" / "steps.jsonl"]
    for path in kept:
        path.parent.mkdir()
        path.write_text("of an earlier run")
    with pytest.raises(UsageError, match="1000 GPUs"):
        patch_run.run(tiny.job(tmp_path, gpus=1000))
    assert [path.read_text() for path in kept] == ["of an earlier run"] * 2


def test_steps_and_epochs_are_told_of_in_one_count(tmp_path):
    told = []
    of = tiny.recipe(fitting={"stopping": {"epochs": 40, "patience": 1}})
    steps = patch_run._steps(tiny.job(tmp_path, of, on_step=lambda step, done, total: told.append((done, total))))
    for name in ("patches", "early end", "validation", "test", "package"):
        steps.note(Step(name=name, seconds=0.0))
    # One of patches, 40 epochs at most, which stand between it and the others.
    assert told == [(1, 44), (41, 44), (42, 44), (43, 44), (44, 44)]
