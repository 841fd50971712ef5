"""``microcalc detect`` as a user runs it: wall time and peak memory of the process, its stages, and its processes."""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from common import one_image

from microcalc.breast import find_breast
from microcalc.detectors import load_detector
from microcalc.imageio import read_mammogram

REPEATS = 5
IMAGES = 20


def run(*arguments: object) -> tuple[float, float]:
    """(wall seconds, peak MB of the largest process) of one run of the command."""
    command = [sys.executable, "-m", "microcalc", *map(str, arguments)]
    start = time.perf_counter()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    if os.waitstatus_to_exitcode(status):
        sys.exit(f"{command} failed")
    return time.perf_counter() - start, usage.ru_maxrss / 1024


def median(*arguments: object) -> tuple[float, float]:
    runs = [run(*arguments) for _ in range(REPEATS)]
    return statistics.median(r[0] for r in runs), max(r[1] for r in runs)


def stages(path: Path) -> None:
    detector = load_detector()
    seconds: dict[str, list[float]] = {"read": [], "find the breast": [], "detect (breast included)": []}
    for _ in range(REPEATS):
        marks = [time.perf_counter()]
        mammogram = read_mammogram(path)
        marks.append(time.perf_counter())
        find_breast(mammogram)
        marks.append(time.perf_counter())
        detector.detect(mammogram, detector.operating_point())
        marks.append(time.perf_counter())
        for name, start, end in zip(seconds, marks, marks[1:], strict=False):
            seconds[name].append(end - start)
    for name, values in seconds.items():
        print(f"  {name:26} {statistics.median(values):6.2f} s")


def main() -> None:
    path = one_image()
    with tempfile.TemporaryDirectory() as work:
        out = Path(work) / "out"
        print(f"microcalc --help              {median('--help')[0]:6.2f} s")
        wall, peak = median("detect", path, "--out", out)
        print(f"detect, one image, all outputs {wall:5.2f} s, peak {peak:.0f} MB")
        stages(path)
        folder = Path(work) / "in"
        folder.mkdir()
        for number in range(IMAGES):
            shutil.copy(path, folder / f"{number:02}{path.suffix}")
        one = run("detect", folder, "--out", out, "--jobs", 1)[0]
        two = run("detect", folder, "--out", out, "--jobs", 2)[0]
        print(f"detect, {IMAGES} images  {one:.1f} s on one process, {two:.1f} s on two: {one / two:.2f} times as fast")


if __name__ == "__main__":
    main()
