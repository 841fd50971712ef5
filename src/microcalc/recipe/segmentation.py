"""What a recipe says of how a network that maps calcium is fed: shared by all kinds of segmenters."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from microcalc.findings import Record
from microcalc.recipe.base import Count

ImageNormalisation = Literal["none", "local"]


class SegmentationInput(Record):
    """How a mammogram is made ready for the network and cut into tiles.

    ``none``: pixels 0..1 as read; ``local``: less their local mean, over the local noise
    (:mod:`microcalc.models.local_contrast`).
    """

    channels: Count = Field(default=1, description="Of the input; more than one: the grey image so many times.")
    normalisation: ImageNormalisation
    multiple: Count = Field(description="Sides of what the network sees are multiples of it.")
    tile_px: Count = Field(description="Side of a tile's core, whose result is kept.")
    halo_px: Annotated[int, Field(ge=0)] = Field(description="What a tile reads beyond its core, on every side.")
    blend: bool = Field(default=False, description="Overlapping tiles are averaged: the network sees beyond any halo.")

    @model_validator(mode="after")
    def _on_multiples(self) -> Self:
        if self.tile_px % self.multiple or self.halo_px % self.multiple:
            raise ValueError(
                f"tile_px and halo_px are multiples of {self.multiple}, got {self.tile_px}, {self.halo_px}"
            )
        return self
