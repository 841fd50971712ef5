"""``microcalc detect`` by a segmenter, whole process, beside a plain network at full resolution in torch, in one run.

The plain network is a stand-in of our own, untrained, for published fully convolutional segmenters of this task: 3 x 3
convolutions at full resolution, about 0.45 M weights, the whole image at once, torch as it comes.
"""

import argparse
import itertools
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cv2
from common import one_image

WIDTH, HIDDEN = 91, 6
SPACING_MM = 0.07


def run(command: list[str]) -> tuple[float, float, str]:
    """(wall seconds, peak MB, what it said) of a process."""
    start = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        said = child.stdout.read()
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        sys.exit(f"{' '.join(command)} failed")
    return time.perf_counter() - start, usage.ru_maxrss / 1024, said


def plain(path: Path, rows: int | None) -> None:
    """The whole of the plain way: read, one forward pass of the image or of its first rows, whose seconds it says."""
    import torch
    from torch import nn

    from microcalc.imageio import read_mammogram

    pixels = read_mammogram(path, spacing_mm=SPACING_MM).pixels[:rows]
    torch.set_num_threads(cv2.getNumThreads())
    widths = [1, *[WIDTH] * (HIDDEN + 1)]
    layers = [
        layer
        for inside, outside in itertools.pairwise(widths)
        for layer in (nn.Conv2d(inside, outside, 3, padding=1), nn.ReLU())
    ]
    network = nn.Sequential(*layers, nn.Conv2d(WIDTH, 1, 1))
    start = time.perf_counter()
    with torch.inference_mode():
        network(torch.from_numpy(pixels.copy())[None, None]).sigmoid()
    print(time.perf_counter() - start)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--detector", default="segmenter", help="A package of a segmenter.")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--rows", type=int, help="That the plain network sees; its pass is scaled up.")
    parser.add_argument("--plain", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.plain:
        return plain(options.plain, options.rows)
    path = one_image()
    with tempfile.TemporaryDirectory() as out:
        detect = [sys.executable, "-m", "microcalc", "detect", str(path), "--detector", options.detector, "--out", out]
        ours = [run([*detect, "--spacing", str(SPACING_MM)]) for _ in range(options.repeats)]
    seconds, peak = min(one[0] for one in ours), max(one[1] for one in ours)
    print(f"microcalc detect, all outputs:  {seconds:6.1f} s, peak {peak:5.0f} MB (fastest of {options.repeats})")
    command = [sys.executable, __file__, "--plain", str(path)]
    share = 1.0
    if options.rows:
        command += ["--rows", str(options.rows)]
        share = options.rows / cv2.imread(str(path), cv2.IMREAD_UNCHANGED).shape[0]
    wall, memory, said = run(command)
    theirs = wall + float(said) * (1 / share - 1)
    print(f"plain network, whole process:   {theirs:6.1f} s, peak {memory:5.0f} MB on {share:.0%} of the rows")
    print(f"ratio: {theirs / seconds:.1f} times as fast", end="")
    print(f", {peak / memory:.2f} of the memory" if share == 1 else "; memory compares on all rows only")


if __name__ == "__main__":
    main()
