"""The proposers of candidates side by side: Figures 5 and 6 of Cortina Uribe et al. as numbers.

Sensitivity and false positives per true positive (Equation 8) are taken image by image, over the images with something
to find; of several candidates on one lesion one counts. Where no lesion is found the latter are not defined: ``none``
counts such images, ``FP/TP`` and ``median`` are of the others. ``covered`` is the share of the breast within reach of a
candidate: about the sensitivity of as many candidates thrown there blindly.
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import cv2
import numpy as np
from numpy.typing import NDArray

from microcalc.breast import Frame, find_breast
from microcalc.candidates import Candidates, hdog, hough, morphology
from microcalc.candidates.geometry import PAPER_SPACING_MM
from microcalc.datasets import Record, open_data
from microcalc.evaluation.detections import Detections
from microcalc.evaluation.matching import DISC14_RADIUS_MM, match, parse_rule
from microcalc.parallel import process_pool

RULE = parse_rule("disc14")

Propose = Callable[[NDArray[np.float32], NDArray[np.bool_], float], Candidates]

PROPOSERS: dict[str, Propose] = {
    "morphology, 0.95": morphology.propose,
    "morphology, 0.97": partial(morphology.propose, parameters=morphology.MorphologyParameters(first_quantile=0.97)),
    "hough, first pass": partial(hough.propose, parameters=hough.HoughParameters(second_pass=False)),
    "hough, second pass": hough.propose,
    "hdog, eigenvalue product": hdog.propose,
    "hdog, trace and determinant": partial(hdog.propose, parameters=hdog.HdogParameters(condition="trace-determinant")),
    "hdog, roundness": partial(hdog.propose, parameters=hdog.HdogParameters(condition="roundness")),
    # Levels divided by the step between scales less 1, at the same threshold.
    "hdog, public code's levels": partial(
        hdog.propose, parameters=hdog.HdogParameters(threshold=0.006 * (3 ** (1 / 20) - 1))
    ),
}


@dataclass(frozen=True)
class Outcome:
    """What one proposer does on one image."""

    candidates: int
    targets: int
    hits: int
    false_positives: int
    covered: float
    seconds: float
    #: Of all processors together; other work on the machine adds nothing to it.
    processor_seconds: float


def outcomes(record: Record) -> dict[str, Outcome]:
    """Every proposer on one image; reading it and finding the breast are not timed."""
    mammogram = record.read()
    breast = find_breast(mammogram)
    frame = Frame.around(breast, mammogram.spacing_mm, working_spacing_mm=PAPER_SPACING_MM)
    image, mask = frame.apply(mammogram.pixels), frame.apply_mask(breast.mask)
    found = {}
    for name, propose in PROPOSERS.items():
        start, processor_start = time.perf_counter(), time.process_time()
        candidates = propose(image, mask, frame.spacing_mm)
        seconds, processor_seconds = time.perf_counter() - start, time.process_time() - processor_start
        matched = match(detections(candidates, frame), record.truth, RULE, mammogram.spacing_mm)
        found[name] = Outcome(
            candidates=len(candidates.scores),
            targets=int(matched.target.sum()),
            hits=matched.hits,
            false_positives=int(matched.false_positive.sum()),
            covered=covered(candidates, mask, DISC14_RADIUS_MM / frame.spacing_mm),
            seconds=seconds,
            processor_seconds=processor_seconds,
        )
    return found


def detections(candidates: Candidates, frame: Frame) -> Detections:
    unknown = np.full(len(candidates.scores), np.nan)
    boxes = np.repeat(unknown[:, None], 4, axis=1)
    return Detections(frame.to_original(candidates.centres), candidates.scores, boxes, unknown)


def covered(candidates: Candidates, breast: NDArray[np.bool_], radius_px: float) -> float:
    """Share of the breast that lies within the radius of a candidate."""
    free = np.ones(breast.shape, np.uint8)
    columns, rows = np.rint(candidates.centres).astype(int).T
    free[rows, columns] = 0
    distance = cv2.distanceTransform(free, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return float((distance[breast] <= radius_px).mean())


def tell(name: str, images: list[Outcome]) -> None:
    """Print one proposer's row."""
    sensitivity = [image.hits / image.targets for image in images if image.targets]
    per_hit = [image.false_positives / image.hits for image in images if image.hits]
    none = len(sensitivity) - len(per_hit)
    candidates, covered = (np.mean([getattr(image, of) for image in images]) for of in ("candidates", "covered"))
    seconds, processor = (
        np.median([getattr(image, of) for image in images]) for of in ("seconds", "processor_seconds")
    )
    print(
        f"{name:28} {candidates:10.0f} {covered:8.3f} {np.mean(sensitivity):11.3f} {none:5d} {np.mean(per_hit):8.1f} "
        f"{np.median(per_hit):7.1f} {seconds:8.2f} {processor:10.2f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="?", default="bench:v1-small", help="a data set: bench:v1-small, truth:FOLDER")
    parser.add_argument("--split", default="train", help="its part (v1-small has no lesions in `validation`), or `all`")
    arguments = parser.parse_args()
    table = open_data(arguments.data, make_executor=process_pool())
    if arguments.split != "all":
        table = table.split(arguments.split)
    images = [outcomes(record) for record in table]
    targets = [next(iter(image.values())).targets for image in images]
    if not any(targets):
        raise SystemExit(f"no lesion to find in {arguments.data}, {arguments.split}: choose another part")
    on = f"{np.count_nonzero(targets)} of {len(images)} images"
    print(f"{arguments.data}, {arguments.split}: {sum(targets)} lesions on {on}")
    print(f"{'proposer':28} candidates  covered sensitivity  none    FP/TP  median  seconds  processor")
    for name in PROPOSERS:
        tell(name, [image[name] for image in images])


if __name__ == "__main__":
    main()
