"""Detections from ``microcalc.findings/1``."""

from __future__ import annotations

from pathlib import Path

from microcalc.comparison.systems import SystemImage
from microcalc.datasets.folders import posix_path
from microcalc.errors import ReadError
from microcalc.evaluation.detections import Detections
from microcalc.findings import ImageFindings, Report

_FINDINGS = Report.model_fields["schema_"].default
_TRUTH = "microcalc.truth/"


def parse_report(content: bytes, path: Path, schema: object) -> Report:
    """The content of a findings file; ``schema`` is what it says it is.

    Raises:
        ReadError: it is a file of another kind, or damaged.
    """
    if schema != _FINDINGS:
        is_truth = str(schema).startswith(_TRUTH)
        raise ReadError(
            expected=f"detections ({_FINDINGS}, COCO results or CSV)",
            found=f"{'a truth file' if is_truth else 'a file'} of {schema}",
            do="give it as --truth" if is_truth else "give the findings.json that detect has written",
            where=path,
        )
    return Report.from_bytes(content, path)


def images_of_report(report: Report) -> tuple[SystemImage, ...]:
    """What a report says of each image, marks and clusters apart."""
    return tuple(_image(image) for image in report.images)


def _image(image: ImageFindings) -> SystemImage:
    # Boxes are in pixels, whatever the spacing was; the spacing and the area are worth no more than that guess.
    assumed = image.spacing_source == "assumed"
    return SystemImage(
        path=posix_path(image.path),
        sop_instance_uid=image.sop_instance_uid,
        marks=Detections.of_marks(image.calcifications, image.spacing_mm),
        clusters=Detections.of_clusters(image.clusters, image.calcifications),
        spacing_mm=None if assumed else image.spacing_mm,
        breast_area_cm2=None if assumed else image.breast_area_cm2,
        shape=(image.rows, image.columns),
    )
