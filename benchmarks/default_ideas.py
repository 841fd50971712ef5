"""What was tried on the way to the default detector's reading of its map, each by AUC50 with its paired difference.

``PACKAGE`` is one of the kind ``segmenter``, ``SPEC`` a data set with truth: choose on validation, never on test. Where
the real development images are at hand their figures stand beside: 30 specks marked by eye, one normal image.
"""

import argparse
from collections.abc import Iterator, Sequence

import cv2
import numpy as np
from common import DEVELOPMENT
from numpy.typing import NDArray

from microcalc.datasets import Record, open_data
from microcalc.detectors.company import in_company
from microcalc.detectors.specks import specks
from microcalc.detectors.view import working_view
from microcalc.evaluation.bootstrap import compare, froc_draws, resample
from microcalc.evaluation.detections import Detections
from microcalc.evaluation.froc import froc
from microcalc.evaluation.matching import match, parse_rule
from microcalc.evaluation.scores import ImageScores, score_image
from microcalc.models import load_package
from microcalc.models.segmenter import Segmenter, load_segmenter
from microcalc.recipe.segmenter import Company

Map = NDArray[np.float32]
RULE = parse_rule("disc14")
FLOOR = 0.1
PLAIN = "maxima of the map"
#: Of the map, before maxima are looked for, px.
BLURS = (0.5, 1.0)
RADII_MM, WEIGHTS = (3.0, 5.0, 8.0), (0.3, 0.6, 1.0)


def flipped(segmenter: Segmenter, image: Map, breast: NDArray[np.bool_], spacing_mm: float) -> Map:
    """The mean map of the image and of its mirror images."""
    maps = []
    for axes in ((), (0,), (1,), (0, 1)):
        turned = (np.ascontiguousarray(np.flip(one, axes)) for one in (image, breast))
        maps.append(np.flip(segmenter(*turned, spacing_mm).maps[0], axes))
    return np.mean(maps, axis=0, dtype=np.float32)


def readings(record: Record, segmenter: Segmenter, pitch: float) -> Iterator[tuple[str, ImageScores]]:
    """The account of an image by every reading of its map."""
    view = working_view(record.read(), pitch)
    spacing = view.working_spacing_mm

    def account(centres: NDArray[np.float64], scores: NDArray[np.float64]) -> ImageScores:
        nothing = np.full(len(scores), np.nan)
        marks = Detections(view.frame.to_original(centres), scores, np.tile(nothing[:, None], 4), nothing)
        return score_image(marks, match(marks, record.truth, RULE, view.spacing_mm), record.truth, RULE)

    maps = segmenter(view.image, view.mask, spacing).maps[0]
    found = specks(maps, spacing, FLOOR)
    yield PLAIN, account(found.centres, found.scores)
    for radius in RADII_MM:
        for weight in WEIGHTS:
            company = Company(radius_mm=radius, above=FLOOR, weight=weight)
            raised = in_company(found.centres, found.scores, spacing, company)
            yield f"company within {radius:g} mm, weight {weight:g}", account(found.centres, raised)
    for blur in BLURS:
        smooth = specks(cv2.GaussianBlur(maps, (0, 0), blur), spacing, FLOOR)
        yield f"map blurred by {blur:g} px", account(smooth.centres, smooth.scores)
    turned = specks(flipped(segmenter, view.image, view.mask, spacing), spacing, FLOOR)
    yield "mean of four mirror images", account(turned.centres, turned.scores)


def table(name: str, records: Sequence[Record], segmenter: Segmenter, pitch: float) -> None:
    systems: dict[str, list[ImageScores]] = {}
    for record in records:
        for system, scores in readings(record, segmenter, pitch):
            systems.setdefault(system, []).append(scores)
    resamples = resample([record.truth for record in records], seed=0)
    plain, plain_draws = froc(systems[PLAIN]), froc_draws(systems[PLAIN], resamples)
    print(f"\n{name}: {len(records)} images, {plain.normal_images} normal, {plain.lesions} calcifications")
    print(f"{'reading':34} AUC50  minus the first            at 0.2, 1, 5 false marks")
    for system, images in systems.items():
        curve, paired = froc(images), compare(froc_draws(images, resamples).area, plain_draws.area)
        at = "  ".join(f"{curve.sensitivity_at(rate):.3f}" for rate in (0.2, 1.0, 5.0))
        ends = f"[{paired.difference_low:+.3f}, {paired.difference_high:+.3f}]"
        print(f"{system:34} {curve.auc50:.3f}  {curve.auc50 - plain.auc50:+.3f} {ends:18}  {at}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("package")
    parser.add_argument("spec")
    parser.add_argument("--split", default="validation")
    parser.add_argument("--every", type=int, default=1, help="take every so many patients")
    arguments = parser.parse_args()
    package = load_package(arguments.package)
    segmenter, pitch = load_segmenter(package), float(package.card.input.spacing_mm)
    records = list(open_data(arguments.spec).filter(lambda truth: truth.split == arguments.split))
    patients = sorted({str(record.truth.patient) for record in records})[:: arguments.every]
    table(arguments.spec, [r for r in records if r.truth.patient in patients], segmenter, pitch)
    if DEVELOPMENT.is_dir():
        table("real development images", list(open_data(f"truth:{DEVELOPMENT}")), segmenter, pitch)


if __name__ == "__main__":
    main()
