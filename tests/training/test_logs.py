import logging
import sys
import warnings

import pytest

from microcalc.errors import UsageError
from microcalc.recipe import load_recipe
from microcalc.training.history import EpochRow
from microcalc.training.logs import check_loggers, log_rows, log_settings, make_loggers, quiet


@pytest.fixture(scope="module")
def recipe():
    return load_recipe("microcalc-resnet16")


@pytest.fixture
def rows():
    numbers = dict.fromkeys(("train_loss", "validation_loss", "train_accuracy", "validation_accuracy"), 0.5)
    return [
        EpochRow(
            epoch=epoch, **numbers, validation_auc=None, learning_rate=0.1, seconds=1.0, waiting=0.0, remark="none"
        )
        for epoch in (1, 2)
    ]


def test_a_log_that_is_made_anew_has_no_row_twice(tmp_path, recipe, rows):
    for _ in range(2):
        with quiet():
            log_rows(make_loggers(["csv"], tmp_path, recipe), rows)
    lines = (tmp_path / "csv" / "metrics.csv").read_text().splitlines()
    assert len(lines) == 3
    assert "validation_auc" not in lines[0]  # what is not defined is no number in a log


def test_mlflow_gets_the_settings_and_no_path(tmp_path, recipe, rows, monkeypatch):
    pytest.importorskip("mlflow")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    with quiet():
        loggers = make_loggers(["mlflow"], tmp_path, recipe)
        log_settings(loggers, recipe, seed=5)
        log_rows(loggers, rows)
    files = {path.name: path.read_text() for path in tmp_path.rglob("params/*")}
    assert (files["seed"], files["fitting.optimiser.learning_rate"]) == (
        "5",
        str(recipe.fitting.optimiser.learning_rate),
    )
    assert not [name for name, value in files.items() if str(tmp_path) in value]
    losses = next(tmp_path.rglob("metrics/validation_loss")).read_text().splitlines()
    assert [line.split()[1:] for line in losses] == [["0.5", "1"], ["0.5", "2"]]  # time, value, step


def test_an_unknown_log_is_refused():
    with pytest.raises(UsageError, match="csv, tensorboard, mlflow"):
        check_loggers(["csv", "excel"])


def test_a_log_that_is_not_installed_is_refused(monkeypatch):
    monkeypatch.setitem(sys.modules, "mlflow", None)  # as if it were not
    with pytest.raises(UsageError, match=r"microcalc\[mlflow\]"):
        check_loggers(["mlflow"])


def test_no_log_of_an_earlier_run_stays(tmp_path, recipe, rows):
    with quiet():
        log_rows(make_loggers(["csv"], tmp_path, recipe), rows)
        make_loggers([], tmp_path, recipe)
    assert not (tmp_path / "csv").exists()


def test_quiet_lasts_no_longer_than_it_should():
    logger = logging.getLogger("lightning.pytorch")
    level, filters = logger.level, list(warnings.filters)
    with quiet():
        assert not logger.isEnabledFor(logging.WARNING)
    assert (logger.level, warnings.filters) == (level, filters)
