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
PatchNormalisation = Literal["none", "max", "min-max", "z-score", "imagenet", "local-moments"]


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


class Context(Record):
    """What a network sees beyond its window, so that it may be run once over an image, for all windows together."""

    margin_px: Count = Field(
        description="Read beyond the window on every side: no feature of the window sees farther; in steps of the "
        "network's last feature map."
    )
    moments_px: Count = Field(
        description="Side, odd, of the box around each pixel whose mean and deviation normalise it."
    )
    stride_px: Count = Field(
        description="Between the windows of an image that the network answers for, in steps of the last feature map."
    )

    @model_validator(mode="after")
    def _centred(self) -> Self:
        if self.moments_px % 2 == 0 or self.moments_px == 1:
            raise ValueError(f"moments_px is odd and above 1, got {self.moments_px}")
        return self


class PatchInput(Record):
    """How a patch is made ready for the network, in this order: blur, resize, normalise.

    Patches are 0..1 as read. ``max``: divided by the patch's maximum; ``min-max``: from its minimum to its maximum;
    ``z-score``: by its mean and standard deviation; ``imagenet``: each channel by ImageNet's mean and deviation;
    ``local-moments``: each pixel by mean and standard deviation of the box around it, which a network with a context
    is fed, and no other.
    """

    size_px: Count = Field(description="Side of the patch, at the recipe's spacing; of its window where it has more.")
    blur_sigma_px: Positive | None = Field(default=None, description="Gaussian, before anything else.")
    resize_px: Count | None = Field(default=None, description="Side that it is resized to; null: as cut.")
    normalisation: PatchNormalisation
    context: Context | None = Field(
        default=None, description="Around the patch, of a network that may be run over whole images; null: none."
    )

    @model_validator(mode="after")
    def _context_alone(self) -> Self:
        if (self.context is not None) != (self.normalisation == "local-moments"):
            raise ValueError("normalisation: local-moments goes with a context, and a context with nothing else")
        if self.context is not None and (self.blur_sigma_px is not None or self.resize_px is not None):
            raise ValueError("a patch with a context is neither blurred nor resized: windows of an image overlap")
        return self

    @property
    def network_px(self) -> int:
        """Side of what the network sees."""
        if self.context is not None:
            return self.size_px + 2 * self.context.margin_px
        return self.resize_px or self.size_px

    @property
    def cut_px(self) -> int:
        """Side of the patch as cut: what the network sees and, around it, what that is normalised by."""
        if self.context is not None:
            return self.network_px + 2 * (self.context.moments_px // 2)
        return self.size_px
