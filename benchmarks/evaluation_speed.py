"""Intervals of a FROC by the bootstrap: seconds on one core, against a plain loop, and the memory it takes."""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # one core, whatever the machine has

import time
import tracemalloc
from collections.abc import Callable

import numpy as np

from microcalc.evaluation.bootstrap import Resamples, Unit, froc_draws, resample
from microcalc.evaluation.matching import parse_rule
from microcalc.evaluation.scores import ImageScores
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
        images.append(ImageScores(truth, np.arange(best.size), best, false, 1.0, rule))
    return images


def loop(images: list[ImageScores], resamples: Resamples, draws: int) -> list[float]:
    """AUC50 as one would write it first: pool what each draw holds, sort it, and walk down the scores."""
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


def fastest(job: Callable[[], object]) -> float:
    """Seconds that the fastest of a few runs takes."""
    spent = []
    for _ in range(REPEATS):
        start = time.process_time()
        job()
        spent.append(time.process_time() - start)
    return min(spent)


def main() -> None:
    images = study()
    detections = sum(int(np.isfinite(image.best).sum()) + image.false_positives.size for image in images)
    print(f"{DRAWS} draws of {IMAGES} images, four a patient, with {detections} detections")

    truths = [image.truth for image in images]
    units: tuple[Unit, ...] = ("patient", "detection")
    resamples = {unit: resample(truths, unit=unit, draws=DRAWS, accept_split=True) for unit in units}
    tracemalloc.start()
    drawn = froc_draws(images, resamples["patient"])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    np.testing.assert_allclose(loop(images, resamples["patient"], LOOP_DRAWS), drawn.area[:LOOP_DRAWS], rtol=1e-9)

    spent = {unit: fastest(lambda of=of: froc_draws(images, of)) for unit, of in resamples.items()}
    plain = fastest(lambda: loop(images, resamples["patient"], LOOP_DRAWS)) * DRAWS / LOOP_DRAWS
    weights = np.ones((detections, DRAWS // 10))
    copied = 10 * fastest(weights.copy)
    print(f"by patient    {spent['patient']:7.3f} s, {peak / 1e6:.0f} MB at most")
    print(f"by detection  {spent['detection']:7.3f} s")
    print(f"plain loop    {plain:7.3f} s by patient, {plain / spent['patient']:.0f} times as long")
    print(f"floor         {copied:7.3f} s to copy a weight for each draw and detection once")


if __name__ == "__main__":
    main()
