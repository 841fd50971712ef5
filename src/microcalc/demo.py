"""The job behind ``microcalc demo``: a synthetic study, the default detector on it, and its score against the truth."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from microcalc.batch import MakeExecutor
from microcalc.detection import DetectionOptions, OnOutcome, detect_to_folder
from microcalc.errors import MicrocalcError
from microcalc.evaluation.detections import Detections
from microcalc.evaluation.matching import match, parse_rule
from microcalc.findings import Report
from microcalc.synthesis import write_study
from microcalc.truth import Truth


@dataclass(frozen=True)
class DemoResult:
    """What the detector found of what is there, over all images of the study."""

    report: Report
    #: Calcifications asked for (others cannot be seen, are too large or typically benign), and those hit by a mark.
    calcifications: int
    hits: int
    #: Shown marks that hit nothing.
    false_positives: int
    #: Clusters of such calcifications in truth, and those of which a found cluster shares a hit calcification.
    clusters: int
    clusters_found: int

    def summary(self) -> str:
        """The result in words."""
        images = len(self.report.images)
        detector = self.report.detector
        return (
            f"On {images} synthetic images, {detector.name} at its {detector.operating_point} operating point "
            f"(score {detector.threshold:.3g} and above)\n"
            f"  found {self.hits} of {self.calcifications} visible calcifications (rule disc14) "
            f"and {self.clusters_found} of {self.clusters} clusters,\n"
            f"  with {self.false_positives / images:.1f} false marks per image.\n"
            "The images are phantoms: this shows that everything runs, not how well it would do on patients."
        )


def run_demo(
    out: Path, *, seed: int, make_executor: MakeExecutor | None = None, on_outcome: OnOutcome | None = None
) -> DemoResult:
    """Write a synthetic study into ``out/study``, detect on it into ``out``, and score the findings.

    Raises:
        WriteError: the folder cannot be written.
        MicrocalcError: an image of the study could not be processed: a fault of the package.
    """
    truth = write_study(out / "study", seed=seed)
    report = detect_to_folder(
        [out / "study"], out, DetectionOptions(), make_executor=make_executor, on_outcome=on_outcome
    )
    for failure in report.failed:
        raise MicrocalcError(
            expected="findings on every synthetic image", found=failure.reason, do="report this", where=failure.path
        )
    return score_demo(report, truth)


def score_demo(report: Report, truth: Truth) -> DemoResult:
    """Count hits and false marks at the report's threshold, over the images that truth and report share."""
    found = {image.path: image for image in report.images}
    rule = parse_rule("disc14")
    calcifications = hits = false_positives = clusters = clusters_found = 0
    images = [image for image in truth.images if image.path in found]
    for image in images:
        findings = found[image.path]
        assert findings.spacing_mm is not None  # a detector gives one
        marks = Detections.of_marks(findings.calcifications, findings.spacing_mm)
        account = match(marks, image, rule, findings.spacing_mm, report.detector.threshold)
        calcifications += int(account.target.sum())
        hits += account.hits
        false_positives += int(account.false_positive.sum())
        for cluster in image.clusters:
            targets = [member for member in cluster.members or () if account.target[member]]
            clusters += bool(targets)
            clusters_found += any(int(account.hit_by[member]) in findings.cluster_of for member in targets)
    return DemoResult(report, calcifications, hits, false_positives, clusters, clusters_found)
