"""The card of a patch map that was read on whole mammograms."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from microcalc.models import Card, Package, Training
from microcalc.models.card import Input, Member
from microcalc.output.words import count
from microcalc.recipe import RECIPES, PatchMapRecipe, load_recipe
from microcalc.training.assessment import Reading
from microcalc.training.card import made_with, terms
from microcalc.training.detector_card import detector_card
from microcalc.training.job import Job

_MADE_WITH = ("microcalc", "numpy", "scipy", "opencv-python-headless", "onnxruntime", "torch")
_LIMITATIONS = (
    "It knows the images that its classifiers were trained on, and others as far as they look alike: measure it on "
    "your own before you rely on any number here, and re-anchor its thresholds (microcalc models calibrate). Typically "
    "benign calcifications were left out of the numbers, and it may mark them. It says nothing of malignancy. Images "
    "with coarser pixels are not enlarged. What its classifiers' cards say of limits holds here too."
)
_MIN_MAX = (
    "The map of each image is brought to 0..1 by its own least and highest value: on every image some mark scores "
    "high, and scores of two images are not alike."
)
_CITATION = (
    "Cortina Uribe, Seia, Zalevskyi: Calcification detection in mammograms: project report, 2022 (method); "
    "microcalc (this implementation and its weights)."
)
_TERMS = "Those of the data that the classifiers were trained on, and of the data that it was read on."
#: Maxima below it are not listed before there is a reading.
_FLOOR = 0.01
#: Parts of a recipe that a package's own weights do not come from; ``--set`` writes into them what it changes.
_ASIDE = ("notes", "smoke")


def members(classifiers: Sequence[Package]) -> tuple[Member, ...]:
    """What the card says of the packages within."""
    return tuple(
        Member(
            file=f"classifier-{number}.zip",
            name=package.card.name,
            version=package.card.version,
            sha256=package.sha256,
        )
        for number, package in enumerate(classifiers, 1)
    )


def make_card(job: Job[PatchMapRecipe], classifiers: Sequence[Package], reading: Reading | None) -> Card:
    """The card of the package, all but its list of files.

    Args:
        job: recipe, data and seed.
        classifiers: in the recipe's order.
        reading: how its marks are read; None: not known yet.
    """
    recipe, trainings = job.recipe, [package.card.training for package in classifiers]
    min_max = [_MIN_MAX] if recipe.normalisation == "min-max" else []
    seconds = [training.seconds for training in trainings]
    return detector_card(
        job,
        reading,
        fed=Input(spacing_mm=recipe.spacing_mm, proposer=None, classifiers=members(classifiers)),
        limitations=" ".join((*_changed(classifiers), *min_max, _LIMITATIONS)),
        citation=_CITATION,
        training=Training(
            data="; ".join((*_of_classifiers(classifiers), f"read and tested on {job.data}")),
            terms=terms(job, _TERMS),
            images=_same([training.images for training in trainings]),
            patients=_same([training.patients for training in trainings]),
            coarsest_spacing_mm=min(training.coarsest_spacing_mm for training in trainings),
            seed=job.seed,
            seconds=None if None in seconds else round(sum(filter(None, seconds)), 1),
            made_with=made_with(_MADE_WITH),
        ),
        floor=_FLOOR,
    )


def _of_classifiers(classifiers: Sequence[Package]) -> Iterator[str]:
    """What each was trained on."""
    for package in classifiers:
        training = package.card.training
        patches = f", {count(training.patches, 'patch', 'patches')} drawn" if training.patches else ""
        yield f"{package.card.name}: {training.data}{patches}"


def _changed(classifiers: Sequence[Package]) -> Iterator[str]:
    """What is to be known of classifiers that are not what their names stand for."""
    for package in classifiers:
        card = package.card
        if card.version == "smoke":
            yield f"Its classifier {card.name} is that of a smoke run, good for nothing."
        elif card.recipe["name"] in RECIPES:
            original = load_recipe(str(card.recipe["name"])).as_written()
            differs = {group for group in original if card.recipe.get(group) != original[group]}
            other = sorted(differs.difference(_ASIDE))
            if other:
                yield f"Its classifier {card.name} was trained by a changed recipe (other {', '.join(other)})."


def _same(numbers: Sequence[int | None]) -> int | None:
    """The number, where all have the same."""
    return numbers[0] if len(set(numbers)) == 1 else None
