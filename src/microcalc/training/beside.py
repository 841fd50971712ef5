"""Numbers that a paper prints of a recipe, with ours of the same name beside them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from microcalc.comparison.records import Estimate
from microcalc.evaluation.classification import METRICS
from microcalc.evaluation.tables import Published, published, worth
from microcalc.recipe.patch_classifier import PatchRecipe
from microcalc.training.classifier_records import Beside, PartResult


def beside(recipe: PatchRecipe, parts: Sequence[PartResult]) -> Iterator[Beside]:
    """Every printed number of the rows that the recipe names, in the paper's order."""
    for row in published(level="patch"):
        if row.paper == recipe.paper and row.name in recipe.published:
            ours = {part.split: number for part in parts if (number := _ours(row, recipe, part)) is not None}
            yield Beside(
                place=row.place,
                name=row.name,
                measure=row.measure,
                target=row.target,
                printed=row.printed,
                low=row.low,
                high=row.high,
                worth=worth(row),
                ours=ours,
            )


def _ours(row: Published, recipe: PatchRecipe, part: PartResult) -> Estimate | None:
    """The number of that name on a part; at the default operating point where it needs one.

    What a paper prints of its training patches, or of a question that the recipe does not put, has none beside it.
    """
    target = next((one for one in part.targets if one.malignancy == (row.target == "malignant")), None)
    if target is None or row.split == "train":
        return None
    of_age = [one for one in target.strata if one.by == "age" and row.name.endswith(f"age {one.name}")]
    if " age " in row.name:
        return of_age[0].accuracy if of_age and row.measure == "accuracy" else None
    if row.measure == "roc_auc":
        return target.auc
    if row.measure == "average_precision":
        return target.average_precision
    point = next(one for one in target.points if one.name == recipe.default_operating_point)
    return next((point.metrics[metric] for metric in METRICS if metric == row.measure), None)
