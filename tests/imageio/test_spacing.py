"""Pixel spacing: which attribute is believed, and what magnification does to it."""

from __future__ import annotations

import pytest
from pydicom.dataset import Dataset

from microcalc.imageio.remarks import Remarks
from microcalc.imageio.spacing import header_spacing


def spacing(magnified: bool = False, **attributes) -> tuple[tuple[float, float] | None, Remarks]:
    ds, remarks = Dataset(), Remarks()
    for keyword, value in attributes.items():
        setattr(ds, keyword, value)
    return header_spacing(ds, magnified=magnified, remarks=remarks), remarks


def test_none():
    assert spacing() == (None, Remarks())


@pytest.mark.parametrize(
    ("attributes", "expected", "note"),
    [
        (
            {"ImagerPixelSpacing": [0.1, 0.2], "PixelSpacing": [0.3, 0.3], "NominalScannedPixelSpacing": [0.4, 0.4]},
            (0.1, 0.2),
            "spacing from Imager Pixel Spacing",
        ),
        (
            {"PixelSpacing": [0.3, 0.3], "NominalScannedPixelSpacing": [0.4, 0.4]},
            (0.3, 0.3),
            "spacing from Pixel Spacing",
        ),
    ],
)
def test_order_of_trust(attributes, expected, note):
    found, remarks = spacing(**attributes)
    assert found == expected
    assert remarks == Remarks(notes=[note])


def test_the_film_scanner_is_doubted():
    assert spacing(NominalScannedPixelSpacing=[0.05, 0.05]) == (
        (0.05, 0.05),
        Remarks(warnings=["spacing from Nominal Scanned Pixel Spacing"]),
    )


@pytest.mark.parametrize("value", [[0, 0], [-0.07, 0.07], [70, 70], [0.07], [0.07, 0.07, 0.07], [0.001, 0.07]])
def test_implausible_values_are_passed_over(value):
    found, remarks = spacing(ImagerPixelSpacing=value, PixelSpacing=[0.09, 0.09])
    assert found == (0.09, 0.09)
    assert remarks.warnings == ["Imager Pixel Spacing is implausible and was passed over"]


@pytest.mark.parametrize("factor", [1.0, 1.07, 1.19])
def test_contact_geometry_stays_at_the_detector(factor):
    found, remarks = spacing(ImagerPixelSpacing=[0.07, 0.07], EstimatedRadiographicMagnificationFactor=factor)
    assert found == (0.07, 0.07)
    assert len(remarks.notes) == 1


@pytest.mark.parametrize("magnified", [True, False])
def test_magnification_divides(magnified):
    found, remarks = spacing(magnified, ImagerPixelSpacing=[0.09, 0.18], EstimatedRadiographicMagnificationFactor=1.8)
    assert found == pytest.approx((0.05, 0.1))
    assert "spacing divided by the magnification factor 1.8" in remarks.notes


def test_pixel_spacing_is_in_the_patient_already():
    found, _ = spacing(True, PixelSpacing=[0.09, 0.09], EstimatedRadiographicMagnificationFactor=1.8)
    assert found == (0.09, 0.09)


def test_factor_from_distances_in_a_magnification_view():
    distances = {"DistanceSourceToDetector": 660, "DistanceSourceToPatient": 330}
    assert spacing(True, ImagerPixelSpacing=[0.1, 0.1], **distances)[0] == (0.05, 0.05)
    assert spacing(False, ImagerPixelSpacing=[0.1, 0.1], **distances)[0] == (0.1, 0.1)


@pytest.mark.parametrize("attributes", [{}, {"EstimatedRadiographicMagnificationFactor": 40}])
def test_magnification_view_without_a_plausible_factor(attributes):
    found, remarks = spacing(True, ImagerPixelSpacing=[0.1, 0.1], **attributes)
    assert found == (0.1, 0.1)
    assert "magnification view without a plausible factor" in remarks.warnings[0]
