"""``microcalc sweep`` as a user calls it; what makes the runs is a stand-in."""

import os

import pytest
import typer
from typer.testing import CliRunner

from microcalc.cli.sweeping import sweep
from microcalc.errors import MicrocalcError, UsageError
from microcalc.training import sweep as job
from microcalc.training.history import EpochRow, History
from microcalc.training.job import Compute

app = typer.Typer()
app.command()(sweep)
RATE = "fitting.optimiser.learning_rate"


@pytest.fixture(autouse=True)
def calls(monkeypatch):
    """The recipe and the options of each run; those at a learning rate of 1 fail."""
    calls = []

    def train(recipe, *, out, **options):
        calls.append((recipe, options))
        if recipe.fitting.optimiser.learning_rate == 1:
            raise MicrocalcError(expected="a loss", found="NaN", do="try a lower learning rate")
        numbers = dict.fromkeys(("train_loss", "validation_loss", "train_accuracy", "validation_accuracy"), 0.25)
        row = EpochRow(epoch=1, **numbers, validation_auc=None, learning_rate=0.1, seconds=1.0, waiting=0.0)
        (out / "work").mkdir(parents=True)
        (out / "work" / "history.json").write_text(History(epochs=(row,), kept=1, stopped="enough").to_json())

    monkeypatch.setitem(job.sweep.__kwdefaults__, "train", train)
    return calls


def call(*arguments):
    return CliRunner().invoke(app, ["mracko2024-resnet101", *map(str, arguments)])


def test_all_runs_done_is_0(calls, tmp_path):
    result = call("--smoke", "--out", tmp_path, "--over", f"{RATE}=1e-4,5e-6", "--set", "fitting.batch=2", "--seed", 4)
    assert result.exit_code == 0, result.output
    assert "[1/2] learning rate 0.0001, " in result.output
    assert "learning rate 5e-06: validation accuracy 0.2500\n" in result.output
    assert f"Report: {tmp_path / 'sweep.html'}" in result.output
    assert [recipe.fitting.optimiser.learning_rate for recipe, _ in calls] == [1e-4, 5e-6]
    assert {recipe.fitting.batch for recipe, _ in calls} == {2}
    wanted = {"data": None, "smoke": True, "seed": 4, "resume": False, "compute": Compute()}
    assert all(options == wanted for _, options in calls)


def test_some_failed_is_1_and_all_is_3(tmp_path):
    some = call("--smoke", "--out", tmp_path, "--over", f"{RATE}=1,1e-4")
    assert some.exit_code == 1
    assert "learning rate 1: FAILED: expected a loss, found NaN; try a lower learning rate" in some.output
    assert call("--smoke", "--out", tmp_path, "--over", f"{RATE}=1").exit_code == 3


def test_runs_at_a_time_share_the_processors(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    monkeypatch.setenv("OMP_NUM_THREADS", "8")  # so that it is as it was afterwards
    monkeypatch.delenv("OMP_NUM_THREADS")
    call("--smoke", "--out", tmp_path, "--over", "learning_rate=1", "--jobs", 2)  # refused before there is a run
    assert os.environ["OMP_NUM_THREADS"] == "4"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--over", "learning_rate=1"], RATE),
        (["--over", f"{RATE}=1e-6..1e-3"], "--trials"),
        (["--over", f"{RATE}=1", "--metric", "f1"], "accuracy, loss, auc"),
        (["--over", f"{RATE}=1", "--runner", "cloud"], "local, ray"),
        (["--over", f"{RATE}=1", "--set", "fitting.batch"], "KEY=VALUE"),
    ],
)
def test_a_wrong_call(calls, tmp_path, arguments, says):
    with pytest.raises(UsageError, match=says):
        raise call("--smoke", "--out", tmp_path / "out", *arguments).exception
    assert not calls
