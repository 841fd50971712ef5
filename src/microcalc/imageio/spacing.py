"""Pixel spacing out of a DICOM header, with the name of the attribute it came from.

Imager Pixel Spacing is measured at the front of the detector and never corrected for magnification (PS3.3 C.8.11.4).
That is what a contact mammogram is measured by, though the breast lies some millimetres nearer to the tube (factor 1.0
to 1.1). In a magnification view the breast is held far above the detector: there the spacing is divided by the factor,
so that sizes in mm stay true.
"""

from __future__ import annotations

from pydicom.dataset import Dataset

from microcalc.imageio.remarks import Remarks
from microcalc.imageio.tags import numbers
from microcalc.mammogram import SPACING_LIMITS_MM

#: In falling order of trust.
_SOURCES = {
    "ImagerPixelSpacing": "Imager Pixel Spacing",
    "PixelSpacing": "Pixel Spacing",
    "NominalScannedPixelSpacing": "Nominal Scanned Pixel Spacing",
}
#: Contact geometry stays below, magnification stands start at about 1.5.
_LEAST_MAGNIFICATION = 1.2
_MOST_MAGNIFICATION = 4.0


def header_spacing(header: Dataset, *, magnified: bool, remarks: Remarks) -> tuple[float, float] | None:
    """(row, column) spacing in mm; None where no attribute holds a plausible one.

    Args:
        header: The data set.
        magnified: The view is a magnification view.
        remarks: Takes the attribute's name, and a warning for each implausible value passed over.
    """
    for keyword, name in _SOURCES.items():
        values = numbers(header, keyword)
        if not values:
            continue
        if len(values) != 2 or not all(_plausible(value) for value in values):
            remarks.warn(f"{name} is implausible and was passed over")
            continue
        if keyword == "NominalScannedPixelSpacing":
            remarks.warn(f"spacing from {name}")
        else:
            remarks.note(f"spacing from {name}")
        spacing = (values[0], values[1])
        return _at_object(spacing, header, magnified, remarks) if keyword == "ImagerPixelSpacing" else spacing
    return None


def _at_object(spacing: tuple[float, float], header: Dataset, magnified: bool, remarks: Remarks) -> tuple[float, float]:
    """The spacing divided by the magnification factor, if the geometry is that of a magnification view."""
    factor = _magnification(header, magnified)
    if factor is None or not _LEAST_MAGNIFICATION <= factor <= _MOST_MAGNIFICATION:
        if magnified:
            remarks.warn("magnification view without a plausible factor: sizes in mm come out too large")
        return spacing
    divided = (spacing[0] / factor, spacing[1] / factor)
    if not all(map(_plausible, divided)):
        return spacing
    remarks.note(f"spacing divided by the magnification factor {factor:.3g}")
    return divided


def _magnification(header: Dataset, magnified: bool) -> float | None:
    """Estimated Radiographic Magnification Factor; in magnification views else its definition, a ratio of distances."""
    factor = next(iter(numbers(header, "EstimatedRadiographicMagnificationFactor")), None)
    if factor is not None:
        return factor
    detector = next(iter(numbers(header, "DistanceSourceToDetector")), 0.0)
    patient = next(iter(numbers(header, "DistanceSourceToPatient")), 0.0)
    return detector / patient if magnified and patient > 0 else None


def _plausible(value: float) -> bool:
    return SPACING_LIMITS_MM[0] <= value <= SPACING_LIMITS_MM[1]
