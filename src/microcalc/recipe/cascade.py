"""The recipe of the cascade: candidates, features, and two support vector machines in a row.

Cortina Uribe et al., section 2.2 and appendix 1.
"""

from __future__ import annotations

import itertools
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from microcalc.features import FAMILIES
from microcalc.findings import Record
from microcalc.recipe.base import Count, Folds, Name, Positive, RecipeBase, Share
from microcalc.recipe.proposer import Proposer

Kernel = Literal["linear", "poly", "rbf"]
Gamma = Positive | Literal["scale"]
Normalisation = Literal["min-max", "z-score"]
CalibrationMethod = Literal["isotonic", "centred-isotonic", "platt"]


def _known(family: str) -> str:
    if family not in FAMILIES:
        raise ValueError(f"no family of features of that name; there are {', '.join(FAMILIES)}")
    return family


class HaarSelection(Record):
    """Which Haar-like features to keep: by the importance that random forests give them, in stages (section 2.2.1)."""

    images: Count = Field(description="Of the training part, whose candidates the forests see.")
    first: Count = Field(description="Kept of the first group of prototypes.")
    second: Count = Field(description="Kept of the second and third groups.")
    kept: Count = Field(description="Kept of these two lots together.")
    trees: Count = Field(description="Of each forest.")
    folds: Folds = Field(description="Over which importances are averaged, by patient.")
    sizes: tuple[Count, ...] = Field(description="Numbers of features on the plateau plot (Figure 10).")

    @model_validator(mode="after")
    def _possible(self) -> Self:
        lots = self.first + self.second
        if self.kept > lots or any(size > lots for size in self.sizes):
            raise ValueError(f"kept and sizes can be {lots} at most, the sum of first and second")
        return self


class Svm(Record):
    """A support vector machine, by scikit-learn's names."""

    kernel: Kernel
    C: Positive
    gamma: Gamma = Field(
        default="scale", description="Of poly and rbf; scale is 1 / (features x variance of all values)."
    )
    degree: Count = Field(default=3, description="Of poly.")


class Comparison(Record):
    """Of classifiers on the families of features (Table 2)."""

    folds: Folds = Field(description="By patient.")
    candidates: Count = Field(description="Most that a classifier is trained on; of more, so many are drawn.")


def _radial(machine: Svm) -> Svm:
    if machine.kernel != "rbf":
        raise ValueError(f"packages hold machines with the kernel rbf only, got {machine.kernel}")
    return machine


class Grid(Record):
    """Machines to compare by cross-validation (section 2.2.5); the recipe's own is not chosen by it."""

    folds: Folds = Field(description="By patient.")
    candidates: Count = Field(description="Most that the search sees; of more, so many are drawn.")
    steps: Count = Field(description="Of the solver, after which a machine that has not converged is taken as it is.")
    kernels: tuple[Kernel, ...] = Field(min_length=1)
    C: tuple[Positive, ...] = Field(min_length=1)
    degree: tuple[Count, ...] = Field(min_length=1, description="Of the kernel poly, whose gamma is scale.")
    gamma: tuple[Gamma, ...] = Field(min_length=1, description="Of the kernel rbf.")

    @property
    def machines(self) -> tuple[Svm, ...]:
        """Every machine of the grid once."""
        variants: dict[Kernel, list[dict[str, float | str]]] = {
            "linear": [{}],
            "poly": [{"degree": degree} for degree in self.degree],
            "rbf": [{"gamma": gamma} for gamma in self.gamma],
        }
        return tuple(
            Svm.model_validate({"kernel": kernel, "C": c, **variant})
            for kernel in self.kernels
            for variant, c in itertools.product(variants[kernel], self.C)
        )


class CascadeRecipe(RecipeBase):
    """Candidates, features, and two support vector machines in a row."""

    kind: Literal["cascade"]
    spacing_mm: Positive = Field(description="Pixel pitch worked at, mm; coarser images are left as they are.")
    proposer: Proposer
    families: tuple[Annotated[str, AfterValidator(_known)], ...] = Field(
        min_length=1, description="Of features, in the order of their columns."
    )
    haar: HaarSelection | None = Field(description="null where Haar-like features are not among the families.")
    normalisation: Normalisation = Field(
        description="Of each feature over the training candidates: to 0..1, or to mean 0 and standard deviation 1."
    )
    ratio: Count = Field(description="False candidates to a true one in training, at most.")
    comparison: Comparison
    grid: Grid
    svm: Annotated[Svm, AfterValidator(_radial)] = Field(description="Of both stages.")
    first_stage_sensitivity: Share = Field(description="Of the first stage, on validation.")
    out_of_fold: Folds = Field(description="Folds, by patient, of the machines that find the hard negatives.")
    calibration: CalibrationMethod
    operating_points: dict[Name, Positive] = Field(
        min_length=1, description="Name -> false marks per normal image wished for, on validation."
    )
    default_operating_point: Name

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if len(set(self.families)) < len(self.families):
            raise ValueError("a family of features is named twice")
        if ("haar" in self.families) != (self.haar is not None):
            raise ValueError("the family haar and its selection, haar, go together")
        if self.default_operating_point not in self.operating_points:
            raise ValueError(f"the default operating point {self.default_operating_point!r} is not among them")
        return self
