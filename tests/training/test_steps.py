import pytest

from microcalc.errors import ReadError, UsageError
from microcalc.training.steps import Step, Steps

SETTINGS = {"run": {"seed": 1}}


def test_a_step_is_made_once(tmp_path):
    told = []
    first = Steps(tmp_path, SETTINGS, total=2, resume=False, on_step=lambda *now: told.append(now))
    made = first.record("a", Step, lambda: Step(name="result", seconds=3))
    assert [(step.name, done, total) for step, done, total in told] == [("a", 1, 2)]

    second = Steps(tmp_path, SETTINGS, total=2, resume=True, on_step=None)
    assert second.has("a")
    assert not second.has("b")
    assert second.record("a", Step, lambda: pytest.fail("made again")) == made


def test_without_resume_everything_is_made_anew(tmp_path):
    Steps(tmp_path, SETTINGS, total=1, resume=False, on_step=None).record(
        "a", Step, lambda: Step(name="old", seconds=0)
    )
    again = Steps(tmp_path, SETTINGS, total=1, resume=False, on_step=None)
    assert again.record("a", Step, lambda: Step(name="new", seconds=0)).name == "new"


def test_another_run_is_not_gone_on_with(tmp_path):
    Steps(tmp_path, SETTINGS, total=1, resume=False, on_step=None)
    with pytest.raises(UsageError, match="run seed 1 then, 2 now"):
        Steps(tmp_path, {"run": {"seed": 2}}, total=1, resume=True, on_step=None)


def test_what_a_step_left_may_not_be_missing(tmp_path):
    Steps(tmp_path, SETTINGS, total=1, resume=False, on_step=None).record("a", Step, lambda: Step(name="x", seconds=0))
    (tmp_path / "a.json").unlink()
    again = Steps(tmp_path, SETTINGS, total=1, resume=True, on_step=None)
    with pytest.raises(ReadError, match="a of the earlier run"):
        again.record("a", Step, lambda: pytest.fail("made again"))
