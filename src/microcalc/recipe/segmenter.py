"""The recipe of a segmenter: a network that maps calcium, trained on windows drawn from a bank of phantoms."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from microcalc.findings import Record
from microcalc.recipe.base import Count, Positive, Share
from microcalc.recipe.detector import DetectorRecipe
from microcalc.recipe.fitting import Augmentation, Optimiser, Probability
from microcalc.recipe.segmentation import SegmentationInput

_SMOKE_PATIENTS, _SMOKE_PX, _SMOKE_BATCH, _SMOKE_STEPS = 1, 64, 2, 3
#: Maxima of a network that has learnt nothing are low.
_SMOKE_FLOOR = 0.005


class BankPlan(Record):
    """The phantoms that windows are drawn from; none of them is in a benchmark."""

    patients: Count = Field(description="Four views each.")
    seed: int = Field(ge=0, lt=2**32)


class Windows(Record):
    """What is drawn for each step."""

    size_px: Count
    batch: Count = Field(description="Windows a step.")
    positive_share: Probability = Field(description="Of the windows that are to hold calcium.")
    spacing_mm: tuple[Positive, Positive] = Field(
        description="Pixel pitch, drawn evenly from low to high for each step; coarser views keep their own."
    )

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if not self.spacing_mm[0] <= self.spacing_mm[1]:
            raise ValueError(f"spacing_mm runs from low to high, got {self.spacing_mm}")
        return self


class SpeckNetwork(Record):
    """Levels of :class:`~microcalc.models.speck_net.SpeckNet`, from half the resolution down."""

    widths: tuple[Count, ...] = Field(min_length=2, description="Channels.")
    depths: tuple[Count, ...] = Field(min_length=2, description="Residual blocks on the way down.")

    @model_validator(mode="after")
    def _one_each(self) -> Self:
        if len(self.widths) != len(self.depths):
            raise ValueError(f"{len(self.widths)} widths, but {len(self.depths)} depths")
        return self

    @property
    def multiple(self) -> int:
        """Of which the sides of its input have to be multiples."""
        return int(2 ** len(self.widths))


class MapFitting(Record):
    """How the network is fitted: so many steps, the learning rate rising, then falling to nought as a cosine."""

    steps: Count
    optimiser: Optimiser
    warm_up: Share = Field(description="Share of the steps in which the learning rate rises.")
    focal: Annotated[float, Field(ge=0.0)] = Field(description="Exponent: how little well-known pixels count.")
    average: Share = Field(description="What a step leaves of the running average of weights, which is what is kept.")
    augmentation: Augmentation = Augmentation()
    checkpoint_every: Count = Field(description="Steps.")


class Company(Record):
    """How much a mark's neighbours count (:mod:`microcalc.detectors.company`)."""

    radius_mm: Positive = Field(description="Within which marks are neighbours.")
    above: Share = Field(description="Maxima of the map from which on marks are looked for, and count as company.")
    weight: Annotated[float, Field(ge=0.0)] = Field(description="0: neighbours count nothing.")


class SegmenterRecipe(DetectorRecipe):
    """A bank, a network, and how it is fitted and read."""

    kind: Literal["segmenter"]
    spacing_mm: Positive = Field(description="Pixel pitch worked at, mm; coarser images are left as they are.")
    bank: BankPlan
    windows: Windows
    input: SegmentationInput
    network: SpeckNetwork
    fitting: MapFitting
    company: Company

    @property
    def maps(self) -> tuple[str, ...]:
        """What each of the network's maps is of."""
        return ("calcification",)

    @property
    def classes(self) -> tuple[str, ...]:
        """None are told apart."""
        return ()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.input.channels, self.input.normalisation) != (1, "local"):
            raise ValueError("input has one channel and the normalisation local: so windows are made ready")
        if self.input.multiple != self.network.multiple:
            raise ValueError(f"input.multiple is that of the network, {self.network.multiple}")
        if self.windows.size_px % self.network.multiple:
            raise ValueError(f"windows.size_px is a multiple of {self.network.multiple}")
        return self

    def _light(self) -> dict[str, Any]:
        """One patient, a few steps on small windows, nothing beside."""
        return {
            "bank": {"patients": _SMOKE_PATIENTS},
            "beside": [],
            "windows": {"size_px": _SMOKE_PX, "batch": _SMOKE_BATCH},
            "fitting": {"steps": _SMOKE_STEPS, "checkpoint_every": _SMOKE_STEPS},
            "company": {"above": _SMOKE_FLOOR},
        }
