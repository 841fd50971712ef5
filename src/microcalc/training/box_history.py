"""The history of a fit on boxes, a row an epoch, and AP and AR by torchmetrics."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple

import numpy as np
from pydantic import Field
from torch import Tensor
from torchmetrics.detection import MeanAveragePrecision

from microcalc.findings import Record
from microcalc.training.history import FitHistory

#: Boxes of a patch that take part: COCO's limit.
_MOST = 100


class BoxScores(NamedTuple):
    """What COCO asks of boxes; NaN where there is nothing to box."""

    #: Average precision at an IoU of 0.5.
    ap50: float
    #: Average recall of the best 100 boxes a patch, over IoUs from 0.5 to 0.95 in steps of 0.05.
    recall: float


class BoxRow(Record):
    """An epoch. The training loss is the mean over its batches, while the weights changed."""

    epoch: int = Field(ge=1)
    train_loss: float
    validation_loss: float
    ap50: float = Field(ge=0.0, le=1.0, description="Average precision on validation patches, IoU 0.5.")
    recall: float = Field(ge=0.0, le=1.0, description="Average recall there, IoU 0.5 to 0.95.")
    learning_rate: float = Field(ge=0.0)
    seconds: float = Field(ge=0.0, description="Training and validation.")


class BoxHistory(FitHistory):
    """``history.json`` of a fit on boxes."""

    schema_: Literal["microcalc.box-history/1"] = Field(default="microcalc.box-history/1", alias="schema")
    epochs: tuple[BoxRow, ...] = Field(min_length=1)


def kept_epoch(rows: Iterable[BoxRow]) -> int:
    """The epoch, from 1, of the highest AP50; of equal ones the first."""
    return 1 + int(np.argmax([row.ap50 for row in rows]))


def box_scores(found: Iterable[tuple[Tensor, dict[str, Tensor]]], score_floor: float) -> BoxScores:
    """AP50 and AR of the boxes on patches.

    Args:
        found: of each patch, (k, 5) boxes and scores as :class:`~microcalc.models.faster_rcnn.RegionDetector` gives
            them, and its true boxes as torchvision takes them.
        score_floor: boxes below it count for nothing.
    """
    metric = MeanAveragePrecision(box_format="xyxy")
    for boxes, target in found:
        boxes = boxes[boxes[:, 4] >= score_floor][:_MOST]
        labels = target["labels"].new_ones(len(boxes))
        metric.update([{"boxes": boxes[:, :4], "scores": boxes[:, 4], "labels": labels}], [target])
    values = metric.compute()
    ap50, recall = (float(values[name]) for name in ("map_50", "mar_100"))
    return BoxScores(*(float("nan") if value < 0 else value for value in (ap50, recall)))  # -1: not defined
