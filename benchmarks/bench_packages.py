"""Every package of the comparison of detectors out of patches, made by one command; an interrupted one goes on.

``OUT`` gets ``stores/``, ``classifiers/`` and ``detectors/``, in each a folder a store or a run, as ``microcalc data
patches`` and ``microcalc train`` leave it, and ``packages/``, in which networks have their weights in 16 bits: what
maps are made of, and what ships. Classifiers learn from the one data set; on the other, Faster R-CNNs learn, and all
detectors are read and measured. Patients of ``microcalc-bench`` stand on the same side in all its sizes.

Networks see far less than their recipes ask, and large windows lie at larger strides, for want of processors: what is
changed stands below, in place of the recipes' own numbers, and every package says so itself. No weights are fetched:
all start at random.
"""

import argparse
import json
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
    "cortina2022-resnet32": {EPOCHS: "5", BATCHES: "60"},
    "cortina2022-resnet64": {EPOCHS: "2", BATCHES: "20"},
    "cortina2022-resnet50-05": {
        EPOCHS: "1",
        BATCHES: "96",
        "fitting.batch": "16",
        "fitting.sampling.ratio": "1",
        START: "random",
    },
}
#: Strides of half a window, and a quarter of the largest: 160 s of processor an image in place of 800.
COARSE = {"resnet16": 8, "resnet32": 16, "resnet64": 32, "resnet50-05": 56}


def maps(*coarse: str) -> str:
    """Those of the multi-scale recipe that are of these classifiers, at the coarse strides."""
    names = {f"cortina2022-{name}": COARSE[name] for name in coarse}
    published = load_recipe("cortina2022-multiscale-map").as_written()["maps"]
    return json.dumps(
        [one | {"stride_px": names[one["classifier"]]} for one in published if one["classifier"] in names]
    )


DETECTORS: Mapping[str, Mapping[str, str]] = {
    "cortina2022-resnet16-map": {},
    "cortina2022-resnet16-dense-map": {},
    "cortina2022-resnet32-map": {"maps": maps("resnet32")},
    "cortina2022-resnet64-map": {"maps": maps("resnet64")},
    "cortina2022-resnet50-map": {"maps": maps("resnet50-05")},
    "cortina2022-multiscale-map": {"maps": maps(*COARSE)},
    "cortina2022-frcnn-efficientnet-b3-fast": {
        EPOCHS: "6",
        "fitting.batches": "150",
        "fitting.optimiser.learning_rate": "3e-4",
    },
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
        resumed = self.out.exists() and self.call[0] != "models"
        call = [*self.call, "--out", str(self.out), *["--resume"] * resumed]
        print(f"microcalc {' '.join(call)}", flush=True)
        subprocess.run([sys.executable, "-m", "microcalc", *call], check=False)  # 1: an image was left out
        if not self.leaves.exists():
            sys.exit(f"{self.out}: not done; the same command goes on")


def changed(changes: Mapping[str, str]) -> Iterator[str]:
    for key, value in changes.items():
        yield from ("--set", f"{key}={value}")


def package_of(name: str, out: Path) -> Path:
    """Where the package of a recipe lies at last: that of a map has its classifiers' weights in 16 bits already."""
    is_map = isinstance(load_recipe(name), PatchMapRecipe)
    return out / "detectors" / name / "package" if is_map else out / "packages" / name


def jobs(name: str, args: argparse.Namespace) -> Iterator[Job]:
    """What makes a package, what it needs first of all; a recipe that stands in no table is as it is."""
    recipe, package = load_recipe(name), package_of(name, args.out)
    if isinstance(recipe, PatchClassifierRecipe):
        protocol = recipe.patches.protocol
        store, out = args.out / "stores" / protocol, args.out / "classifiers" / name
        yield Job(("data", "patches", args.learn, "--protocol", protocol), store, store / MANIFEST)
        data, own = f"patches:{store}", tuple(changed(CLASSIFIERS.get(name, {})))
    else:
        data, out, own = args.data, args.out / "detectors" / name, tuple(changed(DETECTORS.get(name, {})))
    if isinstance(recipe, PatchMapRecipe):
        classifiers = [one.classifier for one in recipe.maps]
        for classifier in classifiers:
            yield from jobs(classifier, args)
        own += "--classifiers", ",".join(str(package_of(classifier, args.out)) for classifier in classifiers)
    trained = out / "package"
    yield Job(("train", name, "--data", data, *own), out, trained / CARD)
    if package != trained:
        yield Job(("models", "export", str(trained), "--half"), package, package / CARD)


def main(names: Sequence[str], args: argparse.Namespace) -> None:
    for name in names:
        for job in jobs(name, args):
            job.do()
    packages = ",".join(str(package_of(name, args.out)) for name in names if name not in CLASSIFIERS)
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
