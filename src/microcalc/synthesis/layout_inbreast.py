"""INbreast's layout: DICOM files, one XML list of regions of interest for each annotated image, one table.

Files are named ``<image>_<patient>_MG_<L|R>_<CC|ML>_ANON.dcm``; the table says MLO where the name says ML. Each
calcification is a region of interest (ROI), most of them single points; a cluster is one more, called Cluster.
"""

from __future__ import annotations

import hashlib
import plistlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from microcalc.output.files import replacing
from microcalc.synthesis.layout_parts import as_dicom, assess, breasts, named_view, outline, regions, store, write_text
from microcalc.truth import ImageTruth

if TYPE_CHECKING:
    from microcalc.synthesis.study import Picture

#: Calcifications of at least this diameter have their outline, smaller ones a point.
_OUTLINED_MM = 0.5
#: OsiriX codes of a point and of a closed pencil line.
_POINT, _PENCIL = 19, 15
#: One in so many calcifications and clusters bears another of the names found in the set.
_UNNAMED_EVERY, _PLURAL_EVERY = 16, 4
_COLUMNS = "Patient ID;Patient age;Laterality;View;Acquisition date;File Name;ACR;Bi-Rads"
_ACR = {"A": "1", "B": "2", "C": "3", "D": "4"}


def write(root: Path, picture: Picture) -> ImageTruth:
    """Write one picture, and its regions of interest where it has any."""
    side, view = named_view(picture.truth)
    image = 20_000_000 + 100 * picture.number + picture.instance
    patient = hashlib.sha256(picture.identity.patient.encode()).hexdigest()[:16]
    path = f"AllDICOMs/{image}_{patient}_MG_{side}_{'ML' if view == 'MLO' else view}_ANON.dcm"
    dataset = as_dicom(picture)
    dataset.PatientID = patient
    dataset.PatientName = "removed"
    dataset.StudyDate = dataset.SeriesDate = dataset.AcquisitionDate = dataset.ContentDate = f"{_month(image)}01"
    store(dataset, root / path)
    rois = _rois(picture)
    if rois:
        listed = {"Images": [{"ImageIndex": 0, "NumberOfROIs": len(rois), "ROIs": rois}]}
        with replacing(root / "AllXML" / f"{image}.xml") as file:
            plistlib.dump(listed, file)
    return picture.truth.model_copy(update={"path": path})


def finish(root: Path, images: Sequence[ImageTruth]) -> None:
    """Write ``INbreast.csv``: semicolons, no identity, and blanks for an unknown density."""
    found = breasts(images)
    rows = [_COLUMNS]
    for truth in sorted(images, key=lambda truth: truth.path):
        image = Path(truth.path).name.partition("_")[0]
        acr = _ACR[truth.density] if truth.density else " " * 5
        birads = assess(found[truth.patient, truth.side], str(truth.patient), str(truth.side))
        rows.append(f"removed;removed;{truth.side};{truth.view};{_month(int(image))};{image};{acr};{birads}")
    write_text(root / "INbreast.csv", "\n".join(rows) + "\n")


def _month(image: int) -> str:
    """When the image was acquired, YYYYMM: the set is of 2008 to 2010."""
    study = image // 100
    return f"{2008 + study % 3}{1 + study % 12:02d}"


def _rois(picture: Picture) -> list[dict[str, Any]]:
    """Every calcification, then the clusters."""
    first, spacing = picture.number + picture.instance, picture.device.spacing_mm
    rois: list[dict[str, Any]] = []
    for mark in picture.truth.calcifications:
        name = "Unnamed" if (first + len(rois)) % _UNNAMED_EVERY == 0 else "Calcification"
        outlined = mark.polygon and mark.diameter_mm is not None and mark.diameter_mm >= _OUTLINED_MM
        points = outline(mark) if outlined else np.array([(mark.x, mark.y)])
        rois.append(_roi(name, len(rois), points, picture.pixels, spacing))
    clusters = [region for region in regions(picture.truth) if region.distribution]
    for number, cluster in enumerate(clusters, start=first):
        name = "Calcifications" if number % _PLURAL_EVERY == 0 else "Cluster"
        rois.append(_roi(name, len(rois), cluster.outline, picture.pixels, spacing))
    return rois


def _roi(
    name: str, index: int, points: NDArray[np.float64], pixels: NDArray[np.uint16], spacing_mm: float
) -> dict[str, Any]:
    """One region, in the set's own (alphabetical) order of keys, by which some readers count.

    Places count from the image's corner, so that cutting off the fraction gives the pixel, as the set's readers do.
    """
    grey = _grey_values(points, pixels)
    corner = points + 0.5
    centre = corner.mean(axis=0)
    area_px = cv2.contourArea(points.astype(np.float32)) if len(points) > 2 else 0.0
    return {
        "Area": float(area_px * spacing_mm**2 / 100),
        "Center": _numbers((*(centre * spacing_mm), 0.0)),
        "Dev": float(grey.std()),
        "IndexInImage": index,
        "Max": float(grey.max()),
        "Mean": float(grey.mean()),
        "Min": float(grey.min()),
        "Name": name,
        "NumberOfPoints": len(points),
        "Point_mm": [_numbers((*point, 0.0)) for point in corner * spacing_mm],
        "Point_px": [_numbers(point) for point in corner],
        "Total": float(grey.sum()),
        "Type": _POINT if len(points) == 1 else _PENCIL,
    }


def _grey_values(points: NDArray[np.float64], pixels: NDArray[np.uint16]) -> NDArray[np.float64]:
    """Stored values of the pixels that a point or a closed outline covers."""
    corners = np.clip(np.round(points), 0, np.array(pixels.shape[::-1]) - 1).astype(np.int32)
    x, y, width, height = cv2.boundingRect(corners)
    window = pixels[y : y + height, x : x + width]
    covered = np.zeros(window.shape, np.uint8)
    cv2.fillPoly(covered, [corners - (x, y)], 1)
    return window[covered > 0].astype(np.float64)


def _numbers(values: Sequence[float] | NDArray[np.float64]) -> str:
    return "(" + ", ".join(f"{value:.6f}" for value in values) + ")"
