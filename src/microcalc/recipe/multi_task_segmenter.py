"""The recipe of a network that outlines benign and malignant calcifications and names the class of the patch."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from microcalc.findings import Record
from microcalc.recipe.base import Count
from microcalc.recipe.patch_classifier import PatchRecipe
from microcalc.recipe.segmentation import SegmentationInput
from microcalc.recipe.yaml_text import Text

#: Levels of the encoder, each half as large as the one before, and inputs of each level of the decoder.
LEVELS = 5
#: Sides of what UNet 3+ sees are multiples of it: its lowest level is so many times smaller.
MULTIPLE = 2 ** (LEVELS - 1)
#: Filters of a smoke run.
_SMOKE_WIDTHS = (4, 4, 8, 8, 8)


class UNet3PlusSpec(Record):
    """UNet 3+ and what Terrassin et al. add to it; ``microcalc.models.unet3plus`` builds it, its start at random."""

    channels: Literal[1] = Field(default=1, description="Of the input.")
    widths: Annotated[tuple[Count, ...], Field(min_length=LEVELS, max_length=LEVELS)] = Field(
        description="Filters of each level of the encoder, finest first."
    )
    skip: Count = Field(description="Filters of each of the five inputs of a level of the decoder.")
    sapf: bool = Field(description="Scale-aware pyramid fusion at the bottleneck; else its two convolutions alone.")
    aspp: tuple[Count, ...] = Field(
        min_length=1, description="Rates of the atrous pyramid in the decoder; 1 alone: one convolution."
    )
    multi_task: bool = Field(description="Maps and classes; else classes alone.")
    multi_scale: bool = Field(description="Outputs at every level and at the bottleneck; else at the finest alone.")

    @model_validator(mode="after")
    def _shared_out(self) -> Self:
        if LEVELS * self.skip % len(self.aspp):
            raise ValueError(
                f"the {LEVELS * self.skip} filters of a level of the decoder, {LEVELS} times skip, "
                f"cannot be shared equally by {len(self.aspp)} rates"
            )
        return self


class MultiTaskSegmenterRecipe(PatchRecipe):
    """Patches of a protocol with masks, a UNet 3+ of two tasks, and how it is fitted and read.

    ``fitting.loss`` is that of the classes; that of the maps is the paper's (``microcalc.training.multi_task_loss``).
    """

    kind: Literal["multi-task-segmenter"]
    network: UNet3PlusSpec
    masks: tuple[Text, ...] = Field(min_length=1, description="Of the protocol, in its order: a map each.")
    segmentation: SegmentationInput = Field(description="How whole mammograms are fed to it.")

    @property
    def maps(self) -> tuple[str, ...]:
        """What each of the network's maps is of; none where it has only the task of classes."""
        return self.masks if self.network.multi_task else ()

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes, in the order of the outputs."""
        return tuple(one.name for one in self.patches.classes)

    @model_validator(mode="after")
    def _network_fits(self) -> Self:
        if self.fitting.loss.kind != "cross-entropy":
            raise ValueError("the loss of the classes is cross-entropy: one output for each")
        if self.input.blur_sigma_px is not None or self.input.resize_px is not None:
            raise ValueError("patches are seen as they are cut, as their masks are: no blur, no resizing")
        if self.input.size_px % MULTIPLE or self.segmentation.multiple % MULTIPLE:
            raise ValueError(
                f"UNet 3+ sees sides that are multiples of {MULTIPLE}, got patches of {self.input.size_px} px and "
                f"tiles in multiples of {self.segmentation.multiple} px"
            )
        patches = self.network.channels, self.input.normalisation
        tiles = self.segmentation.channels, self.segmentation.normalisation
        if patches != tiles:
            raise ValueError(f"patches and tiles have the same channels and normalisation, got {patches} and {tiles}")
        return self

    def _light(self) -> dict[str, Any]:
        """And a few filters, of which every rate still gets some."""
        return super()._light() | {"network": {"widths": _SMOKE_WIDTHS, "skip": len(self.network.aspp)}}
