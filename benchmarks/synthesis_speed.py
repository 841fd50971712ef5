"""Seconds to draw a phantom, a picture and a study on one core, beside one Fourier round trip of the same size."""

import time
from collections.abc import Callable

import cv2
import numpy as np
from scipy import fft

from microcalc.synthesis.acquisition import acquire
from microcalc.synthesis.confusers import draw_confusers
from microcalc.synthesis.device import draw_device
from microcalc.synthesis.phantom import Phantom
from microcalc.synthesis.study import StudyPlan, draw_study

KINDS = ("direct-70", "csi-100", "film-50")
REPEATS = 3


def seconds(work: Callable[[int], object]) -> float:
    """CPU seconds of one core, the median over seeds."""
    spent = []
    for seed in range(REPEATS):
        start = time.process_time()
        work(seed)
        spent.append(time.process_time() - start)
    return float(np.median(spent))


def main() -> None:
    cv2.setNumThreads(1)
    print(f"median of {REPEATS} seeds, CPU seconds of one core\n")
    print("unit        rows x columns   FFT and back   tissue   picture without calcium   study of four with calcium")
    for kind in KINDS:
        device = draw_device(np.random.default_rng(0), name=kind)
        rows, columns = device.shape

        def picture(seed: int, device=device) -> None:
            phantom = Phantom("CC", "L", seed, "C", device.shape, device.spacing_mm)
            tissue = phantom.render()
            noise = device.unit_noise(device.shape, phantom.rng("noise"))
            stamps = draw_confusers(phantom, tissue, device, phantom.rng("confusers"))
            acquire(phantom, tissue, device, noise, (), stamps)

        floor = seconds(lambda seed, shape=device.shape: fft.irfft2(fft.rfft2(np.ones(shape, np.float32)), s=shape))
        tissue = seconds(lambda seed, d=device: Phantom("CC", "L", seed, "C", d.shape, d.spacing_mm).render())
        whole = seconds(picture)
        study = seconds(lambda seed, kind=kind: list(draw_study(StudyPlan("speed", 1, seed, device=kind))))
        print(
            f"{kind:11} {rows:5} x {columns:5}   {floor:10.2f} s {tissue:8.2f} s"
            f" {whole:16.2f} s ({whole / floor:4.1f} x) {study:20.1f} s"
        )


if __name__ == "__main__":
    main()
