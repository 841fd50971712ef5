"""What a benchmark of networks on patches found, and its JSON (``microcalc.patch-benchmark/1``).

A number that is not defined on these patches is null, and a remark says why. Shares lie in 0..1. Intervals hold 95 %.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from microcalc.comparison.records import Difference, Estimate
from microcalc.evaluation.bootstrap import Unit
from microcalc.evaluation.segmentation import OverlapMetric
from microcalc.evaluation.tables import Published
from microcalc.findings import Document, Record
from microcalc.truth import Split


class Budget(Record):
    """What a network was trained with, beside what its paper spent."""

    trained_on: str = Field(description="The data, as its card calls them.")
    epochs: int | None = Field(description="Done; null where the card does not say.")
    patches: int | None = Field(description="Drawn in all epochs, each as often as it came; null likewise.")
    seconds: float | None
    changed: tuple[str, ...] = Field(description="What differs from the recipe that microcalc has by this name.")
    paper_epochs: int | None = Field(description="By that recipe; null: there is none of this name.")
    paper_patches: int | None = Field(description="Those epochs times the paper's training patches; null: unknown.")

    @property
    def share(self) -> float | None:
        """Of the paper's patches; None where either is unknown."""
        return None if self.patches is None or self.paper_patches is None else self.patches / self.paper_patches


class Outlined(Record):
    """How well the lesions of one class are outlined, on the patches of that class."""

    target: str
    patches: int
    by_patch: dict[OverlapMetric, Estimate] = Field(description="Mean over the patches on which each is defined.")
    by_pixel: dict[OverlapMetric, Estimate] = Field(description="All patches as one.")


class NetworkResult(Record):
    """One network on all patches."""

    name: str = Field(description="As the call has it.")
    package: str
    version: str
    package_sha256: str
    kind: str
    weights: int = Field(description="Numbers that training has set.")
    budget: Budget
    areas: dict[str, Estimate] = Field(description="Target -> area under the ROC curve.")
    differences: dict[str, Difference] = Field(description="The same, minus the first network's; none of itself.")
    maps: str | None = Field(description="What is taken for its outlines; null: it gives none.")
    outlined: tuple[Outlined, ...] = Field(description="None where it gives no maps.")
    published: tuple[Published, ...] = Field(description="Rows of the paper's tables that are about this network.")


class PatchBenchmark(Document):
    """A whole benchmark of networks on patches."""

    schema_: Literal["microcalc.patch-benchmark/1"] = Field(default="microcalc.patch-benchmark/1", alias="schema")
    microcalc: str = Field(description="Version.")
    data: str
    protocol: str
    patch: str = Field(description="Side and pixel pitch, in words.")
    split: Split | None
    counts: dict[str, int] = Field(description="Patches by class.")
    images: int
    patients: int | None = Field(description="null where the data do not say.")
    resample: Unit
    draws: int
    seed: int
    remarks: tuple[str, ...] = Field(description="What a reader of the numbers has to know.")
    networks: tuple[NetworkResult, ...]
