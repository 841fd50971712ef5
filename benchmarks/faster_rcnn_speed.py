"""Faster R-CNN on a 3328 x 2560 mammogram: as published in torch and in ONNX Runtime, and in its fast form, in one run.

Each way has a process of its own, for its peak memory. Those in the published form look at a band of the breast alone
(``--rows``), and their seconds for the whole are those of a window times the windows; the fast form sees all of it. The
floor is the operations of a window, convolutions and matrix products, over the measured rate of a large product.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
import torch
from common import one_image
from features_speed import operations_per_second
from torch.utils.flop_counter import FlopCounterMode

from microcalc.detectors.view import working_view
from microcalc.imageio import read_mammogram
from microcalc.models import Card, Package, load_package
from microcalc.models.faster_rcnn import untrained_faster_rcnn
from microcalc.models.network_files import write_network_package
from microcalc.models.region_boxes import load_region_boxes
from microcalc.models.runtime import Computation
from microcalc.models.torch_network import load_torch
from microcalc.recipe import FasterRcnnRecipe, load_recipe
from microcalc.tiling import WindowSampler

SPACING_MM = 0.07


def untrained(name: str, folder: Path) -> Path:
    """The folder of a package of the recipe's network, its weights drawn: as fast as a trained one."""
    recipe = load_recipe(name)
    assert isinstance(recipe, FasterRcnnRecipe)
    values = load_package("cortina2022-cascade").card.model_dump() | {
        "name": recipe.name,
        "kind": recipe.kind,
        "recipe": recipe.as_written(),
        "input": {"spacing_mm": recipe.spacing_mm, "proposer": None, "network": recipe.network.backbone},
    }
    torch.manual_seed(0)
    module = untrained_faster_rcnn(recipe)
    for layer in module.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.momentum = 1.0
    with torch.no_grad():  # moments of what they see, or all places look alike and rounding chooses among tied boxes
        module.backbone.train()(torch.randn(2, recipe.network.backbone.channels, 224, 224))
    return write_network_package(folder, Card.model_validate(values), module).path


def measure(package: Package, runtime: str, image: Path, rows: int | None) -> dict[str, float]:
    """Windows of the image, of those looked at, their seconds, and the peak MB of this process."""
    boxes = load_region_boxes(package, Computation(runtime))
    view = working_view(read_mammogram(image, spacing_mm=SPACING_MM), boxes.recipe.spacing_mm)
    scanning = boxes.recipe.scanning
    seen = view.mask.copy()
    if rows is not None:
        middle = len(seen) // 2
        seen[: middle - rows // 2] = seen[middle + rows // 2 :] = False
    blank = np.zeros_like(view.mask)
    blank[len(blank) // 2, 0] = True
    boxes(view.image, blank)  # warm
    begun = time.perf_counter()
    boxes(view.image, seen)
    seconds = time.perf_counter() - begun
    whole, looked = (len(WindowSampler(mask, scanning.window_px, scanning.stride_px)) for mask in (view.mask, seen))
    return {"windows": whole, "looked": looked, "seconds": seconds, "peak": own_peak()}


def own_peak() -> float:
    """MB of this process: what the system counts for a child begins with what its parent had."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024


def child(arguments: list[str]) -> dict[str, float]:
    """What this script measures as a process of its own."""
    command = [sys.executable, __file__, "--child", *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed")
    return dict(json.loads(done.stdout.splitlines()[-1]))


def operations(path: Path) -> float:
    """Of one window in torch."""
    package = load_package(path)
    recipe = package.card.load_recipe()
    assert isinstance(recipe, FasterRcnnRecipe)
    side = recipe.scanning.network_px
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        load_torch(package)(torch.randn(1, recipe.network.backbone.channels, side, side))
    return float(counter.get_total_flops())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--backbone", default="densenet121", choices=("resnet50", "efficientnet-b3", "densenet121"))
    parser.add_argument("--published", type=Path, help="A trained package in place of random weights.")
    parser.add_argument("--fast", type=Path, help="A trained package in place of random weights.")
    parser.add_argument("--rows", type=int, default=200, help="Of the breast that the published form looks at.")
    parser.add_argument("--child", nargs=4, metavar=("PACKAGE", "RUNTIME", "IMAGE", "ROWS"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child is not None:
        path, runtime, image, rows = given.child
        print(json.dumps(measure(load_package(path), runtime, Path(image), int(rows) or None)))
        return
    rate, image = operations_per_second(), one_image()
    print(f"{cv2.getNumThreads()} threads; {rate / 1e9:.0f} GFLOP/s")
    name = f"cortina2022-frcnn-{given.backbone}"
    with tempfile.TemporaryDirectory() as folder:
        paths = {
            "published": given.published or untrained(name, Path(folder, "published")),
            "fast": given.fast or untrained(f"{name}-fast", Path(folder, "fast")),
        }
        slowest = None
        for form, runtime in (
            ("published", "torch"),
            ("published", "onnxruntime"),
            ("fast", "torch"),
            ("fast", "onnxruntime"),
        ):
            rows = given.rows if form == "published" else 0
            found = child([str(paths[form]), runtime, str(image), str(rows)])
            seconds = found["seconds"] / found["looked"] * found["windows"]
            slowest = slowest or seconds
            floor = operations(paths[form]) * found["windows"] / rate
            print(
                f"{form}, {runtime}: {seconds:.1f} s an image ({found['looked']} of {found['windows']} windows "
                f"measured), {slowest / seconds:.1f} times as fast, floor {floor:.1f} s, peak {found['peak']:.0f} MB"
            )


if __name__ == "__main__":
    main()
