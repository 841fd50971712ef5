"""Networks in each runtime, batches of patches, beside torch as one would run it without thinking (eager, float32).

The ways take turns, so that what else the machine does falls on all of them; the fastest turn of each counts. The floor
is the operations of the network over the measured rate of a large matrix product.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import torch
from features_speed import operations_per_second
from torch.utils.flop_counter import FlopCounterMode

from microcalc.errors import UsageError
from microcalc.models import Card, Package, load_package
from microcalc.models.network_files import write_network_package
from microcalc.models.networks import build
from microcalc.models.runtime import open_runtime
from microcalc.models.torch_network import load_torch
from microcalc.recipe import PatchClassifierRecipe, load_recipe

#: Recipe -> patches a batch.
RECIPES = {"microcalc-resnet18-112-task1": 16, "microcalc-resnet16": 256}
WAYS = (("torch", "f32"), ("torch", "bf16"), ("onnxruntime", "f32"), ("openvino", "f32"), ("openvino", "bf16"))

Way = Callable[[], object]


def untrained(name: str, folder: Path) -> Package:
    """A package of the recipe's network, its weights drawn: as fast as a trained one."""
    recipe = load_recipe(name)
    assert isinstance(recipe, PatchClassifierRecipe)
    model_input = {"spacing_mm": recipe.spacing_mm, "proposer": None, "patch": recipe.input, "network": recipe.network}
    values = load_package("cortina2022-cascade").card.model_dump() | {
        "name": recipe.name,
        "kind": recipe.kind,
        "recipe": recipe.as_written(),
        "input": model_input,
    }
    torch.manual_seed(0)
    network = build(recipe.network, recipe.outputs, recipe.input)
    return write_network_package(folder, Card.model_validate(values), network)


def ways_of(package: Package, batch: np.ndarray, threads: int) -> dict[str, Way]:
    """Name -> one batch worked on, of every way that this machine has."""
    module, patches = load_torch(package), torch.from_numpy(batch)

    def eager() -> None:
        with torch.inference_mode():
            module(patches)

    ways: dict[str, Way] = {"torch, as it comes": eager}
    for runtime, precision in WAYS:
        name = f"{runtime} {precision}" + (", channels last" if runtime == "torch" else "")
        try:
            opened = open_runtime(package, runtime=runtime, precision=precision, device="cpu", threads=threads)
        except UsageError as error:
            print(f"{name}: left out, {error}")
            continue
        ways[name] = lambda opened=opened: opened(batch)
    return ways


def seconds_in_turns(ways: dict[str, Way], turns: int) -> dict[str, float]:
    """Of the fastest turn of each, after one that does not count."""
    spent: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(turns + 1):
        for name, work in ways.items():
            start = time.perf_counter()
            work()
            spent[name].append(time.perf_counter() - start)
    return {name: min(times[1:]) for name, times in spent.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=cv2.getNumThreads())
    parser.add_argument("--turns", type=int, default=10)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    cv2.setNumThreads(options.threads)
    rate = operations_per_second()
    print(f"{options.threads} threads, {options.turns} turns; large matrix product: {rate / 1e9:.0f} GFLOP/s")
    for name, size in RECIPES.items():
        with tempfile.TemporaryDirectory() as folder:
            package = untrained(name, Path(folder) / "package")
            network, patch = package.card.input.network, package.card.input.patch
            assert network is not None
            assert patch is not None
            shape = (size, network.channels, patch.network_px, patch.network_px)
            batch = np.random.default_rng(0).random(shape, np.float32)
            with FlopCounterMode(display=False) as counter, torch.inference_mode():
                load_torch(package)(torch.from_numpy(batch))
            found = seconds_in_turns(ways_of(package, batch, options.threads), options.turns)
        print(
            f"\n{name}: {network.name}, {shape}, floor {counter.get_total_flops() / rate / size * 1e3:.3f} ms a patch"
        )
        first = next(iter(found.values()))
        for way, spent in found.items():
            print(f"{way:32} {spent / size * 1e3:8.3f} ms a patch {first / spent:6.2f} times as fast")


if __name__ == "__main__":
    main()
