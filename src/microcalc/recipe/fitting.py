"""What a recipe says of how a network is fitted: loss, optimiser, schedule, batches, augmentation, when to stop."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from microcalc.findings import Record
from microcalc.recipe.base import Count, Positive, Share

Probability = Annotated[float, Field(ge=0.0, le=1.0)]
OperationName = Literal[
    "horizontal-flip",
    "vertical-flip",
    "transpose",
    "quarter-turns",
    "rotation",
    "affine",
    "resized-crop",
    "brightness",
    "contrast",
    "gamma",
    "blur",
    "sharpening",
    "noise",
    "inversion",
]
#: Least and greatest strength of those operations that have one; the others are done or not.
STRENGTHS: dict[OperationName, tuple[float, float]] = {
    "rotation": (-360.0, 360.0),  # degrees
    "affine": (-40.0, 40.0),  # degrees; by 45 along both axes all would lie on one line
    "resized-crop": (0.01, 1.0),  # share of the area
    "brightness": (0.0, 10.0),  # factor
    "contrast": (0.0, 10.0),  # factor
    "gamma": (0.1, 10.0),  # exponent
    "blur": (0.0, 100.0),  # standard deviation, px
    "sharpening": (0.0, 10.0),  # share of what a blur by 2 px takes away, that is added
    "noise": (0.0, 1.0),  # standard deviation, in units of 0..1
}


class Loss(Record):
    """Of the outputs; binary cross-entropy has one output for two classes, cross-entropy one for each."""

    kind: Literal["cross-entropy", "binary-cross-entropy"]
    weights: tuple[Positive, ...] | None = Field(
        default=None, description="One a class, in their order; null: all alike."
    )


class Optimiser(Record):
    """Adam, AdamW or SGD, by torch's names; what is not named here is torch's default."""

    kind: Literal["adam", "adamw", "sgd"]
    learning_rate: Positive
    weight_decay: Annotated[float, Field(ge=0.0)] = Field(
        default=0.0, description="adam and sgd: an L2 penalty in the gradient; adamw: apart from it."
    )
    momentum: Annotated[float, Field(ge=0.0, lt=1.0)] = Field(default=0.0, description="Of sgd.")

    @model_validator(mode="after")
    def _momentum_of_sgd(self) -> Self:
        if self.momentum and self.kind != "sgd":
            raise ValueError(f"momentum goes with sgd, got {self.momentum} with {self.kind}")
        return self


class Schedule(Record):
    """How the learning rate falls, epoch by epoch; cosine: to nought over the most epochs there can be."""

    kind: Literal["constant", "step", "plateau", "cosine"]
    epochs: Count | None = Field(
        default=None, description="step: from fall to fall; plateau: without a lower validation loss."
    )
    factor: Share | None = Field(default=None, description="step and plateau: what each fall multiplies it by.")

    @model_validator(mode="after")
    def _whole(self) -> Self:
        falls = self.kind in ("step", "plateau")
        if falls != (self.epochs is not None) or falls != (self.factor is not None):
            raise ValueError("epochs and factor go with step and plateau, and with nothing else")
        return self


class Sampling(Record):
    """Which training patches an epoch has."""

    balanced: bool = Field(default=False, description="Every class drawn equally often, with replacement.")
    ratio: Positive | None = Field(
        default=None, description="Negatives to a positive, drawn anew each epoch; null: as many as there are."
    )
    batches: Count | None = Field(
        default=None,
        description="Of an epoch, its patches drawn anew, some again where there are too few; null: all, once.",
    )
    turned_but: tuple[str, ...] | None = Field(
        default=None,
        description="Patches also come turned by 90, 180 and 270 degrees, but those of these origins; "
        "null: none is turned.",
    )

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.balanced and self.ratio is not None:
            raise ValueError("balanced draws and a ratio exclude each other")
        return self


class Operation(Record):
    """One augmentation, its strength drawn evenly from low to high."""

    name: OperationName
    probability: Probability = Field(default=1.0, description="That a patch gets it; one_of: its weight in the draw.")
    low: float | None = Field(default=None, description="What it measures depends on the operation.")
    high: float | None = None

    @model_validator(mode="after")
    def _strength_where_it_has_one(self) -> Self:
        if self.name not in STRENGTHS:
            if self.low is not None or self.high is not None:
                raise ValueError(f"{self.name} has no strength, hence no low and high")
            return self
        least, greatest = STRENGTHS[self.name]
        if self.low is None or self.high is None or not least <= self.low <= self.high <= greatest:
            raise ValueError(
                f"{self.name} needs low and high, in this order and from {least:g} to {greatest:g}, "
                f"got {self.low} and {self.high}"
            )
        return self


class Augmentation(Record):
    """Random changes of training patches, masks along with them, drawn anew each epoch; without operations: none."""

    probability: Probability = Field(default=1.0, description="That a patch is changed at all.")
    one_of: bool = Field(default=False, description="One operation a patch, drawn; else each by its own probability.")
    operations: tuple[Operation, ...] = Field(default=(), description="In the order they are done in.")
    then_one_of: tuple[Operation, ...] = Field(
        default=(), description="One of these on top, drawn by their probabilities; none: nothing on top."
    )

    @model_validator(mode="after")
    def _possible(self) -> Self:
        drawn = [self.operations] * self.one_of + [self.then_one_of] * bool(self.then_one_of)
        if not all(any(operation.probability for operation in operations) for operations in drawn):
            raise ValueError("one_of and then_one_of need an operation that can be drawn")
        return self


class Ending(Record):
    """When training ends."""

    epochs: Count = Field(description="At most.")
    patience: Count | None = Field(
        default=None, description="Epochs without a lower validation loss, after which it ends; null: never early."
    )
    min_delta: Annotated[float, Field(ge=0.0)] = Field(default=0.0, description="Least fall of the loss that counts.")

    @model_validator(mode="after")
    def _gain_of_patience(self) -> Self:
        if self.min_delta and self.patience is None:
            raise ValueError("min_delta goes with patience")
        return self


class Stopping(Ending):
    """When training ends, and which epoch is kept."""

    keep: Literal["accuracy", "loss", "auc", "last"] = Field(
        description="The epoch best by this on validation, the earlier of equals; or the last one."
    )


class Fitting(Record):
    """How a network is fitted."""

    loss: Loss
    optimiser: Optimiser
    schedule: Schedule = Schedule(kind="constant")
    batch: Count = Field(description="Patches a step of the optimiser, over all devices.")
    accumulate: Count = Field(default=1, description="Parts that a batch is worked on in, to save memory.")
    sampling: Sampling = Sampling()
    augmentation: Augmentation = Augmentation()
    stopping: Stopping
    precision: Literal["f32", "bf16", "f16"] = Field(default="f32", description="f16 and bf16: mixed.")

    @model_validator(mode="after")
    def _parts_of_a_batch(self) -> Self:
        if self.accumulate > self.batch:
            raise ValueError(f"a batch of {self.batch} does not come in {self.accumulate} parts")
        return self
