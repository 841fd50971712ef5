"""What a recipe says of a network: which one, how its last layers look, and what it is fed."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from microcalc.findings import Record
from microcalc.recipe.base import Count, Positive

#: As ``microcalc.models.networks`` builds them.
NetworkName = Literal[
    "alexnet",
    "resnet18",
    "resnet34",
    "resnet50",
    "resnet101",
    "resnet152",
    "densenet121",
    "efficientnet_b0",
    "efficientnet_b1",
    "efficientnet_b2",
    "efficientnet_b3",
    "efficientnet_b4",
    "efficientnet_b5",
    "efficientnet_b6",
    "efficientnet_b7",
    "scalable_resnet",
    "resnet22",
    "resnet22_separable",
    "convnextv2_atto",
    "convnextv2_zepto",
    "convnextv2_yocto",
]
Activation = Literal["relu", "leaky-relu", "gelu"]
Start = Literal["random", "imagenet"]
#: Networks of which there are no weights learnt on ImageNet.
_OWN: tuple[NetworkName, ...] = (
    "scalable_resnet",
    "resnet22",
    "resnet22_separable",
    "convnextv2_zepto",
    "convnextv2_yocto",
)
PatchNormalisation = Literal["none", "max", "min-max", "z-score", "imagenet"]


class Head(Record):
    """Fully connected layers from the pooled features to the outputs: the hidden ones, and a last linear layer."""

    hidden: tuple[Count, ...] = Field(default=(), description="Neurons of each hidden layer.")
    activation: Activation = Field(
        default="relu", description="Of the hidden layers; of scalable_resnet also after its first convolution."
    )
    dropout: Annotated[float, Field(ge=0.0, lt=1.0)] = Field(
        default=0.0, description="After each hidden layer; with none, before the last layer."
    )


class Network(Record):
    """A network and where its weights start."""

    name: NetworkName
    start: Start = Field(description="Weights: random, or those learnt on ImageNet.")
    channels: Literal[1, 3] = Field(description="Of the input; 3: the grey image three times.")
    stages: Annotated[int, Field(ge=2, le=4)] | None = Field(
        default=None, description="Downsampling stages of scalable_resnet: 2, 3, 4 for 16, 32, 64 px; else null."
    )
    head: Head = Head()
    frozen_through: str | None = Field(
        default=None, description="Module's name: it and all before it keep their weights, batch norms their moments."
    )

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if (self.name == "scalable_resnet") != (self.stages is not None):
            raise ValueError("stages are those of scalable_resnet, which needs them")
        if self.start == "imagenet" and self.name in _OWN:
            raise ValueError(f"there are no weights of {self.name} learnt on ImageNet: start: random")
        return self


class PatchInput(Record):
    """How a patch is made ready for the network, in this order: blur, resize, normalise.

    Patches are 0..1 as read. ``max``: divided by the patch's maximum; ``min-max``: from its minimum to its maximum;
    ``z-score``: by its mean and standard deviation; ``imagenet``: each channel by ImageNet's mean and deviation.
    """

    size_px: Count = Field(description="Side of the patch as cut, at the recipe's spacing.")
    blur_sigma_px: Positive | None = Field(default=None, description="Gaussian, before anything else.")
    resize_px: Count | None = Field(default=None, description="Side that it is resized to; null: as cut.")
    normalisation: PatchNormalisation

    @property
    def network_px(self) -> int:
        """Side of what the network sees."""
        return self.resize_px or self.size_px
