"""What a detector scores on ``microcalc-bench v1``: AUC50 with its interval, by SNR band, and what there is to find.

With ``--diameter``, ``--contrast`` or ``--noise`` (factors), the split's studies are drawn anew at that setting of the
dial: this is how the benchmark's own setting was chosen.
"""

import argparse
import dataclasses
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np

from microcalc.batch import MakeExecutor
from microcalc.datasets import Table, open_data
from microcalc.detection import DetectionOptions, detect_to_folder
from microcalc.detectors import DETECTORS
from microcalc.evaluation.froc import ImageScores, auc50_interval, froc, froc_by_snr, score_image
from microcalc.parallel import process_pool
from microcalc.synthesis.bench import DIFFICULTY, load_benchmark, sha256
from microcalc.synthesis.generate import synthesize

DIAL = ("diameter", "contrast", "noise")
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
    truths = [record.truth for record in table]
    return [score_image(marks.get(truth.sop_instance_uid, ()), truth, truth.spacing_mm) for truth in truths]


def describe(table: Table, scores: list[ImageScores]) -> None:
    """What the set holds, and how well it can be seen."""
    truths = [record.truth for record in table]
    targets = sum(image.lesions.size for image in scores)
    print(f"{table}, {sum(bool(truth.normal) for truth in truths)} of them normal; {targets} lesions to find")
    print("to ignore:", dict(Counter(region.reason for truth in truths for region in truth.ignore)))
    marks = [mark for truth in truths for mark in truth.calcifications]
    print("morphology:", dict(Counter(mark.morphology for mark in marks).most_common()))
    print("distribution:", dict(Counter(c.distribution for truth in truths for c in truth.clusters).most_common()))
    counts, _ = np.histogram(np.concatenate([image.snr for image in scores]), SNR_EDGES)
    print("\nSNR from  lesions  share")
    for low, count in zip(SNR_EDGES, counts, strict=False):
        print(f"{low:8g} {count:8d} {count / targets:6.0%}")


def account(scores: list[ImageScores]) -> None:
    """Print AUC50 and sensitivity at 1, 5 and 10 false positives, of all lesions and by SNR band."""
    curves = {"all": (froc(scores), auc50_interval(scores))}
    for band, curve in froc_by_snr(scores).items():
        within = [image.within(band) for image in scores]
        curves[f"{band[0]:g} to {band[1]:g}"] = curve, auc50_interval(within)
    print("\nSNR        lesions  AUC50 (95 % by patient)    sensitivity at 1, 5, 10 false positives")
    for name, (curve, (low, high)) in curves.items():
        at = "".join(f"{curve.sensitivity_at(rate):7.2f}" for rate in (1, 5, 10))
        print(f"{name:10} {curve.lesions:7d}  {curve.auc50:5.3f} ({low:5.3f} to {high:5.3f})   {at}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--benchmark", default="v1-small")
    parser.add_argument("--split", default="test", choices=("train", "validation", "test"))
    parser.add_argument("--detector", default="morphology", choices=DETECTORS)
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
