"""Training patches from the bank, against patches cut out of whole pictures: patches per second on one core."""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # one core, whatever the machine has

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from microcalc.synthesis import draw_study
from microcalc.synthesis.bank import Bank, build_bank
from microcalc.synthesis.study import StudyPlan

PLANS = [StudyPlan(f"p{n}", n, seed=n, device=kind) for n, kind in enumerate(("direct-70", "csi-100", "cr-50"), 1)]
PATCHES, REPEATS = 200, 5
#: Patches that one whole picture serves before the next is made: more, and a network sees the same noise and look.
PER_PICTURE = 20


def seconds(job: Callable[[], object]) -> float:
    start = time.process_time()
    job()
    return time.process_time() - start


def built(folder: Path) -> Bank:
    bank: list[Bank] = []
    spent = seconds(lambda: bank.append(build_bank(folder, PLANS)))
    views = len(bank[0].index.views)
    size = sum(path.stat().st_size for path in folder.iterdir()) / 1e6
    print(f"bank: {views} views, {spent / views:.1f} s and {size / views:.0f} MB a view")
    return bank[0]


def main() -> None:
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as work:
        bank = built(Path(work))
        rng = np.random.default_rng(0)
        bank.draw(rng, 50)  # opens the files
        rates = {}
        for share in (0.0, 0.5, 1.0):
            spent = min(seconds(lambda s=share: bank.draw(rng, PATCHES, positive_share=s)) for _ in range(REPEATS))
            rates[share] = PATCHES / spent
            print(f"from the bank, {share:4.0%} with calcium  {rates[share]:6.0f} patches/s")
    # Each picture: tissue, lesions, noise and look drawn anew, 3328 x 2560, as `microcalc synthesize` makes it.
    pictures = 4
    spent = seconds(lambda: list(draw_study(PLANS[0])))
    whole = pictures * PER_PICTURE / spent
    print(f"from whole pictures, {PER_PICTURE} a picture {whole:6.1f} patches/s")
    print(f"ratio, half with calcium {rates[0.5] / whole:.0f}")


if __name__ == "__main__":
    main()
