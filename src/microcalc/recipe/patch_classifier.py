"""The recipe of a patch classifier, and what every recipe of a network trained on patches states."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from microcalc.evaluation.tables import published
from microcalc.findings import Record
from microcalc.recipe.base import Count, Name, RecipeBase, Share
from microcalc.recipe.cascade import CalibrationMethod
from microcalc.recipe.fitting import Fitting
from microcalc.recipe.network import Network, PatchInput
from microcalc.recipe.yaml_text import Text

#: Of a smoke run: most pixels of a patch's side, patches of a batch (but one for each part of it), and batches of its
#: one epoch.
_SMOKE_PX, _SMOKE_BATCH, _SMOKE_BATCHES = 96, 4, 2
#: Where the recipe draws them from the few patches of a smoke run: share for validation, and test patches of a class.
_SMOKE_VALIDATION, _SMOKE_TEST = 0.3, 8


class PatchClass(Record):
    """A class of the network, and the labels of the protocol that belong to it."""

    name: Text
    labels: tuple[Text, ...] = Field(min_length=1)


class Target(Record):
    """A question put to the network: how likely is one of these classes?"""

    name: Text
    classes: tuple[Text, ...] = Field(min_length=1, description="Their probabilities are added up.")


class Patches(Record):
    """Where patches come from, and which class is which."""

    protocol: Name
    classes: tuple[PatchClass, ...] = Field(min_length=2, description="In the order of the outputs, negative first.")
    targets: tuple[Target, ...] = Field(min_length=1, description="The first is the package's score.")
    validation_share: Share | None = Field(
        default=None, description="Of training patients, or patches, set apart where the data has no validation part."
    )
    split_by: Literal["patient", "patch"] = Field(
        default="patient", description="patch: patients on both sides, as a paper did; the result is marked as leaking."
    )
    test_per_class: Count | None = Field(
        default=None, description="Test patches drawn of each class, at most; null: all."
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        names = [one.name for one in self.classes]
        labels = [label for one in self.classes for label in one.labels]
        if len(set(names)) < len(names) or len(set(labels)) < len(labels):
            raise ValueError("a class, or a label of one, is named twice")
        for target in self.targets:
            if not 0 < len(set(target.classes) & set(names)) == len(target.classes) < len(names):
                raise ValueError(f"the target {target.name!r} takes some of the classes, once each: {', '.join(names)}")
        if self.split_by == "patch" and self.validation_share is None:
            raise ValueError("split_by: patch needs a validation_share: no part of the data stays as it is")
        return self


class PointRule(Record):
    """How an operating point is chosen on validation."""

    rule: Literal["argmax", "youden", "tangent", "sensitivity", "specificity"] = Field(
        description="argmax: probability one half, before calibration; tangent: of slope 1; else at the value."
    )
    value: Share | None = Field(default=None, description="Of sensitivity and specificity.")

    @model_validator(mode="after")
    def _value_where_needed(self) -> Self:
        if (self.rule in ("sensitivity", "specificity")) != (self.value is not None):
            raise ValueError("a value goes with sensitivity and specificity, and with nothing else")
        return self


class PatchRecipe(RecipeBase):
    """What every network that is trained on patches of a protocol states; kinds of networks add their own."""

    patches: Patches
    input: PatchInput
    network: Record
    fitting: Fitting
    calibration: CalibrationMethod
    operating_points: dict[Name, PointRule] = Field(min_length=1)
    default_operating_point: Name
    published: tuple[Text, ...] = Field(
        default=(), description="Rows of the paper's tables (`name` in microcalc.evaluation.tables) beside the report."
    )

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.default_operating_point not in self.operating_points:
            raise ValueError(f"the default operating point {self.default_operating_point!r} is not among them")
        classes, loss = len(self.patches.classes), self.fitting.loss
        if loss.kind == "binary-cross-entropy" and classes != 2:
            raise ValueError(f"binary cross-entropy is for two classes, got {classes}")
        if loss.weights is not None and len(loss.weights) != classes:
            raise ValueError(f"{len(loss.weights)} weights of the loss for {classes} classes")
        rows = {row.name for row in published(level="patch") if row.paper == self.paper}
        for name in self.published:
            if name not in rows:
                raise ValueError(f"no row {name!r} of a patch table of the paper {self.paper}")
        return self

    @property
    def outputs(self) -> int:
        """Of the network."""
        return 1 if self.fitting.loss.kind == "binary-cross-entropy" else len(self.patches.classes)

    def _light(self) -> dict[str, Any]:
        """Small patches, resized in proportion; one epoch of two small batches."""
        patch, fitting, drawn = self.input, self.fitting, self.patches
        size = min(patch.size_px, _SMOKE_PX)
        resized = None if patch.resize_px is None else round(patch.resize_px * size / patch.size_px)
        return {
            "patches": {
                "validation_share": drawn.validation_share and _SMOKE_VALIDATION,
                "test_per_class": drawn.test_per_class and min(drawn.test_per_class, _SMOKE_TEST),
            },
            "input": {"size_px": size, "resize_px": resized},
            "fitting": {
                "batch": min(fitting.batch, max(_SMOKE_BATCH, fitting.accumulate)),
                "sampling": {"batches": _SMOKE_BATCHES},
                "stopping": {"epochs": 1},
            },
        }


class PatchClassifierRecipe(PatchRecipe):
    """Patches of a protocol, a network that calls their class, and how it is fitted and read."""

    kind: Literal["patch-classifier"]
    network: Network

    @model_validator(mode="after")
    def _sees_no_farther(self) -> Self:
        if self.input.context is not None and self.network.name != "scalable_resnet":
            raise ValueError(f"a context is for scalable_resnet: {self.network.name} is not known to see no farther")
        return self

    def _light(self) -> dict[str, Any]:
        """And no weights to fetch."""
        return super()._light() | {"network": {"start": "random"}}
