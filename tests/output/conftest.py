from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from microcalc.breast import Breast
from microcalc.findings import Calcification, Cluster, DetectorInfo, Failure, ImageFindings, Report, RunInfo
from microcalc.mammogram import Mammogram
from microcalc.output import image_key, write_pictures, write_report

THRESHOLD = 0.4
ROWS, COLUMNS = 600, 400


@dataclasses.dataclass(frozen=True)
class Drawn:
    """A drawn view of a 400 x 300 px breast at its chest wall, 100 px below the upper edge, and its findings."""

    mammogram: Mammogram
    breast: Breast
    findings: ImageFindings

    def pictures(self, folder: Path, *, overlay: bool = True, report: bool = True) -> Path:
        write_pictures(self.mammogram, self.breast, self.findings, THRESHOLD, folder, overlay=overlay, report=report)
        return folder


@pytest.fixture
def draw() -> Callable[..., Drawn]:
    def draw(
        side: str = "L", view: str | None = "CC", spacing: tuple[float, float] | None = (0.1, 0.1), **fields: object
    ) -> Drawn:
        mask = np.zeros((ROWS, COLUMNS), bool)
        mask[100:500, :300] = True
        if side == "R":
            mask = mask[:, ::-1].copy()
        # White everywhere beside the breast, as a label would be.
        pixels = np.where(mask, np.float32(0.5), np.float32(1.0))
        nipple = (299.0, 300.0) if side == "L" else (100.0, 300.0)
        source = None if spacing is None else "header"
        wall = "left" if side == "L" else "right"
        given = {"path": f"exam/{side}_{view}.dcm", "study": "1.2.3", "side": side, "view": view}
        return Drawn(
            Mammogram(pixels, spacing, source),
            Breast(mask=mask, chest_wall=wall, side=side, nipple=nipple, pectoral=None, warnings=()),
            ImageFindings(
                rows=ROWS, columns=COLUMNS, spacing_mm=spacing, spacing_source=source, seconds=1.0, **(given | fields)
            ),
        )

    return draw


@pytest.fixture
def group() -> dict[str, object]:
    """Five marks around x = 200, y = 300 as a cluster, one single mark, and one below the threshold."""
    places = [(190, 295), (210, 295), (190, 305), (210, 305), (200, 300)]
    marks = [Calcification(x=x, y=y, diameter_mm=0.4, score=0.8) for x, y in places]
    marks += [Calcification(x=150, y=200, score=0.6), Calcification(x=250, y=400, score=0.1)]
    cluster = Cluster(
        members=range(5),
        bbox=(187.5, 292.5, 212.5, 307.5),
        count=5,
        area_mm2=2.0,
        density_per_cm2=250.0,
        distribution="grouped",
        score=0.7,
    )
    return {"calcifications": tuple(marks), "clusters": (cluster,)}


@pytest.fixture
def make_report() -> Callable[..., Report]:
    def make_report(*images: ImageFindings, failed: tuple[Failure, ...] = ()) -> Report:
        return Report(
            root="/data",
            detector=DetectorInfo(
                name="morphology",
                version="1",
                package_sha256="ab" * 32,
                operating_point="default",
                threshold=THRESHOLD,
                score_floor=0.01,
                calibrated=True,
            ),
            run=RunInfo(microcalc="0.1.0", device="cpu", started="2025-01-01T00:00:00Z", seconds=2.0),
            images=images,
            failed=failed,
        )

    return make_report


@pytest.fixture
def page(tmp_path: Path, make_report: Callable[..., Report]) -> Callable[..., Path]:
    """Write the pictures of drawn views and the report on them; returns the report's path."""

    def page(*drawn: Drawn, failed: tuple[Failure, ...] = ()) -> Path:
        for one in drawn:
            one.pictures(tmp_path / "pictures" / image_key(one.findings.path), overlay=False)
        report = make_report(*(one.findings for one in drawn), failed=failed)
        write_report(report, tmp_path / "pictures", tmp_path / "report.html", "default: 2 false marks per image")
        return tmp_path / "report.html"

    return page
