"""The job behind ``microcalc benchmark --packages``: networks of packages side by side on one store of patches."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

import microcalc
from microcalc.benchmark.patch_answers import Network, open_network
from microcalc.benchmark.patch_budget import budget_of
from microcalc.benchmark.patch_numbers import Answers, Asked, areas, ask, joined, outlined
from microcalc.benchmark.patch_page import write_patch_page
from microcalc.benchmark.patch_records import NetworkResult, PatchBenchmark
from microcalc.comparison.differences import paired
from microcalc.comparison.estimates import Measured
from microcalc.errors import UsageError
from microcalc.evaluation.bootstrap import Unit, resample_owned
from microcalc.evaluation.tables import Published, published
from microcalc.models import Package, load_package
from microcalc.output import replacing
from microcalc.patches.store import PatchStore
from microcalc.provenance import write_run_record
from microcalc.recipe.patch_classifier import PatchRecipe
from microcalc.truth import Split


@dataclass(frozen=True)
class PatchOptions:
    """What is compared, and how."""

    #: Names or paths of packages; ``NAME=path`` names one.
    packages: tuple[str, ...]
    #: The only side of the split to be used; None: all patches.
    split: Split | None = "test"
    draws: int = 1000
    seed: int = 0
    device: str = "auto"
    threads: int = 1


@dataclass(frozen=True)
class Asking:
    """How far a network is, for whoever is told."""

    network: str
    patches: int


#: A budget below this share of the paper's is told of at the top.
_CUT = 0.5

#: Told of each block, of how many patches are done and of how many there are, over all networks.
OnAsked = Callable[[Asking, int, int], None]


def compare_networks(
    folder: Path, out: Path, options: PatchOptions, *, on_asked: OnAsked | None = None
) -> PatchBenchmark:
    """Compare networks on the patches of a store, and write ``benchmark.html``, ``benchmark.json`` and tables.

    Every network is asked for the class of each patch, and for its map of the lesions of the patch's own class: a
    segmenter's own, a classifier's Grad-CAM. Maps are made binary by Li's threshold.

    Args:
        folder: of the store.
        out: made where missing.
        options: what to compare.
        on_asked: told of progress.

    Raises:
        UsageError: no such package, one of another protocol or patch size, or no patch on that side of the split.
        ReadError: store or package is damaged.
        WriteError: the folder cannot be written.
    """
    begun, store = time.perf_counter(), PatchStore.open(folder)
    packages = _named(options.packages)
    networks = {name: open_network(package, options.device, options.threads) for name, package in packages.items()}
    recipe = next(iter(networks.values())).recipe
    for name, network in networks.items():
        _check_fits(name, network.recipe, recipe, store)
    asked, results, first = _asked(store, recipe, options), [], None
    tell = _telling(on_asked, len(asked.indices), tuple(networks))
    for name, network in networks.items():
        answers = _answers(name, network, asked, tell)
        measured = areas(answers, asked, recipe)
        results.append(_result(name, packages[name], network, answers, asked, measured, first))
        first = first or (name, measured)
    result = _described(asked, recipe, options, results)
    with replacing(out / "benchmark.json") as file:
        file.write(result.to_json().encode())
    write_patch_page(result, out)
    write_run_record(
        out / "run.json", {"data": result.data, **asdict(options)}, {"seconds": round(time.perf_counter() - begun, 1)}
    )
    return result


def _named(texts: Sequence[str]) -> dict[str, Package]:
    """Names of their own -> the packages."""
    named: dict[str, Package] = {}
    for text in texts:
        name, sign, path = text.partition("=")
        if not sign or Path(text).exists():  # a path that has such a sign in its own name
            package = load_package(text)
            name = package.card.name
        else:
            package = load_package(path)
        if name in named:
            raise UsageError(
                expected="a name of its own for each network", found=f"{name!r} twice", do="name them: old=A,new=B"
            )
        named[name] = package
    if not named:
        raise UsageError(expected="a package", found="none", do="name one (--packages)")
    return named


def _check_fits(name: str, recipe: PatchRecipe, first: PatchRecipe, store: PatchStore) -> None:
    if (recipe.patches.classes, recipe.patches.targets) != (first.patches.classes, first.patches.targets):
        raise UsageError(
            expected="networks that are asked for the same classes and targets",
            found=f"others in {name} than in the first",
            do="compare those of one protocol and task",
        )
    cut = store.manifest
    found, wanted = (cut.protocol, cut.size_px), (recipe.patches.protocol, recipe.input.cut_px)
    if found != wanted:
        raise UsageError(
            expected=f"patches of {wanted[1]} px, protocol {wanted[0]}, which {name} was trained on",
            found=f"patches of {found[1]} px, protocol {found[0]}",
            do="give a store of its protocol and size (microcalc data patches), or leave the package out",
            where=store.folder,
        )


def _asked(store: PatchStore, recipe: PatchRecipe, options: PatchOptions) -> Asked:
    """The patches of the side, in the network's own classes."""
    code = {label: number for number, one in enumerate(recipe.patches.classes) for label in one.labels}
    of_label = np.array([code.get(label, -1) for label in store.manifest.labels], np.intp)
    classes = of_label[store.labels]
    side = np.array([options.split in (None, patch.split) for patch in store.patches])
    indices = np.flatnonzero(side & (classes >= 0))
    if not indices.size:
        raise UsageError(
            expected=f"patches of the side {options.split}" if options.split else "patches of the network's classes",
            found="none",
            do="name another side (--split), or give another store",
            where=store.folder,
        )
    patches = [store.patches[index] for index in indices.tolist()]
    unit: Unit = "image" if any(patch.patient is None for patch in patches) else "patient"
    resamples = resample_owned(
        [patch.key for patch in patches],
        [patch.patient or patch.image for patch in patches],
        unit=unit,
        draws=options.draws,
        seed=options.seed,
    )
    return Asked(store, indices, classes[indices], resamples)


def _answers(name: str, network: Network, asked: Asked, tell: Callable[[str, int], None]) -> Answers:
    parts = []
    for done, answers in ask(network, asked):
        parts.append(answers)
        tell(name, done)
    return joined(parts)


def _telling(on_asked: OnAsked | None, patches: int, names: Sequence[str]) -> Callable[[str, int], None]:
    """Tells of a network and of how many patches it is done with."""

    def tell(name: str, done: int) -> None:
        if on_asked is not None:
            on_asked(Asking(name, done), names.index(name) * patches + done, len(names) * patches)

    return tell


def _result(
    name: str,
    package: Package,
    network: Network,
    answers: Answers,
    asked: Asked,
    measured: Mapping[str, Measured],
    first: tuple[str, Mapping[str, Measured]] | None,
) -> NetworkResult:
    """Everything of one network; ``first``: name and areas of the first one, None for itself."""
    card, against = package.card, {} if first is None else first[1]
    return NetworkResult(
        name=name,
        package=card.name,
        version=card.version,
        package_sha256=package.sha256,
        kind=card.kind,
        weights=sum(weights.numel() for weights in network.module.parameters()),
        budget=budget_of(card),
        areas={target: area.estimate() for target, area in measured.items()},
        differences={
            target: paired(name, first[0], area, against[target])
            for target, area in measured.items()
            if first is not None and target in against
        },
        maps=network.maps,
        outlined=tuple(outlined(answers, asked, network.recipe)),
        published=_published(network.recipe),
    )


def _published(recipe: PatchRecipe) -> tuple[Published, ...]:
    """The rows about the recipe's network, those of its Grad-CAM among them."""
    names = {*recipe.published, *(f"{name}, Grad-CAM" for name in recipe.published)}
    return tuple(row for row in published() if row.paper == recipe.paper and row.name in names)


def _described(
    asked: Asked, recipe: PatchRecipe, options: PatchOptions, results: Sequence[NetworkResult]
) -> PatchBenchmark:
    cut, patches = asked.store.manifest, [asked.store.patches[index] for index in asked.indices.tolist()]
    counts, patients = Counter(asked.classes.tolist()), {patch.patient for patch in patches}
    pitch = "the image’s own pixel pitch" if cut.spacing_mm is None else f"{cut.spacing_mm:g} mm"
    return PatchBenchmark(
        microcalc=microcalc.__version__,
        data=cut.data or "data that they do not name",
        protocol=cut.protocol,
        patch=f"{cut.size_px} px at {pitch}",
        split=options.split,
        counts={one.name: counts[number] for number, one in enumerate(recipe.patches.classes)},
        images=len({patch.image for patch in patches}),
        patients=None if None in patients else len(patients),
        resample=asked.resamples.unit,
        draws=options.draws,
        seed=options.seed,
        remarks=tuple(_remarks(cut.data, asked, options, results)),
        networks=tuple(results),
    )


def _remarks(data: str | None, asked: Asked, options: PatchOptions, results: Sequence[NetworkResult]) -> Iterator[str]:
    if data is not None and data.startswith("bench:"):
        yield (
            "The patches are of phantoms: benign and malignant are the odds by which the generator gives a class to a "
            "shape, and what the networks do on women is not known."
        )
    shares = [it.budget.share for it in results if it.budget.share is not None]
    if shares and max(shares) < _CUT:
        yield (
            f"No network has seen more than one in {round(1 / max(shares)):,} of the patches that the paper’s own were "
            "trained on: these are numbers of that budget, and of nothing else."
        )
    if options.split != "test":
        yield "Not of the test side alone: patches that epochs and thresholds were chosen by, or that were learnt from."
    if asked.resamples.unit == "image":
        yield "Not every patch has a known patient: its image stands for it, and intervals may be too narrow."
