"""The logs of a fit, for the tools that people look at runs with: CSV, TensorBoard, MLflow."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from lightning.pytorch.loggers import CSVLogger, Logger, MLFlowLogger, TensorBoardLogger

from microcalc.errors import check_known
from microcalc.models.extras import needs
from microcalc.recipe.patch_classifier import PatchRecipe
from microcalc.training.history import EpochRow

LOGGERS = ("csv", "tensorboard", "mlflow")
#: Texts of the recipe that are no settings to compare runs by.
_PROSE = ("notes", "title", "smoke", "published")
_CHATTY = tuple(logging.getLogger(name) for name in ("lightning.pytorch", "lightning.fabric"))


def check_loggers(names: Sequence[str]) -> None:
    """Make sure that there are such logs.

    Raises:
        UsageError: a name that no log has, or the extra of one that is not installed.
    """
    for name in names:
        check_known("log", name, LOGGERS)
    if "mlflow" in names:
        with needs("mlflow", "mlflow"):
            import mlflow  # noqa: F401


def make_loggers(names: Sequence[str], folder: Path, recipe: PatchRecipe) -> list[Logger]:
    """Fresh logs in folders named after them; all logs of an earlier run there are removed.

    A run that goes on logs its earlier epochs anew (:func:`log_rows`), so that no epoch stands in them twice.
    """
    for name in LOGGERS:
        shutil.rmtree(folder / name, ignore_errors=True)
    made: list[Logger] = []
    if "csv" in names:
        made.append(CSVLogger(folder, name="csv", version=""))
    if "tensorboard" in names:
        made.append(TensorBoardLogger(folder, name="tensorboard", version="", default_hp_metric=False))
    if "mlflow" in names:
        made.append(_mlflow(folder / "mlflow", recipe.name))
    return made


def log_settings(loggers: Sequence[Logger], recipe: PatchRecipe, seed: int) -> None:
    """Log what the run was made with: the recipe without its prose, and the seed. No path is among it."""
    settings = {key: value for key, value in recipe.as_written().items() if key not in _PROSE}
    for logger in loggers:
        logger.log_hyperparams(dict(_flat(settings | {"seed": seed})))


def log_rows(loggers: Sequence[Logger], rows: Sequence[EpochRow]) -> None:
    """Log epochs; their number is the step."""
    for row in rows:
        numbers = row.model_dump(exclude={"epoch", "remark"}, exclude_none=True)
        for logger in loggers:
            logger.log_metrics(numbers, step=row.epoch)
            logger.save()


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep Lightning's banners and advice off our log: what a user has to know is raised as an error."""
    levels = [logger.level for logger in _CHATTY]
    try:
        with warnings.catch_warnings():
            quieten()
            yield
    finally:
        for logger, level in zip(_CHATTY, levels, strict=True):
            logger.setLevel(level)


def quieten() -> None:
    """The same for the rest of the process."""
    for logger in _CHATTY:
        logger.setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module="lightning")
    warnings.filterwarnings("ignore", message=".*deterministic")


def _mlflow(folder: Path, experiment: str) -> MLFlowLogger:
    """To the server that the environment names, as ever with MLflow, or else to files in the folder."""
    # MLflow asks for a database since it stopped adding to its file store, but its slim package brings none.
    os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")
    place = os.environ.get("MLFLOW_TRACKING_URI") or folder.absolute().as_uri()
    return MLFlowLogger(experiment_name=experiment, tracking_uri=place)


def _flat(values: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Names with dots, and values that every log can hold."""
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", value if isinstance(value, bool | int | float | str) else str(value)
