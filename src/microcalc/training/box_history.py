"""The history of a fit on boxes, a row an epoch, and AP and AR by torchmetrics."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from pydantic import Field
from torch import Tensor
from torchmetrics.detection import MeanAveragePrecision

from microcalc.findings import Document, Record
from microcalc.output import replacing

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


class BoxHistory(Document):
    """``history.json``: what learning curves are drawn from."""

    schema_: Literal["microcalc.box-history/1"] = Field(default="microcalc.box-history/1", alias="schema")
    epochs: tuple[BoxRow, ...] = Field(min_length=1)
    kept: int = Field(ge=1, description="The epoch whose weights are kept, of those so far.")
    stopped: str | None = Field(description="Why training ended; null: it goes on.")

    def write(self, path: Path) -> None:
        """Write the file.

        Raises:
            WriteError: it cannot be written.
        """
        with replacing(path) as file:
            file.write(self.to_json().encode())


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
