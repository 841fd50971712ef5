"""Parts: the patches that a network is trained, watched and tested on, and which class each belongs to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from microcalc.errors import UsageError
from microcalc.mammogram import TYPICAL_SPACING_MM
from microcalc.patches.job import write_store
from microcalc.patches.patch import Patch
from microcalc.patches.protocols import find_protocol
from microcalc.patches.store import PatchStore
from microcalc.recipe import MultiTaskSegmenterRecipe
from microcalc.recipe.patch_classifier import Patches, PatchRecipe
from microcalc.training.job import PATCHES, Job
from microcalc.training.smoke_patches import write_smoke_store
from microcalc.truth import ImageTruth, Split

Indices = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Part:
    """Some patches of a store, and their classes. May be pickled: whoever gets it opens the store itself."""

    store: PatchStore
    #: (m,) of the patches in the store, rising.
    indices: Indices
    #: (m,) of the recipe's classes, 0 the negative one.
    classes: Indices
    split: Split

    def __len__(self) -> int:
        return len(self.indices)

    @cached_property
    def patches(self) -> tuple[Patch, ...]:
        """(m,) where each is from."""
        return tuple(self.store.patches[index] for index in self.indices.tolist())

    @property
    def patients(self) -> tuple[str, ...]:
        """(m,) pseudonym of each patch's patient; where nobody knows it, its image stands for it."""
        return tuple(patch.patient or patch.image for patch in self.patches)

    @cached_property
    def pitches_mm(self) -> NDArray[np.float64]:
        """(m,) pixel pitch of each patch, the coarser way; the usual one where nobody knows it."""
        same = self.store.manifest.spacing_mm
        if same is not None:
            return np.full(len(self), same)
        known = {path: max(truth.spacing_mm) for path, truth in self.truth_of.items() if truth.spacing_mm is not None}
        return np.array([known.get(patch.image, TYPICAL_SPACING_MM[0]) for patch in self.patches])

    @property
    def truth_of(self) -> Mapping[str, ImageTruth]:
        """What is known of the images, by their path; nothing for a store that came without."""
        return self.store.truths


@dataclass(frozen=True, eq=False)
class Parts:
    """The parts of a run."""

    train: Part
    validation: Part
    test: Part | None
    #: Patches in no part, by why.
    left_out: Mapping[str, int] = field(default_factory=dict)


def open_parts(job: Job[PatchRecipe]) -> Parts:
    """Cut the patches of a run, or open those that are cut, and share them out.

    Images are cut by the recipe's protocol into ``work/patches`` of the run's folder; a whole store that an earlier
    run with the same settings has left there is taken over where the run is resumed. Without images and without a
    store, patches of noise are drawn.

    Raises:
        UsageError: patches of another protocol, size or pitch than the recipe's; else as :func:`share_out`.
        ReadError: there is no such store, or it is half written or damaged.
        MicrocalcError: the images give no patch.
        WriteError: the folder cannot be written.
    """
    return share_out(_store(job), job.recipe, job.seed)


def _store(job: Job[PatchRecipe]) -> PatchStore:
    recipe, folder = job.recipe, job.out / "work" / "patches"
    if job.store is not None:
        store = PatchStore.open(job.store)
        cut = store.manifest
        _check_fits(_Kind(cut.protocol, cut.size_px, cut.spacing_mm or "native"), job, job.store)
        return store
    if job.table is None:
        return write_smoke_store(folder, recipe, job.seed)
    protocol = find_protocol(recipe.patches.protocol)
    _check_fits(_Kind(protocol.name, protocol.cut_px, protocol.spacing_mm or "native"), job, None)
    return write_store(
        folder,
        protocol.name,
        job.table,
        data=job.data,
        seed=job.seed,
        make_executor=job.make_executor,
        resume=job.resume,
    )


class _Kind(NamedTuple):
    """What patches are."""

    protocol: str
    size_px: int
    spacing_mm: float | Literal["native"]

    def __str__(self) -> str:
        pitch = "native pixels" if self.spacing_mm == "native" else f"pixels of {self.spacing_mm:g} mm"
        return f"patches of {self.size_px} px, protocol {self.protocol}, {pitch}"


def _check_fits(found: _Kind, job: Job[PatchRecipe], where: Path | None) -> None:
    asked = _Kind(job.recipe.patches.protocol, job.recipe.input.cut_px, job.recipe.spacing_mm)
    if found == asked:
        return
    if job.smoke:
        do = "leave --data out: a smoke run draws its own small patches"
    elif found.protocol == asked.protocol:
        do = "give the recipe the size (input.size_px) and the pitch (spacing_mm) of its protocol"
    else:
        command = f"microcalc data patches SPEC --protocol {asked.protocol} --out FOLDER"
        do = f"cut them with `{command}`, give {PATCHES}FOLDER"
    raise UsageError(
        expected=f"{asked}, which the recipe {job.recipe.name} is for", found=str(found), do=do, where=where
    )


def share_out(store: PatchStore, recipe: PatchRecipe, seed: int) -> Parts:
    """Share the patches of a store out, by the recipe's rules.

    By patient, the sides of the data's own split are the parts; where it has no validation side, the recipe's share of
    the training patients, of those with and without positives alike, is set apart. By patch, all sides are one: some
    of each class are drawn for test, and of the rest the share of each class for validation.

    Args:
        store: patches of the recipe's protocol.
        recipe: its classes and rules.
        seed: of what is drawn.

    Raises:
        UsageError: no part to train or to validate on, or one without patches of some class; a label that the store's
            protocol does not have; masks that are not the protocol's.
    """
    _check_masks(store, recipe)
    rules, rng = recipe.patches, np.random.default_rng(seed)
    classes = _classes(store, rules)
    side = np.array([patch.split or "none" for patch in store.patches], "U10")
    side[classes < 0] = "unnamed"
    if rules.split_by == "patch":
        _set_apart_patches(side, classes, rules, rng)
    else:
        _set_apart_patients(side, classes, store, rules, rng)
    parts = {split: _part(store, classes, side, split) for split in ("train", "validation", "test")}
    for split in ("train", "validation"):
        _check_whole(parts[split], rules)
    left_out = {
        "of labels that the recipe leaves out": int((side == "unnamed").sum()),
        "on no side of a split": int((side == "none").sum()),
        "of the test side, beyond those drawn": int((side == "spare").sum()),
    }
    return Parts(
        parts["train"],
        parts["validation"],
        parts["test"] if len(parts["test"]) else None,
        {why: number for why, number in left_out.items() if number},
    )


def _classes(store: PatchStore, rules: Patches) -> Indices:
    """(N,) class of every patch of the store; -1: of none."""
    of_label = {label: number for number, one in enumerate(rules.classes) for label in one.labels}
    if unknown := of_label.keys() - set(store.manifest.labels):
        raise UsageError(
            expected=f"labels of the protocol {store.manifest.protocol}: {', '.join(store.manifest.labels)}",
            found=f"classes of {', '.join(map(repr, sorted(unknown)))}",
            do="mend the recipe's classes",
        )
    codes = np.array([of_label.get(label, -1) for label in store.manifest.labels], np.intp)
    classes: Indices = codes[store.labels]
    return classes


def _check_masks(store: PatchStore, recipe: PatchRecipe) -> None:
    """A map learns from the mask that has its place: they are the same things in the same order."""
    outlined = store.manifest.channels
    if isinstance(recipe, MultiTaskSegmenterRecipe) and recipe.maps and recipe.masks != outlined:
        raise UsageError(
            expected=f"masks of {', '.join(recipe.masks)}, which the recipe {recipe.name} is for",
            found=f"those of the protocol {store.manifest.protocol}: {', '.join(outlined) or 'none'}",
            do="mend the recipe's masks" if outlined else "choose a protocol with masks, such as terrassin512",
            where=store.folder,
        )


def _set_apart_patches(side: NDArray[np.str_], classes: Indices, rules: Patches, rng: np.random.Generator) -> None:
    """Give every patch that has a class a side anew."""
    side[classes >= 0] = "train"
    for number in range(len(rules.classes)):
        for split, wanted in (("test", rules.test_per_class or 0), ("validation", None)):
            rest = np.flatnonzero((classes == number) & (side == "train"))
            most = _share(rules, len(rest)) if wanted is None else min(wanted, len(rest))
            side[rng.choice(rest, most, replace=False)] = split


def _set_apart_patients(
    side: NDArray[np.str_], classes: Indices, store: PatchStore, rules: Patches, rng: np.random.Generator
) -> None:
    """Make a validation side where there is none, and leave no more test patches than the rules ask for."""
    if rules.validation_share is not None and not (side == "validation").any():
        train = np.flatnonzero(side == "train")
        # Patches of unknown patients stay together: they may be of the same one.
        names = np.array([str(store.patches[index].patient) for index in train.tolist()])
        patients, patient = np.unique(names, return_inverse=True)
        highest = np.zeros(len(patients), np.intp)
        np.maximum.at(highest, patient, classes[train])
        chosen = [
            rng.choice(alike, _share(rules, len(alike)), replace=False)
            for alike in (np.flatnonzero(highest == number) for number in np.unique(highest))
        ]
        side[train[np.isin(patient, np.concatenate([*chosen, np.empty(0, np.intp)]))]] = "validation"
    if rules.test_per_class is not None:
        for number in range(len(rules.classes)):
            test = np.flatnonzero((classes == number) & (side == "test"))
            side[rng.permutation(test)[rules.test_per_class :]] = "spare"


def _share(rules: Patches, number: int) -> int:
    """How many of so many are for validation: one at least, where another one is left."""
    return min(max(1, round((rules.validation_share or 0.0) * number)), number - 1) if number else 0


def _part(store: PatchStore, classes: Indices, side: NDArray[np.str_], split: Split) -> Part:
    indices = np.flatnonzero(side == split)
    return Part(store, indices, classes[indices], split)


def _check_whole(part: Part, rules: Patches) -> None:
    found = Counter(part.classes.tolist())
    if len(found) == len(rules.classes):
        return
    if not found:
        do = "give data with a split into train and validation: `microcalc data export SPEC --split-seed 0` makes one"
    else:
        do = "give more images, or a recipe whose classes this data has"
    raise UsageError(
        expected=f"patches of each class to {'train' if part.split == 'train' else 'validate'} on",
        found=", ".join(f"{found[number]} of {one.name}" for number, one in enumerate(rules.classes)),
        do=do,
        where=part.store.folder,
    )
