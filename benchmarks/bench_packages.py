"""Every package of the comparison of detectors out of patches, made by one command; an interrupted one goes on.

``OUT`` gets ``stores/``, ``classifiers/`` and ``detectors/``, in each a folder a store or a run, as ``microcalc data
patches`` and ``microcalc train`` leave it. Classifiers learn from the one data set; on the other, Faster R-CNNs learn,
and all detectors are read and measured. Patients of ``microcalc-bench`` stand on the same side in all its sizes.

Networks see far less than their recipes ask, for want of processors: the budgets stand below, in place of the recipes'
own numbers, and every package says so itself. No weights are fetched: all start at random.
"""

import argparse
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from microcalc.models.card import CARD
from microcalc.patches.store import MANIFEST
from microcalc.recipe import PatchClassifierRecipe, PatchMapRecipe, load_recipe

EPOCHS, BATCHES, START = "fitting.stopping.epochs", "fitting.sampling.batches", "network.start"
#: Recipe -> what is changed in it, as ``--set`` takes it.
CLASSIFIERS: Mapping[str, Mapping[str, str]] = {
    "cortina2022-resnet16": {EPOCHS: "5", BATCHES: "250"},
    "cortina2022-resnet16-dense": {
        EPOCHS: "3",
        BATCHES: "70",
        "fitting.sampling.ratio": "3",
        "fitting.optimiser.learning_rate": "5e-4",
    },
    "cortina2022-resnet32": {EPOCHS: "5", BATCHES: "100"},
    "cortina2022-resnet64": {EPOCHS: "5", BATCHES: "30"},
    "cortina2022-resnet50-05": {EPOCHS: "3", BATCHES: "20", START: "random"},
}
DETECTORS: Mapping[str, Mapping[str, str]] = {
    "cortina2022-resnet16-map": {},
    "cortina2022-resnet16-dense-map": {},
    "cortina2022-resnet32-map": {},
    "cortina2022-resnet64-map": {},
    "cortina2022-resnet50-map": {},
    "cortina2022-multiscale-map": {},
    "cortina2022-frcnn-efficientnet-b3-fast": {EPOCHS: "3", "fitting.batches": "60"},
    "cortina2022-frcnn-densenet121-fast": {
        EPOCHS: "2",
        "fitting.batches": "150",
        "fitting.optimiser.learning_rate": "3e-4",
    },
}


@dataclass(frozen=True)
class Job:
    """A call of microcalc, and what is there once it is done."""

    call: tuple[str, ...]
    out: Path
    leaves: Path

    def do(self) -> None:
        """Run it, or go on with it, where it is not done."""
        if self.leaves.exists():
            print(f"{self.out}: done before", flush=True)
            return
        call = [*self.call, "--out", str(self.out), *["--resume"] * self.out.exists()]
        print(f"microcalc {' '.join(call)}", flush=True)
        subprocess.run([sys.executable, "-m", "microcalc", *call], check=False)  # 1: an image was left out
        if not self.leaves.exists():
            sys.exit(f"{self.out}: not done; the same command goes on")


def changed(changes: Mapping[str, str]) -> Iterator[str]:
    for key, value in changes.items():
        yield from ("--set", f"{key}={value}")


def jobs(name: str, args: argparse.Namespace) -> Iterator[Job]:
    """What makes a package, what it needs first of all; a recipe that stands in no table is as it is."""
    recipe, packages = load_recipe(name), args.out / "classifiers"
    if isinstance(recipe, PatchClassifierRecipe):
        protocol = recipe.patches.protocol
        store, out = args.out / "stores" / protocol, packages / name
        yield Job(("data", "patches", args.learn, "--protocol", protocol), store, store / MANIFEST)
        data, own = f"patches:{store}", tuple(changed(CLASSIFIERS.get(name, {})))
    else:
        data, out, own = args.data, args.out / "detectors" / name, tuple(changed(DETECTORS.get(name, {})))
    if isinstance(recipe, PatchMapRecipe):
        classifiers = [one.classifier for one in recipe.maps]
        for classifier in classifiers:
            yield from jobs(classifier, args)
        own += "--classifiers", ",".join(str(packages / classifier / "package") for classifier in classifiers)
    yield Job(("train", name, "--data", data, *own), out, out / "package" / CARD)


def main(names: Sequence[str], args: argparse.Namespace) -> None:
    for name in names:
        for job in jobs(name, args):
            job.do()
    packages = ",".join(str(args.out / "detectors" / name / "package") for name in names if name not in CLASSIFIERS)
    print(
        f"To compare them: microcalc benchmark --data {args.data} --split test --out comparison --detectors {packages}"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--learn", default="bench:v1-large", help="data set that classifiers learn from")
    parser.add_argument("--data", default="bench:v1-medium", help="data set that detectors are measured on")
    parser.add_argument("--only", nargs="+", default=list(DETECTORS), metavar="RECIPE", help="packages to make")
    options = parser.parse_args()
    main(options.only, options)
