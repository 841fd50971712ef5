"""Maps of a whole mammogram: a 16 px window at a stride of 8, and a 674 px ResNet-101, each beside what it replaces.

One synthetic breast of 3328 x 2560 px at 0.07 mm. The public code of the report reads 16 px windows in a Python loop
and asks torch window by window; that, and the same in batches, are timed on some of the windows over the box of the
breast and extrapolated, which the table says. The floor is the operations of the network over the measured rate of a
large matrix product. Weights are drawn, unless packages are named: what is timed does not depend on them.

    python benchmarks/patch_map_speed.py [--dense PACKAGE] [--windowed PACKAGE] [--large PACKAGE] [--threads N]
"""

import argparse
import functools
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import torch
from features_speed import operations_per_second
from numpy.typing import NDArray
from runtime_speed import untrained
from torch.utils.flop_counter import FlopCounterMode

from microcalc.models import Package, load_package
from microcalc.models.int8 import with_int8
from microcalc.models.network_package import INT8, network_card
from microcalc.models.normalise import prepare
from microcalc.models.patch_classifier import load_patch_classifier
from microcalc.models.torch_network import load_torch
from microcalc.tiling import WindowSampler

ROWS, COLUMNS = 3328, 2560
#: Windows a batch in the loop; windows timed one by one, in batches, and of 674 px.
BATCH, ALONE, LOOPED, LARGE = 128, 200, 2048, 2
#: Patches out of the image for the ranges of 8 bits, of 16 px and of 674 px: what is timed does not depend on them.
CALIBRATED, CALIBRATED_LARGE = 32, 5

Image = NDArray[np.float32]


def drawn_breast(seed: int = 0) -> tuple[Image, NDArray[np.bool_]]:
    """Half an ellipse of 2.05 Mpx, textured; pixels 0..1 and where it is."""
    y, x = np.ogrid[:ROWS, :COLUMNS]
    breast = (x / 1000) ** 2 + ((y - ROWS / 2) / 1305) ** 2 < 1
    noise = np.random.default_rng(seed).standard_normal((ROWS, COLUMNS), np.float32)
    image = 0.45 + 0.3 * cv2.GaussianBlur(noise, (0, 0), 6) + 0.01 * noise
    return np.where(breast, image, 0).clip(0, 1).astype(np.float32), breast


def seconds(work: Callable[[], object]) -> float:
    """Of a run; of one thread those of the processor, so that others on it do not count."""
    clock = time.process_time if torch.get_num_threads() == 1 else time.perf_counter
    started = clock()
    work()
    return clock() - started


def eager(package: Package, windows: Image, size: int) -> Callable[[], None]:
    """Torch as it comes, so many windows at a time, each normalised by itself."""
    module, described = load_torch(package), network_card(package)

    def work() -> None:
        with torch.inference_mode():
            for start in range(0, len(windows), size):
                batch = prepare(windows[start : start + size], described.patch, described.network.channels)
                module(torch.from_numpy(batch))

    return work


def operations(package: Package, side: int) -> int:
    """Of the network on a square of ``side`` px, multiplications and additions both counted."""
    described = network_card(package)
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        load_torch(package)(torch.zeros(1, described.network.channels, side, side))
    return int(counter.get_total_flops())


def in_8_bits(package: Package, folder: Path, image: Image, breast: NDArray[np.bool_], count: int) -> Package:
    """The package with its network in 8 bits, by windows of the image, where it has none yet."""
    if INT8 in package.card.files:
        return package
    sampler = WindowSampler(breast, network_card(package).patch.cut_px, 97, 0.7)
    chosen = np.linspace(0, len(sampler) - 1, count).astype(np.intp)
    windows = sampler.read(image, chosen)
    return with_int8(package, folder, windows[1:], windows[:1], "the drawn breast", 0)


def of_windows(package: Package, windows: Image, precision: str) -> Callable[[], object]:
    """ONNX Runtime, batch by batch."""
    classifier = load_patch_classifier(package, precision=precision)
    return lambda: classifier.probabilities(windows)


def small(args: argparse.Namespace, folder: Path, rate: float) -> None:
    """16 px at a stride of 8."""
    image, breast = drawn_breast()
    paper = load_package(args.windowed) if args.windowed else untrained("cortina2022-resnet16", folder / "16")
    dense = load_package(args.dense) if args.dense else untrained("cortina2022-resnet16-dense", folder / "dense")
    dense = in_8_bits(dense, folder / "dense-int8", image, breast, CALIBRATED)
    rows, columns = (np.flatnonzero(breast.any(axis=axis)) for axis in (1, 0))
    box = np.zeros_like(breast)
    box[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] = True
    of_box, of_breast = WindowSampler(box, 16, 8), WindowSampler(breast, 16, 8, 0.7)
    some = of_box.read(image, np.linspace(0, len(of_box) - 1, LOOPED).astype(np.intp))
    loop = seconds(eager(paper, some, BATCH)) * len(of_box) / LOOPED
    alone = seconds(eager(paper, some[:ALONE], 1)) * len(of_box) / ALONE
    print(f"{breast.sum() / 1e6:.2f} Mpx of breast; {len(of_box):,} windows over its box, {len(of_breast):,} on it")
    print("times as fast as the first way, and as the second one:")
    show("window by window, torch eager, extrapolated", alone, alone, loop)
    show(f"a loop of batches of {BATCH}, torch eager, extrapolated", loop, alone, loop)
    windows = of_breast.read(image, slice(None))
    show("windows on the breast, ONNX Runtime", seconds(of_windows(paper, windows, "f32")), alone, loop)
    for runtime in ("onnxruntime", "openvino"):
        for precision in ("f32", "int8"):
            classifier = load_patch_classifier(dense, runtime=runtime, precision=precision)
            taken = seconds(functools.partial(classifier.dense_probabilities, image, breast, 8))
            show(f"dense, {runtime}, {precision}", taken, alone, loop)
    pixels = len(of_breast) * 64
    show("floor of dense, f32", operations(dense, 512) / 512**2 * pixels / rate, alone, loop)


def large(args: argparse.Namespace, folder: Path, rate: float) -> None:
    """674 px, half overlapping."""
    image, breast = drawn_breast()
    package = load_package(args.large) if args.large else untrained("mracko2024-resnet101", folder / "674")
    sampler = WindowSampler(breast, 674, 337, 0.1)
    windows = sampler.read(image, np.linspace(0, len(sampler) - 1, LARGE).astype(np.intp))
    many = len(sampler) / LARGE
    print(f"{len(sampler)} windows of 674 px with a tenth of breast or more; {LARGE} timed and extrapolated")
    first = seconds(eager(package, windows, 1)) * many
    show("torch eager", first, first)
    show("ONNX Runtime, f32", seconds(of_windows(package, windows, "f32")) * many, first)
    in_8 = in_8_bits(package, folder / "674-int8", image, breast, CALIBRATED_LARGE)
    show("ONNX Runtime, int8", seconds(of_windows(in_8, windows, "int8")) * many, first)
    show("floor, f32", operations(package, 674) * len(sampler) / rate, first)


def show(name: str, taken: float, *beside: float) -> None:
    """One line of the table: how many times as fast as each of the ways beside it."""
    ratios = "".join(f"{other / taken:8.1f} x" for other in beside)
    print(f"{name:<55} {taken:8.2f} s{ratios}", flush=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("--dense", "--windowed", "--large"):
        parser.add_argument(name, metavar="PACKAGE")
    parser.add_argument("--only", choices=("small", "large"))
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    cv2.setNumThreads(args.threads)
    rate = operations_per_second()
    print(f"{torch.get_num_threads()} threads; a large matrix product: {rate / 1e9:.0f} GFLOP/s")
    with tempfile.TemporaryDirectory() as made:
        for name, part in (("small", small), ("large", large)):
            if args.only in (None, name):
                part(args, Path(made), rate)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory of this process, torch and the making of packages included: {peak:,.0f} MB")


if __name__ == "__main__":
    main()
