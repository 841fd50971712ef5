"""What several layouts need: the view of a picture, its grey scale, the regions a reader would outline, BI-RADS."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import FileDataset

from microcalc.errors import UsageError
from microcalc.mammogram import Side
from microcalc.output.files import replacing
from microcalc.synthesis.dicom import make_dataset, save
from microcalc.synthesis.outline import View
from microcalc.truth import ImageTruth, Pathology, TrueCalcification, TrueCluster

if TYPE_CHECKING:
    from microcalc.synthesis.study import Picture

_VIEWS: Mapping[str, View] = {"CC": "CC", "MLO": "MLO"}
#: Odds of each BI-RADS category for breasts whose findings are all benign, and for others.
_BENIGN = {"2": 0.9, "3": 0.1}
_SUSPICIOUS = {"4a": 0.15, "4b": 0.1, "4c": 0.25, "5": 0.4, "6": 0.1}


def named_view(truth: ImageTruth) -> tuple[Side, View]:
    """Side and standard view of a picture.

    Raises:
        UsageError: one of them is unknown, or the view is neither CC nor MLO.
    """
    view = _VIEWS.get(truth.view or "")
    if truth.side is None or view is None:
        raise UsageError(
            expected="a CC or MLO view of a known side",
            found=f"side {truth.side}, view {truth.view}",
            do="leave this image out",
        )
    return truth.side, view


def check_number(number: int, most: int, layout: str) -> None:
    """Raise UsageError for a patient's number beyond the ``most`` that a layout's names can hold."""
    if number > most:
        raise UsageError(
            expected=f"at most {most} patients for the layout {layout}",
            found=f"patient {number}",
            do="make fewer, or choose another layout",
        )


def as_dicom(picture: Picture) -> FileDataset:
    """The picture as a mammography object with all its tags.

    Raises:
        UsageError: its side is unknown, or the view is neither CC nor MLO.
    """
    side, view = named_view(picture.truth)
    return make_dataset(picture.pixels, picture.device, picture.identity, side, view, instance=picture.instance)


def monochrome2(picture: Picture) -> NDArray[np.uint16]:
    """The stored pixels with bright = radio-opaque."""
    return picture.device.store(picture.pixels)  # its own inverse


@dataclass(frozen=True, eq=False)
class Region:
    """What a reader of the picture would outline as one finding: a cluster, or a calcification of its own."""

    #: (n, 2) x, y, convex for clusters; a single point where nothing else is known.
    outline: NDArray[np.float64]
    pathology: Pathology | None
    morphology: str | None
    #: None for a calcification of its own.
    distribution: str | None
    #: Median matched-filter SNR of its calcifications, where known.
    snr: float | None

    @property
    def circle(self) -> tuple[float, float, float]:
        """x, y and radius of the smallest circle around it, pixels."""
        (x, y), radius = cv2.minEnclosingCircle(self.outline.astype(np.float32))
        return float(x), float(y), float(radius)

    def pixel_box(self, shape: tuple[int, int]) -> tuple[int, int, int, int]:
        """First column and row, last column and row that it touches within an image of ``shape`` rows, columns."""
        last = np.array(shape[::-1]) - 1
        x0, y0 = np.clip(np.floor(self.outline.min(axis=0) + 0.5).astype(int), 0, last).tolist()
        x1, y1 = np.clip(np.ceil(self.outline.max(axis=0) - 0.5).astype(int), 0, last).tolist()
        return x0, y0, x1, y1


def regions(truth: ImageTruth) -> list[Region]:
    """Clusters first, then the calcifications outside them, in the truth's order."""
    clustered = {member for cluster in truth.clusters for member in cluster.members or ()}
    single = [mark for index, mark in enumerate(truth.calcifications) if index not in clustered]
    return [_cluster(cluster, truth.calcifications) for cluster in truth.clusters] + [
        Region(outline(mark), mark.pathology, mark.morphology, None, mark.snr) for mark in single
    ]


def outline(mark: TrueCalcification) -> NDArray[np.float64]:
    """(n, 2) x, y: a calcification's polygon, or its one point where it has none."""
    return np.array(mark.polygon or [(mark.x, mark.y)], np.float64)


def _cluster(cluster: TrueCluster, marks: Sequence[TrueCalcification]) -> Region:
    members = [marks[index] for index in cluster.members or ()]
    if cluster.polygon is not None:
        points = np.array(cluster.polygon)
    elif members:
        points = np.concatenate([outline(mark) for mark in members])
    else:
        x0, y0, x1, y1 = cluster.bbox
        points = np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)])
    hull = cv2.convexHull(points.astype(np.float32))[:, 0].astype(np.float64)
    snr = [mark.snr for mark in members if mark.snr is not None]
    return Region(
        hull,
        cluster.pathology,
        cluster.morphology,
        # A cluster whose distribution nobody noted is still no single calcification.
        cluster.distribution or "grouped",
        float(np.median(snr)) if snr else None,
    )


def assess(pathologies: Collection[Pathology | None], *key: str) -> str:
    """BI-RADS category, "1" to "6" with "4a" to "4c": drawn by stated odds, the same for the same key.

    Nothing found is "1"; a finding that is malignant makes the category suspicious, others are benign.
    """
    if not pathologies:
        return "1"
    odds = _SUSPICIOUS if "malignant" in pathologies else _BENIGN
    rng = np.random.default_rng(list(hashlib.sha256("/".join(key).encode()).digest()))
    return str(rng.choice(list(odds), p=list(odds.values())))


def breasts(images: Sequence[ImageTruth]) -> Mapping[tuple[str | None, Side | None], tuple[Pathology | None, ...]]:
    """Patient and side -> pathologies of all calcifications seen in any of the breast's images."""
    found: dict[tuple[str | None, Side | None], tuple[Pathology | None, ...]] = {}
    for image in images:
        breast = image.patient, image.side
        found[breast] = found.get(breast, ()) + tuple(mark.pathology for mark in image.calcifications)
    return found


def write_text(path: Path, text: str) -> None:
    """Write a small text file whole or not at all, as UTF-8, line ends as they are.

    Raises:
        WriteError: it cannot be written.
    """
    with replacing(path) as file:
        file.write(text.encode())


def store(dataset: FileDataset, path: Path) -> None:
    """Write a DICOM file, in folders made where missing.

    Raises:
        OSError: it cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    save(dataset, path)
