"""False marks and hits of a detector at its operating points.

On synthetic studies (plain phantoms; half of them normal), and on the real development images, where the specks were
marked by eye and the thresholds of the training-free detectors were chosen on exam 1: those figures say what to expect
of the marks, they are no test.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
from common import DEVELOPMENT

from microcalc.detection import DetectionOptions, detect_to_folder
from microcalc.detectors import load_detector
from microcalc.evaluation.detections import Detections
from microcalc.evaluation.matching import ImageMatch, match, parse_rule
from microcalc.findings import ImageFindings, Report
from microcalc.parallel import process_pool
from microcalc.synthesis import write_study
from microcalc.truth import ImageTruth, Truth


def detect(folder: Path, detector: str) -> Report:
    with tempfile.TemporaryDirectory() as out:
        return detect_to_folder(
            [folder], Path(out), DetectionOptions(detector), formats=["json"], make_executor=process_pool()
        )


def matched(found: ImageFindings, truth: ImageTruth, threshold: float) -> ImageMatch:
    marks = Detections.of_marks(found.calcifications, found.spacing_mm)
    return match(marks, truth, parse_rule("disc14"), found.spacing_mm, threshold)


def account(name: str, report: Report, truth: Truth) -> None:
    """Print, per operating point, hits over all lesions and marks per image, per 100 cm2 and on normal images."""
    known = {image.path: image for image in truth.images}
    images = [image for image in report.images if image.path in known]
    area = sum(image.breast_area_cm2 or 0 for image in images)
    print(f"\n{name}: {len(images)} images, {sum(bool(known[i.path].normal) for i in images)} of them normal")
    print("point       score      hits  marks/image  false/image  per 100 cm2  false/normal")
    for point in load_detector(report.detector.name).operating_points:
        matches = [matched(image, known[image.path], point.threshold) for image in images]
        lesions = sum(int(match.target.sum()) for match in matches)
        hits = sum(match.hits for match in matches)
        marks = np.mean([sum(c.score >= point.threshold for c in i.calcifications) for i in images])
        false = [int(match.false_positive.sum()) for match in matches]
        normal = [f for f, i in zip(false, images, strict=True) if known[i.path].normal]
        print(
            f"{point.name:10} {point.threshold:6.2f} {f'{hits}/{lesions}':>9} {marks:12.1f} {np.mean(false):12.1f} "
            f"{100 * sum(false) / area:12.1f} {np.mean(normal) if normal else np.nan:13.1f}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--detector", default="morphology", help="a name, or the path of a package")
    parser.add_argument("--studies", type=int, default=6, help="synthetic studies of four images, half of them normal")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        images = []
        for number in range(arguments.studies):
            name = f"study-{number:02}"
            truth = write_study(Path(work) / name, seed=1000 + number, normal=number % 2 == 0, patient=name)
            images += [image.model_copy(update={"path": f"{name}/{image.path}"}) for image in truth.images]
        account(
            "synthetic studies, seeds from 1000",
            detect(Path(work), arguments.detector),
            Truth(root=".", images=tuple(images)),
        )
    if DEVELOPMENT.is_dir():
        account(
            "real development images",
            detect(DEVELOPMENT, arguments.detector),
            Truth.from_json(DEVELOPMENT / "truth.json"),
        )


if __name__ == "__main__":
    main()
