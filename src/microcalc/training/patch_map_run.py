"""A training run of a patch map: classifiers that are trained already, laid over the images held out, and read.

Nothing is fitted to pixels here. What the maps show on the validation images gives calibration and operating points;
then the test images are looked at, once, beside other detectors, for the numbers on the card.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence

from microcalc.detectors import load_detector
from microcalc.errors import UsageError
from microcalc.models import Package, load_package, write_package
from microcalc.models.card import CARD
from microcalc.output import remove
from microcalc.recipe import PatchClassifierRecipe, PatchMapRecipe, load_recipe
from microcalc.training.assessment import assess, held_out
from microcalc.training.job import Job, Trained
from microcalc.training.patch_map_card import make_card, members
from microcalc.training.phases import Phases
from microcalc.training.run import train
from microcalc.training.steps import Step

_IF_UNREADABLE = "give classifiers that tell calcifications from breast tissue, or more validation images"


def run(job: Job[PatchMapRecipe]) -> Trained:
    """Read a patch map and write its package (see :func:`microcalc.training.run.train`)."""
    _check(job)
    classifiers = in_order(job.recipe, [load_package(name) for name in job.compute.classifiers])
    parts = held_out(job)
    looks = parts.looks(job.recipe)
    phases = Phases(
        job,
        looks if classifiers else dict.fromkeys(_named(job.recipe), 1) | looks,
        classifiers=",".join(package.sha256 for package in classifiers),
    )
    remove(job.out / "package" / CARD)  # without one, no package of an earlier run is taken for this one's
    classifiers = classifiers or _smoke_classifiers(job, phases)
    files = {member.file: one.zipped() for member, one in zip(members(classifiers), classifiers, strict=True)}
    raw = write_package(job.out / "work" / "uncalibrated", make_card(job, classifiers, None), files)
    device = load_detector(str(raw.path)).device()  # classifiers that do not fit are told of now
    reading = assess(job, phases, raw, parts, if_unreadable=_IF_UNREADABLE)
    package = write_package(job.out / "package", make_card(job, classifiers, reading), files)
    return Trained(package, phases.steps, device)


def _check(job: Job[PatchMapRecipe]) -> None:
    """Make sure that the call asks for what this way to train can.

    Raises:
        UsageError: it does not.
    """
    names = ", ".join(one.classifier for one in job.recipe.maps)
    if job.compute.init is not None:
        raise UsageError(
            expected=f"trained classifiers, by {names}",
            found=f"--init {job.compute.init.name}",
            do="name their packages (--classifiers PACKAGE,...)",
        )
    if not (job.compute.classifiers or job.smoke):
        raise UsageError(
            expected=f"trained classifiers, by {names}",
            found="none",
            do="train them (microcalc train RECIPE), and name their packages (--classifiers PACKAGE,...)",
        )


def in_order(recipe: PatchMapRecipe, given: Sequence[Package]) -> list[Package]:
    """The packages in the order in which the recipe names what trains them; none where none is given.

    Raises:
        UsageError: one is no classifier, is missing, of another recipe, or there twice.
    """
    trained_by = [package.card.load_recipe() for package in given]
    for package, of_package in zip(given, trained_by, strict=True):
        if not isinstance(of_package, PatchClassifierRecipe):
            raise UsageError(
                expected="a model package of the kind patch-classifier",
                found=f"{package.card.name} of the kind {package.card.kind}",
                do="name another one",
                where=package.path,
            )
    wanted, found = [one.classifier for one in recipe.maps], [of_package.name for of_package in trained_by]
    if given and Counter(wanted) != Counter(found):
        raise UsageError(
            expected=f"a classifier by each of the recipes {', '.join(wanted)}, for {recipe.name}",
            found=", ".join(found),
            do="name their packages, each once (--classifiers PACKAGE,...)",
        )
    by_recipe = dict(zip(found, given, strict=True))
    return [by_recipe[name] for name in wanted if given]


def _named(recipe: PatchMapRecipe) -> Mapping[str, str]:
    """Phase of a smoke run -> the recipe that it tries."""
    return {f"classifier-{number}": one.classifier for number, one in enumerate(recipe.maps, 1)}


def _smoke_classifiers(job: Job[PatchMapRecipe], phases: Phases) -> list[Package]:
    """Classifiers of smoke runs, trained where an earlier run has not."""
    for phase, recipe in _named(job.recipe).items():
        if not phases.steps.has(phase):
            started = time.perf_counter()
            train(load_recipe(recipe), None, phases.steps.folder / phase, smoke=True, seed=job.seed)
            seconds = time.perf_counter() - started
            phases.tell(phase, 1, Step(name=f"{phase}, {recipe}", seconds=seconds))
            phases.note(phase, seconds)
    return [load_package(phases.steps.folder / phase / "package") for phase in _named(job.recipe)]
