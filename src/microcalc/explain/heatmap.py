"""The job behind ``microcalc explain --heatmap``: what a patch classifier says of every patch of a mammogram.

Pesapane et al., "Interpretability" and Figure 3: the mammogram is divided into patches that do not overlap, and the
probability of each is drawn over it. Shiri Kahnouei et al., Figure 7: the positive patches are marked. Mračko et al.
leave the assessment of a whole mammogram by a sliding window to the future; here it is that of its highest patch.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from os import PathLike
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import microcalc
from microcalc.breast import Breast, find_breast
from microcalc.detectors.patch_map import HALF_BREAST
from microcalc.explain.heatmap_records import Cell, Grid, Heatmap
from microcalc.explain.job import image_facts, model_facts, patch_package
from microcalc.explain.records import Operation
from microcalc.explain.spot import read_image
from microcalc.findings import RunInfo
from microcalc.mammogram import Mammogram
from microcalc.models import Card, Package
from microcalc.models.network_package import NetworkCard
from microcalc.models.patch_classifier import load_patch_classifier
from microcalc.models.patch_map import window_probabilities
from microcalc.patches.ground import Ground
from microcalc.tiling import WindowSampler, window_means


@dataclass(frozen=True, eq=False)
class Heated:
    """A heatmap, and what it is drawn from."""

    heatmap: Heatmap
    mammogram: Mammogram
    breast: Breast
    #: The image at the pixel pitch that patches are cut at.
    ground: Ground
    #: (rows, columns) of the ground: the mean of the scores of the patches over each pixel; NaN where there is none.
    scores: NDArray[np.float32]
    #: (rows, columns) of the ground: in a patch at or above the operating point.
    reached: NDArray[np.bool_]


def heat(
    image: str | PathLike[str],
    *,
    model: str | PathLike[str] | None = None,
    stride_px: int | None = None,
    pitch_mm: float | None = None,
) -> Heated:
    """Ask a patch classifier about all patches of a mammogram of which at least half is breast.

    Args:
        image: DICOM, PNG, JPEG, TIFF or PGM file.
        model: name or path of a package of the kind ``patch-classifier``; None: the first that comes with microcalc.
        stride_px: from one patch to the next, at the pixel pitch of the package; None: the side of a patch, so that
            they do not overlap.
        pitch_mm: pixel pitch of an image whose file states none.

    Raises:
        UsageError: no such package, one of another kind, or a stride of no pixel.
        ReadError: the image or the package cannot be read.
        MicrocalcError: no breast is on the image, or it is smaller than a patch.
    """
    started, begun = time.perf_counter(), datetime.now(UTC)
    package, card = patch_package(model)
    record, mammogram = read_image(Path(image), pitch_mm)
    breast = find_breast(mammogram)
    stated = package.card.input.spacing_mm
    ground = Ground.on(record, mammogram, breast, card.patch.cut_px, None if stated == "native" else stated)
    sampler, scores = _judged(package, card, ground, stride_px)
    cells = _cells(ground, sampler, scores)
    highest = cells[int(scores.argmax())] if cells else None
    point = _point(package.card, highest)
    marked = scores >= point.threshold
    heatmap = Heatmap(
        image=image_facts(record.path.name, mammogram),
        model=model_facts(package, card),
        calibrated=package.card.calibrated,
        grid=_grid(ground, sampler),
        cells=cells,
        highest=highest,
        operating_point=point,
        reached=int(marked.sum()),
        doubts=(*mammogram.warnings, *breast.warnings),
        notes=mammogram.notes,
        run=RunInfo(
            microcalc=microcalc.__version__,
            device="cpu",
            started=begun.isoformat(timespec="seconds"),
            seconds=round(time.perf_counter() - started, 2),
        ),
    )
    seen = window_means(np.ones(len(cells)), sampler) > 0
    means = np.where(seen, window_means(scores, sampler), np.float32(np.nan))
    return Heated(heatmap, mammogram, breast, ground, means, window_means(marked.astype(np.float64), sampler) > 0)


def _judged(
    package: Package, card: NetworkCard, ground: Ground, stride_px: int | None
) -> tuple[WindowSampler, NDArray[np.float64]]:
    """The patches, and the score of each (n,)."""
    classifier = load_patch_classifier(package, device="cpu")
    sampler = WindowSampler(ground.breast, card.patch.size_px, stride_px or card.patch.size_px, HALF_BREAST)
    scores = window_probabilities(classifier, ground.image, ground.breast, sampler)
    return sampler, scores if classifier.calibration is None else classifier.calibration(scores)


def _grid(ground: Ground, sampler: WindowSampler) -> Grid:
    return Grid(
        size_px=sampler.window_px,
        stride_px=sampler.stride_px,
        spacing_mm=ground.frame.spacing_mm,
        breast_share=HALF_BREAST,
    )


def _cells(ground: Ground, sampler: WindowSampler, scores: NDArray[np.float64]) -> tuple[Cell, ...]:
    factors = np.array(ground.frame.factors[::-1])
    starts, ends = (((sampler.corners + side) * factors - 0.5).round(2).tolist() for side in (0, sampler.window_px))
    return tuple(
        Cell(bbox=(*start, *end), score=score) for start, end, score in zip(starts, ends, scores.tolist(), strict=True)
    )


def _point(card: Card, highest: Cell | None) -> Operation:
    """The package's default operating point, beside the image's highest patch."""
    point = next(one for one in card.operating_points if one.name == card.default_operating_point)
    return Operation(
        name=point.name,
        threshold=point.threshold,
        reached=highest is not None and highest.score >= point.threshold,
        meaning=point.false_positives,
    )
