"""Intervals of a FROC by the bootstrap: seconds on one core, against a plain loop, and the memory it takes."""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # one core, whatever the machine has

import time
import tracemalloc
from collections.abc import Callable

import numpy as np

from microcalc.evaluation.bootstrap import FrocDraws, Unit, froc_draws, resample
from microcalc.evaluation.froc import ImageScores
from microcalc.evaluation.matching import parse_rule
from microcalc.truth import ImageTruth, TrueCalcification

IMAGES, DRAWS = 200, 1000
#: On each image with lesions; half of them are found.
LESIONS = 10
#: On each normal image: with the hits, 10,000 detections.
FALSE_POSITIVES = 95
#: The loop is timed on so many draws and its time multiplied.
LOOP_DRAWS = 10
REPEATS = 3
LIMIT = 50.0


def study() -> list[ImageScores]:
    """Four images a patient, two of them normal, with scores at random."""
    rng = np.random.default_rng(0)
    rule = parse_rule("disc14")
    images = []
    for number in range(IMAGES):
        normal = number % 2 == 1
        lesions = [] if normal else [TrueCalcification(x=0, y=0)] * LESIONS
        truth = ImageTruth(path=f"{number:03}", patient=f"p{number // 4}", normal=normal, calcifications=lesions)
        best = np.where(np.arange(len(lesions)) % 2, rng.random(len(lesions)), -np.inf)
        false = rng.random(FALSE_POSITIVES if normal else 0)
        images.append(ImageScores(truth, None, np.arange(best.size), best, false, 1.0, rule))
    return images


def loop(images: list[ImageScores], draws: int) -> list[float]:
    """AUC50 as one would write it first: pool what each draw holds, sort it, and walk down the scores."""
    resamples = resample([image.truth for image in images], draws=DRAWS)
    areas = []
    for weights in resamples.weights[:draws]:
        pool: list[tuple[float, bool]] = []
        lesions = normal_images = 0
        for image, patient in zip(images, resamples.owner, strict=True):
            for _ in range(int(weights[patient])):
                lesions += image.best.size
                normal_images += image.normal
                pool += [(score, True) for score in image.best.tolist() if np.isfinite(score)]
                pool += [(score, False) for score in image.false_positives.tolist()]
        pool.sort(reverse=True)
        area, found, false = 0.0, 0, 0
        for _, hit in pool:
            if hit:
                found += 1
            elif false < LIMIT * normal_images:
                false += 1
                area += found / lesions / normal_images
        areas.append((area + found / lesions * (LIMIT - false / normal_images)) / LIMIT)
    return areas


def draw(images: list[ImageScores], unit: Unit) -> FrocDraws:
    resamples = resample([image.truth for image in images], unit=unit, draws=DRAWS, accept_split=True)
    return froc_draws(images, resamples)


def seconds(job: Callable[[], object]) -> float:
    start = time.process_time()
    job()
    return time.process_time() - start


def main() -> None:
    images = study()
    detections = sum(int(np.isfinite(image.best).sum()) + image.false_positives.size for image in images)
    print(f"{DRAWS} draws of {IMAGES} images, four a patient, with {detections} detections")

    tracemalloc.start()
    drawn = draw(images, "patient")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    np.testing.assert_allclose(loop(images, LOOP_DRAWS), drawn.area[:LOOP_DRAWS], rtol=1e-9)

    spent = {
        unit: min(seconds(lambda u=unit: draw(images, u)) for _ in range(REPEATS)) for unit in ("patient", "detection")
    }
    plain = min(seconds(lambda: loop(images, LOOP_DRAWS)) for _ in range(REPEATS)) * DRAWS / LOOP_DRAWS
    weights = np.ones((detections, DRAWS // 10))
    copied = 10 * min(seconds(weights.copy) for _ in range(REPEATS))
    print(f"by patient    {spent['patient']:7.3f} s, {peak / 1e6:.0f} MB at most")
    print(f"by detection  {spent['detection']:7.3f} s")
    print(f"plain loop    {plain:7.3f} s by patient, {plain / spent['patient']:.0f} times as long")
    print(f"floor         {copied:7.3f} s to copy a weight for each draw and detection once")


if __name__ == "__main__":
    main()
