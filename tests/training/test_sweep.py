"""With a trainer that only writes a history, so that what a sweep makes of its runs can be worked by hand."""

import csv
import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from microcalc.errors import MicrocalcError, UsageError
from microcalc.recipe import load_recipe
from microcalc.training.history import EpochRow, History
from microcalc.training.search import Range
from microcalc.training.sweep import SweepOptions, sweep
from microcalc.training.sweep_records import Sweep

RATE, DECAY, BATCH = "fitting.optimiser.learning_rate", "fitting.optimiser.weight_decay", "fitting.batch"
#: Validation accuracy by learning rate: those of the paper's Table II.
TABLE = {1e-4: 0.972, 5e-5: 0.972, 1e-5: 0.972, 5e-6: 0.973, 1e-6: 0.970}


@pytest.fixture(scope="module")
def recipe():
    return load_recipe("mracko2024-resnet101")


def write_history(out, accuracy, loss=0.5, auc=0.9):
    """Three epochs, of which the second is kept."""
    rows = [
        EpochRow(
            epoch=number,
            train_loss=0.2,
            validation_loss=loss,
            train_accuracy=0.99,
            validation_accuracy=accuracy if number == 2 else 0.5,
            validation_auc=auc,
            learning_rate=1e-5,
            seconds=1.0,
            waiting=0.0,
        )
        for number in (1, 2, 3)
    ]
    (out / "work").mkdir(parents=True, exist_ok=True)
    (out / "work" / "history.json").write_text(History(epochs=rows, kept=2, stopped="enough").to_json())


class Trainer:
    """Reaches what a function of the recipe says; an error it gives back is raised."""

    def __init__(self, reaches):
        self.reaches, self.calls = reaches, []

    def __call__(self, recipe, *, data, out, smoke, seed, resume, compute):
        self.calls.append((recipe.fitting.optimiser.learning_rate, resume))
        outcome = self.reaches(recipe)
        if isinstance(outcome, BaseException):
            raise outcome
        write_history(out, **outcome)


def by_table(recipe):
    return {"accuracy": TABLE[recipe.fitting.optimiser.learning_rate]}


def failing(*rates, error=None):
    error = error or MicrocalcError(expected="a loss", found="NaN", do="try a lower learning rate", where="/some/place")
    return lambda recipe: error if recipe.fitting.optimiser.learning_rate in rates else by_table(recipe)


def over(**more):
    return SweepOptions(over={RATE: tuple(TABLE)}, **more)


def rates(result):
    return [run.values[RATE] for run in result.runs]


def test_the_papers_learning_rates_in_the_order_of_their_accuracy(recipe, tmp_path):
    trainer, told = Trainer(by_table), []
    result = sweep(
        recipe,
        "patches:/some/where/mracko",
        tmp_path,
        over(),
        train=trainer,
        on_run=lambda run, done, total: told.append((run.values[RATE], done, total)),
    )
    assert [rate for rate, _ in trainer.calls] == list(TABLE)
    assert told == [(rate, number, 5) for number, rate in enumerate(TABLE, 1)]
    # The recipe keeps its epoch by accuracy, and so it is compared; equal ones stay in the order of asking.
    assert result.metric == "accuracy"
    assert rates(result) == [5e-6, 1e-4, 5e-5, 1e-5, 1e-6]
    assert [run.reached("accuracy") for run in result.runs] == [0.973, 0.972, 0.972, 0.972, 0.970]
    assert {(run.kept.epoch, run.epochs) for run in result.runs} == {(2, 3)}
    assert Sweep.from_json(tmp_path / "sweep.json") == result
    assert result.data == "patches:mracko"
    assert len({run.folder for run in result.runs}) == 5


def test_what_is_left_behind(recipe, tmp_path):
    sweep(recipe, "patches:/some/where/mracko", tmp_path, over(), train=Trainer(failing(1e-4)))
    with (tmp_path / "sweep.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row[RATE] for row in rows] == ["5e-06", "5e-05", "1e-05", "1e-06", "0.0001"]
    assert [row["validation_accuracy"] for row in rows] == ["0.973", "0.972", "0.972", "0.97", ""]
    assert rows[-1]["failed"] == "expected a loss, found NaN; try a lower learning rate"
    page = (tmp_path / "sweep.html").read_text()
    assert "None is of a test part" in page
    assert "Failed: expected a loss, found NaN" in page
    assert "learning rate 5e-06: 0.973" in page  # the figure, for those who do not see it
    assert (tmp_path / "figures" / "sweep.svg").exists()
    assert not (tmp_path / "sweep.jsonl").exists()
    record = json.loads((tmp_path / "run.json").read_text())
    assert record["failed"] == 1
    assert all("/some" not in (tmp_path / name).read_text() for name in ("run.json", "sweep.json", "sweep.html"))


@pytest.mark.parametrize("error", [None, RuntimeError("mat1 and mat2")])
def test_a_run_that_fails_costs_itself_and_is_tried_again(recipe, tmp_path, error):
    first = sweep(recipe, "patches:x", tmp_path, over(), train=Trainer(failing(1e-4, 1e-6, error=error)))
    assert first.failed == 2
    assert rates(first) == [5e-6, 5e-5, 1e-5, 1e-4, 1e-6]
    trainer = Trainer(by_table)
    again = sweep(recipe, "patches:x", tmp_path, over(), train=trainer, resume=True)
    assert trainer.calls == [(1e-4, True), (1e-6, True)]
    assert again.failed == 0


def test_an_interrupted_sweep_goes_on(recipe, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        sweep(recipe, "patches:x", tmp_path, over(), train=Trainer(failing(1e-5, error=KeyboardInterrupt())))
    trainer = Trainer(by_table)
    result = sweep(recipe, "patches:x", tmp_path, over(), train=trainer, resume=True)
    assert trainer.calls == [(rate, True) for rate in (1e-5, 5e-6, 1e-6)]
    assert len(result.runs) == 5


def test_a_larger_grid_takes_over_what_a_smaller_one_made(recipe, tmp_path):
    few = SweepOptions(over={RATE: (1e-4, 5e-5)})
    sweep(recipe, "patches:x", tmp_path, few, train=Trainer(by_table))
    trainer = Trainer(by_table)
    result = sweep(recipe, "patches:x", tmp_path, over(), train=trainer, resume=True)
    assert [rate for rate, _ in trainer.calls] == [1e-5, 5e-6, 1e-6]
    assert len(result.runs) == 5


def test_other_data_are_another_sweep(recipe, tmp_path):
    sweep(recipe, "patches:x", tmp_path, over(), train=Trainer(by_table))
    with pytest.raises(UsageError, match="run data patches:x then, patches:y now"):
        sweep(recipe, "patches:y", tmp_path, over(), train=Trainer(by_table), resume=True)


def test_values_are_checked_before_any_run(recipe, tmp_path):
    trainer = Trainer(by_table)
    with pytest.raises(UsageError, match="learning_rate"):
        sweep(recipe, "patches:x", tmp_path, SweepOptions(over={RATE: (1e-4, -1.0)}), train=trainer)
    with pytest.raises(UsageError, match="expected a recipe of the kind patch-classifier, found kind cascade"):
        sweep(load_recipe("cortina2022-cascade"), "patches:x", tmp_path, over(), train=trainer)
    with pytest.raises(UsageError, match="accuracy, loss, auc"):
        over(metric="f1")
    with pytest.raises(UsageError, match="something to try"):
        SweepOptions(over={})
    assert not trainer.calls


def test_the_least_loss_is_the_best_and_what_is_not_defined_comes_last(recipe, tmp_path):
    losses = dict(zip(TABLE, (0.3, 0.1, 0.2, 0.5, 0.4), strict=True))

    def reaches(recipe):
        rate = recipe.fitting.optimiser.learning_rate
        return {"accuracy": 0.9, "loss": losses[rate], "auc": None if rate == 5e-5 else 1 - losses[rate]}

    assert rates(sweep(recipe, "x:y", tmp_path / "loss", over(metric="loss"), train=Trainer(reaches))) == [
        5e-5, 1e-5, 1e-4, 1e-6, 5e-6,
    ]  # fmt: skip
    by_auc = sweep(recipe, "x:y", tmp_path / "auc", over(metric="auc"), train=Trainer(reaches))
    assert rates(by_auc) == [1e-5, 1e-4, 1e-6, 5e-6, 5e-5]


@pytest.mark.parametrize(
    ("tried", "shown"),
    [
        ({RATE: (1e-4, 1e-5), DECAY: (1e-3, 1e-2, 0.0)}, "0.0001"),  # a map: rows and columns are values
        ({RATE: (1e-4, 1e-5), DECAY: (1e-3, 1e-2), BATCH: (4, 8)}, "learning rate 0.0001, weight decay 0.001, batch 4"),
        ({"network.head.activation": ("relu", "gelu")}, "activation gelu"),
    ],
)
def test_several_keys_or_texts(recipe, tmp_path, tried, shown):
    result = sweep(recipe, "x:y", tmp_path, SweepOptions(over=tried), train=Trainer(by_table))
    assert f">{shown}</text>" in (tmp_path / "figures" / "sweep.svg").read_text()
    assert [tuple(run.values) for run in result.runs] == [tuple(tried)] * len(result.runs)


def test_all_runs_may_fail(recipe, tmp_path):
    result = sweep(recipe, "x:y", tmp_path, over(), train=Trainer(failing(*TABLE)))
    assert result.failed == 5
    assert not (tmp_path / "figures").exists()


def test_on_a_pool(recipe, tmp_path):
    result = sweep(
        recipe, "x:y", tmp_path, over(), train=Trainer(by_table), make_executor=lambda: ThreadPoolExecutor(2)
    )
    assert rates(result)[0] == 5e-6
    assert len(result.runs) == 5


def test_optuna_finds_the_best_and_goes_on_where_it_stopped(recipe, tmp_path):
    pytest.importorskip("optuna")
    options = SweepOptions(over={RATE: Range(1e-6, 1e-2)}, trials=12, seed=1)

    def reaches(recipe):
        return {"accuracy": 1 / (1 + 1e4 * abs(recipe.fitting.optimiser.learning_rate - 1e-4))}

    whole = Trainer(reaches)
    result = sweep(recipe, "x:y", tmp_path / "whole", options, train=whole)
    assert len(result.runs) == 12
    assert result.runs[0].reached("accuracy") == max(run.reached("accuracy") for run in result.runs)

    stop = whole.calls[7][0]
    halves = [Trainer(lambda one: KeyboardInterrupt() if one.fitting.optimiser.learning_rate == stop else reaches(one))]
    with pytest.raises(KeyboardInterrupt):
        sweep(recipe, "x:y", tmp_path / "halves", options, train=halves[0])
    halves.append(Trainer(reaches))
    assert sweep(recipe, "x:y", tmp_path / "halves", options, train=halves[1], resume=True).runs == result.runs
    assert len(halves[1].calls) == 12 - 7
