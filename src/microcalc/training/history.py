"""The history of a fit, a row an epoch; learning rate, early stopping and the epoch kept follow from it alone.

So a fit that goes on from its weights, its optimiser's moments and its history goes on as if it had never stopped.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import Field

from microcalc.findings import Document, Record
from microcalc.output import replacing
from microcalc.recipe import Fitting
from microcalc.recipe.faster_rcnn import DetectorFitting
from microcalc.recipe.fitting import Ending, Stopping

#: In ``work/`` of a run.
HISTORY = "history.json"


class EpochRow(Record):
    """An epoch. Training numbers are means over its batches: augmented, and while the weights changed."""

    epoch: int = Field(ge=1)
    train_loss: float = Field(description="With the loss's class weights.")
    validation_loss: float = Field(description="With the loss's class weights, without augmentation.")
    train_accuracy: float = Field(ge=0.0, le=1.0)
    validation_accuracy: float = Field(ge=0.0, le=1.0)
    validation_auc: float | None = Field(ge=0.0, le=1.0, description="Of the first target; null: see the remark.")
    learning_rate: float = Field(ge=0.0)
    seconds: float = Field(ge=0.0, description="Training and validation.")
    waiting: float = Field(ge=0.0, le=1.0, description="Share of them in which the network waited for data.")
    remark: str | None = Field(default=None, description="Why a number is missing.")


class FitHistory(Document):
    """What every ``history.json`` holds, whatever is fitted."""

    epochs: tuple[Record, ...] = Field(min_length=1)
    kept: int = Field(ge=1, description="The epoch whose weights are kept, of those so far.")
    stopped: str | None = Field(description="Why training ended; null: it goes on.")

    def write(self, path: Path) -> None:
        """Write the file.

        Raises:
            WriteError: it cannot be written.
        """
        with replacing(path) as file:
            file.write(self.to_json().encode())


class History(FitHistory):
    """``history.json``: what learning curves are drawn from."""

    schema_: Literal["microcalc.history/1"] = Field(default="microcalc.history/1", alias="schema")
    epochs: tuple[EpochRow, ...] = Field(min_length=1)


def learning_rate(fitting: Fitting | DetectorFitting, losses: Sequence[float]) -> float:
    """The learning rate of the epoch that follows those with these validation losses.

    ``step``: falls after every so many epochs. ``plateau``: falls once so many epochs in a row have brought no lower
    loss than the lowest before them, and counts anew. ``cosine``: falls from the whole rate to 0 over the recipe's
    epochs (Loshchilov and Hutter 2017, equation 5, without restarts).
    """
    schedule, whole, done = fitting.schedule, fitting.optimiser.learning_rate, len(losses)
    if schedule.kind == "cosine":
        return whole * (1 + math.cos(math.pi * done / fitting.stopping.epochs)) / 2
    if schedule.epochs is None or schedule.factor is None:  # constant
        return whole
    falls = done // schedule.epochs if schedule.kind == "step" else _plateaus(losses, schedule.epochs)
    return whole * float(schedule.factor**falls)


def stop_reason(stopping: Ending, losses: Sequence[float]) -> str | None:
    """Why training ends after epochs with these validation losses; None: it goes on.

    It ends early once ``patience`` epochs in a row have not brought the loss more than ``min_delta`` below the lowest
    that counted before.
    """
    if stopping.patience is not None and _waits(losses, stopping.min_delta) >= stopping.patience:
        return f"no lower validation loss in {stopping.patience} epochs"
    return f"all {stopping.epochs} epochs done" if len(losses) >= stopping.epochs else None


def kept_epoch(stopping: Stopping, rows: Sequence[EpochRow]) -> int:
    """The epoch, from 1, that is best by the measure that the recipe keeps by; of equal ones the first."""
    if stopping.keep == "last":
        return len(rows)
    measures = {
        "accuracy": [row.validation_accuracy for row in rows],
        "loss": [-row.validation_loss for row in rows],
        "auc": [-math.inf if row.validation_auc is None else row.validation_auc for row in rows],
    }
    return 1 + int(np.argmax(measures[stopping.keep]))


def _waits(losses: Sequence[float], min_delta: float) -> int:
    """Epochs since the loss last fell by more than ``min_delta``."""
    lowest, waits = math.inf, 0
    for loss in losses:
        lowest, waits = (loss, 0) if loss < lowest - min_delta else (lowest, waits + 1)
    return waits


def _plateaus(losses: Sequence[float], epochs: int) -> int:
    """How often ``epochs`` in a row have brought no lower loss."""
    lowest, waits, found = math.inf, 0, 0
    for loss in losses:
        lowest, waits = (loss, 0) if loss < lowest else (lowest, waits + 1)
        if waits == epochs:
            waits, found = 0, found + 1
    return found
