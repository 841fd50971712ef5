"""The recipe of a Faster R-CNN: a classifier's layers as its backbone, windows with boxes around calcifications."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from microcalc.findings import Record
from microcalc.recipe.base import Count, Name, Positive, Share
from microcalc.recipe.detector import DetectorRecipe
from microcalc.recipe.fitting import Ending, Optimiser, Schedule
from microcalc.recipe.network import Network

#: Networks that a backbone is cut out of.
BACKBONES = ("resnet50", "efficientnet_b3", "densenet121")
#: Of a smoke run: side that a window is resized to, neurons of a layer, patches of a batch.
_SMOKE_RESIZED_PX, _SMOKE_NEURONS, _SMOKE_BATCH = 96, 16, 2
#: And its batches: batch norms that have seen fewer know nothing of their moments, and nothing is boxed.
_SMOKE_BATCHES = 20


class MarkedPatches(Record):
    """Patches with calcifications on them, and the boxes around these."""

    protocol: Name
    size_px: Count = Field(description="Side of a patch, at the recipe's spacing.")
    box_px: Positive = Field(description="Side of the box centred on each calcification, at the recipe's spacing.")


class RegionNetwork(Record):
    """torchvision's Faster R-CNN around the first layers of a classifier; what is not named is torchvision's default.

    The classifier's layers begin at random, or with the weights that a run is given (``--init``).
    """

    backbone: Network
    output_stride: Literal[8, 32] = Field(description="Pixels from cell to cell of the feature map: where it is cut.")
    width: Count | None = Field(
        default=None, description="Channels that a 1x1 convolution leaves; null: none is added."
    )
    resize_px: Count | None = Field(
        default=None, description="Side that a window is enlarged to by torchvision's own transform; null: as cut."
    )
    anchor_px: Positive = Field(description="Side of the one, square anchor, in pixels after resizing.")
    pooled: Count = Field(description="Cells along a side of what is pooled of a proposal.")
    neurons: Count = Field(description="Of each of the two layers behind it.")
    proposals: Count = Field(description="Of a window, kept for these layers; in training twice as many.")
    detections: Count = Field(description="Most boxes of a window.")

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.backbone.name not in BACKBONES:
            raise ValueError(f"a backbone is one of {', '.join(BACKBONES)}, got {self.backbone.name}")
        return self


class Scanning(Record):
    """How a whole mammogram is read window by window."""

    window_px: Count = Field(description="Side of a window; those without any breast are left out.")
    stride_px: Count = Field(description="From window to window.")
    border_px: Annotated[int, Field(ge=0)] = Field(
        description="Read beyond a window on every side, by reflection beyond the image; marks there are not its own."
    )
    normalisation: Literal["window", "moving"] = Field(
        description="Z-score of a pixel by its window, or by the square of a patch's size around it."
    )
    score_floor: Share = Field(description="Boxes below it are not listed.")
    nms_iou: Share = Field(description="Of two boxes that overlap by more the better is kept.")

    @model_validator(mode="after")
    def _covers(self) -> Self:
        if self.stride_px > self.window_px:
            raise ValueError(f"windows of {self.window_px} px at a stride of {self.stride_px} px leave gaps")
        return self

    @property
    def network_px(self) -> int:
        """Side of what the network sees, before it resizes it."""
        return self.window_px + 2 * self.border_px


class DetectorFitting(Record):
    """How the network is fitted; kept is the epoch of the highest AP50 on validation, the earlier of equals."""

    optimiser: Optimiser
    schedule: Schedule
    batch: Count = Field(description="Patches a step of the optimiser.")
    accumulate: Count = Field(default=1, description="Parts that a batch is worked on in, to save memory.")
    batches: Count | None = Field(
        default=None, description="Of an epoch, its patches drawn anew; null: all patches, once."
    )
    stopping: Ending

    @model_validator(mode="after")
    def _parts_of_a_batch(self) -> Self:
        if self.accumulate > self.batch:
            raise ValueError(f"a batch of {self.batch} does not come in {self.accumulate} parts")
        return self


class FasterRcnnRecipe(DetectorRecipe):
    """Marked patches, a network that boxes what they show, how it is fitted, and how it reads a mammogram."""

    kind: Literal["faster-rcnn"]
    spacing_mm: Positive = Field(description="Pixel pitch worked at, mm; coarser images are left as they are.")
    patches: MarkedPatches
    network: RegionNetwork
    fitting: DetectorFitting
    scanning: Scanning

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.network.resize_px is not None and self.scanning.network_px != self.patches.size_px:
            raise ValueError("windows that are resized are of the size of the patches, or calcium changes its size")
        return self

    def _light(self) -> dict[str, Any]:
        """One epoch of few small batches, random weights, small pictures where windows are resized, nothing beside."""
        network = self.network
        return {
            "network": {
                "backbone": {"start": "random"},
                "resize_px": network.resize_px and _SMOKE_RESIZED_PX,
                "neurons": min(network.neurons, _SMOKE_NEURONS),
            },
            "fitting": {
                "batch": _SMOKE_BATCH,
                "accumulate": 1,
                "batches": _SMOKE_BATCHES,
                "stopping": {"epochs": 1},
            },
            "beside": [],
        }
