"""Findings as CSV tables: every mark, every cluster."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import asdict, fields
from pathlib import Path

from microcalc.clusters import ClusterDescriptors, describe
from microcalc.findings import ImageFindings, Report
from microcalc.output.files import replacing

_IMAGE = ("image", "sop_instance_uid", "study", "side", "view")
_CALCIFICATION = (*_IMAGE, "mark", "x", "y", "diameter_mm", "score", "malignancy", "shown", "cluster")
_CLUSTER = (
    *(*_IMAGE, "cluster", "count", "score", "malignancy", "distribution", "x0", "y0", "x1", "y1"),
    *("area_mm2", "density_per_cm2"),
    *(field.name for field in fields(ClusterDescriptors)),
    "members",
)

Row = Sequence[str | int]


def write_tables(report: Report, folder: Path) -> None:
    """Write ``calcifications.csv`` and ``clusters.csv``: UTF-8, comma, LF, one header row.

    Marks are listed down to the score floor, with ``shown`` true at or above the threshold; ``mark`` is the index in
    findings.json, ``cluster`` counts from 1 as in the pictures. x, y in pixels of the original (0.1), lengths in mm
    (0.001), scores to 4 decimals; unknown values are empty. A text that a spreadsheet would run as a formula starts
    with an apostrophe.

    Raises:
        WriteError: a table cannot be written.
    """
    write_table(folder / "calcifications.csv", _CALCIFICATION, _calcification_rows(report))
    write_table(folder / "clusters.csv", _CLUSTER, _cluster_rows(report))


def _calcification_rows(report: Report) -> Iterable[Row]:
    for image in report.images:
        number = image.cluster_of
        for index, mark in enumerate(image.calcifications):
            yield (
                *_image_cells(image),
                index,
                _number(mark.x, 1),
                _number(mark.y, 1),
                _number(mark.diameter_mm, 3),
                _number(mark.score, 4),
                _number(mark.malignancy, 4),
                str(mark.score >= report.detector.threshold).lower(),
                number.get(index, ""),
            )


def _cluster_rows(report: Report) -> Iterable[Row]:
    for image in report.images:
        for number, cluster in enumerate(image.clusters, 1):
            unknown = [None] * len(fields(ClusterDescriptors))
            descriptors = asdict(describe(cluster, image)).values() if image.spacing_mm else unknown
            yield (
                *_image_cells(image),
                number,
                cluster.count,
                _number(cluster.score, 4),
                _number(cluster.malignancy, 4),
                cluster.distribution,
                *(_number(edge, 1) for edge in cluster.bbox),
                _number(cluster.area_mm2, 3),
                _number(cluster.density_per_cm2, 3),
                *(_number(value, 3) for value in descriptors),
                " ".join(map(str, cluster.members)),
            )


def _image_cells(image: ImageFindings) -> tuple[str, ...]:
    return tuple(
        cell_text(cell or "") for cell in (image.path, image.sop_instance_uid, image.study, image.side, image.view)
    )


def cell_text(text: str) -> str:
    """Text that no spreadsheet takes for a formula (OWASP, "CSV injection")."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def _number(value: float | None, decimals: int) -> str:
    return "" if value is None else f"{value:z.{decimals}f}"


def write_table(path: Path, header: Sequence[str], rows: Iterable[Row]) -> None:
    """Write one CSV table: UTF-8, comma, LF, one header row."""
    table = io.StringIO(newline="")
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    with replacing(path) as file:
        file.write(table.getvalue().encode())
