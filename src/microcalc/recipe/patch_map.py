"""The recipe of a patch map: trained classifiers of patches, laid over whole mammograms window by window, and read."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from microcalc.findings import Record
from microcalc.recipe.base import Count, Name, Positive, Share
from microcalc.recipe.detector import DetectorRecipe

MapNormalisation = Literal["none", "min-max"]


class MapOf(Record):
    """What one classifier's map is made of; lengths in pixels of the recipe's spacing."""

    classifier: Name = Field(description="The recipe that the classifier is trained by.")
    stride_px: Count = Field(description="From one window to the next.")
    smoothing_px: Positive | None = Field(
        default=None, description="Standard deviation of the Gaussian that smooths the map; null: it stays as it is."
    )
    kernel_px: Count | None = Field(
        default=None, description="Side, odd, at which that Gaussian is cut off; null: 4 deviations to each side."
    )

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.kernel_px is not None and (self.smoothing_px is None or self.kernel_px % 2 == 0):
            raise ValueError(f"kernel_px is odd and goes with smoothing_px, got {self.kernel_px}")
        return self


class PatchMapRecipe(DetectorRecipe):
    """Which classifiers, their windows over the breast, and how marks are read off the map (section 2.3.1).

    ``min-max`` brings each classifier's map of each image to 0..1, so that on every image, a normal one too, some mark
    scores high.
    """

    kind: Literal["patch-map"]
    maps: tuple[MapOf, ...] = Field(min_length=1, description="One of each classifier; of several, their mean.")
    breast_share: Share = Field(description="Windows with less of the breast are left out.")
    normalisation: MapNormalisation = Field(
        description="min-max: the map of a whole image from its least value to its highest; none: probabilities."
    )
    maxima_px: Count = Field(ge=3, description="Side of the window of which a mark is the highest pixel.")
    nms_iou: Share | None = Field(
        default=None, description="Of two boxes of maxima_px that overlap more, the lower goes; null: none goes."
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        classifiers = [one.classifier for one in self.maps]
        if len(set(classifiers)) < len(classifiers):
            raise ValueError("maps name a classifier twice")
        return self

    def _light(self) -> dict[str, Any]:
        """Nothing beside."""
        return {"beside": []}
