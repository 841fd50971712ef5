"""What a detector scores on ``microcalc-bench v1``: AUC50 with its interval, by SNR band, and what there is to find.

With ``--diameter``, ``--contrast`` or ``--noise`` (factors), the split's studies are drawn anew at that setting of the
dial: this is how the benchmark's own setting was chosen.
"""

import argparse
import dataclasses
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from microcalc.batch import MakeExecutor
from microcalc.datasets import Table, open_data
from microcalc.detection import DetectionOptions, detect_to_folder
from microcalc.evaluation.bootstrap import froc_draws, interval, resample
from microcalc.evaluation.detections import Detections
from microcalc.evaluation.froc import froc
from microcalc.evaluation.matching import match, parse_rule
from microcalc.evaluation.scores import ImageScores, score_image
from microcalc.evaluation.strata import strata
from microcalc.findings import Calcification
from microcalc.parallel import process_pool
from microcalc.synthesis.bench import DIFFICULTY, load_benchmark, sha256
from microcalc.synthesis.generate import synthesize
from microcalc.truth import ImageTruth

DIAL = ("diameter", "contrast", "noise")
RULE = parse_rule("disc14")
SNR_EDGES = (3, 4, 5, 6, 8, 10, 12, 16, 20, 30, np.inf)


def tell(outcome: object, done: int, total: int) -> None:
    print(f"  {done} of {total} studies", end="\r", flush=True)


def scores_of(table: Table, detector: str, make_executor: MakeExecutor) -> list[ImageScores]:
    """Every image's marks, matched with its truth."""
    paths = [record.path for record in table]
    with tempfile.TemporaryDirectory() as out:
        options = DetectionOptions(detector)
        report = detect_to_folder(paths, Path(out), options, formats=["json"], make_executor=make_executor)
    for failure in report.failed:
        print(f"FAILED {failure.path}: {failure.reason}")
    marks = {image.sop_instance_uid: image.calcifications for image in report.images}
    # An image that could not be processed has no marks: its lesions are missed.
    return [scored(marks.get(record.truth.sop_instance_uid, ()), record.truth) for record in table]


def scored(marks: Sequence[Calcification], truth: ImageTruth) -> ImageScores:
    detections = Detections.of_marks(marks, truth.spacing_mm)
    return score_image(detections, match(detections, truth, RULE, truth.spacing_mm), truth, RULE)


def describe(table: Table, scores: list[ImageScores]) -> None:
    """What the set holds, and how well it can be seen."""
    truths = [record.truth for record in table]
    targets = [image.truth.calcifications[lesion] for image in scores for lesion in image.lesions]
    print(f"{table}, {sum(bool(truth.normal) for truth in truths)} of them normal; {len(targets)} lesions to find")
    print("to ignore:", dict(Counter(region.reason for truth in truths for region in truth.ignore)))
    marks = [mark for truth in truths for mark in truth.calcifications]
    print("morphology:", dict(Counter(mark.morphology for mark in marks).most_common()))
    print("distribution:", dict(Counter(c.distribution for truth in truths for c in truth.clusters).most_common()))
    counts, _ = np.histogram([lesion.snr for lesion in targets], SNR_EDGES)
    print("\nSNR from  lesions  share")
    for low, count in zip(SNR_EDGES, counts, strict=False):
        print(f"{low:8g} {count:8d} {count / len(targets):6.0%}")


def account(scores: list[ImageScores]) -> None:
    """Print AUC50 and sensitivity at 1, 5 and 10 false positives, of all lesions and by SNR band."""
    resamples = resample([image.truth for image in scores])
    bands = {part.name: part.images for part in strata(scores) if part.by == "snr"}
    print("\nSNR        lesions  AUC50 (95 % by patient)    sensitivity at 1, 5, 10 false positives")
    for name, images in {"all": scores, **bands}.items():
        curve, (low, high) = froc(images), interval(froc_draws(images, resamples).area)
        at = "".join(f"{curve.sensitivity_at(rate):7.2f}" for rate in (1, 5, 10))
        print(f"{name:10} {curve.lesions:7d}  {curve.auc50:5.3f} ({low:5.3f} to {high:5.3f})   {at}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--benchmark", default="v1-small")
    parser.add_argument("--split", default="test", choices=("train", "validation", "test"))
    parser.add_argument("--detector", default="morphology", help="a name, or the path of a package")
    parser.add_argument("--jobs", type=int, help="processes; one for each processor by default")
    for factor in DIAL:
        parser.add_argument(f"--{factor}", type=float)
    arguments = parser.parse_args()
    make_executor = process_pool(arguments.jobs)
    dial = {factor: getattr(arguments, factor) for factor in DIAL if getattr(arguments, factor) is not None}
    with tempfile.TemporaryDirectory() as work:
        if dial:
            folder, difficulty = Path(work), dataclasses.replace(DIFFICULTY, **dial)
            plans = [plan for plan in load_benchmark(arguments.benchmark).plans if plan.split == arguments.split]
            plans = [dataclasses.replace(plan, difficulty=difficulty) for plan in plans]
            synthesize(plans, folder, make_executor=make_executor, on_study=tell)
            table = Table.from_truth(folder)
        else:
            table = open_data(f"bench:{arguments.benchmark}", make_executor=make_executor, on_study=tell)
            difficulty = DIFFICULTY
            print(f"truth.json of {arguments.benchmark}: sha256 {sha256(table[0].path.parent / 'truth.json')}")
        chosen = table.split(arguments.split)
        scores = scores_of(chosen, arguments.detector, make_executor)
        print(f"{arguments.detector} on {arguments.split}, {difficulty}")
        describe(chosen, scores)
        account(scores)


if __name__ == "__main__":
    main()
