"""The interface of a detector, with one that finds what it is told to."""

import numpy as np
import pytest

from microcalc.candidates import Candidates
from microcalc.detectors import DETECTORS, Detector, load_detector
from microcalc.errors import MicrocalcError, UsageError
from microcalc.findings import OperatingPoint
from microcalc.mammogram import Mammogram

POINTS = (OperatingPoint("low", 0.2, "many"), OperatingPoint("high", 0.8, "few"))


def drawn(side, spacing_mm=0.1, shape=(400, 300)):
    """A noisy half-disc of breast at the chest-wall edge of its side."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    inside = (x / (shape[1] - 60)) ** 2 + ((y - shape[0] / 2) / (0.4 * shape[0])) ** 2 < 1
    pixels = np.where(inside, 0.5 + 0.03 * np.random.default_rng(0).standard_normal(shape), 0).astype(np.float32)
    pixels = np.ascontiguousarray(pixels[:, ::-1] if side == "R" else pixels)
    return Mammogram(pixels, spacing_mm=(spacing_mm, spacing_mm), spacing_source="user", side=side, view="CC")


def brightest(image, breast, spacing_mm):
    """Proposes the brightest pixel of the breast, and one candidate below any floor."""
    row, column = np.unravel_index(np.argmax(np.where(breast, image, -1)), image.shape)
    return Candidates(np.array([[column, row], [0.0, 0.0]]), np.array([0.3, 0.3]), np.array([0.9, 0.01]))


def detector(**changes):
    fields = {
        "name": "brightest",
        "version": "1",
        "propose": brightest,
        "working_spacing_mm": 0.1,
        "operating_points": POINTS,
        "default_operating_point": "high",
        "score_floor": 0.1,
    }
    return Detector(**(fields | changes))


@pytest.mark.parametrize("side", ["L", "R"])
def test_marks_come_back_in_pixels_of_the_original(side):
    mammogram = drawn(side)
    mammogram.pixels[210, 120] = 1.0
    (mark,) = detector().detect(mammogram, POINTS[1]).findings.calcifications
    assert (mark.x, mark.y) == (120, 210)


@pytest.mark.parametrize("side", ["L", "R"])
def test_marks_come_back_from_a_coarser_working_image(side):
    mammogram = drawn(side, spacing_mm=0.05, shape=(800, 600))
    mammogram.pixels[400:402, 200:202] = 1.0
    (mark,) = detector().detect(mammogram, POINTS[1]).findings.calcifications
    assert abs(mark.x - 200.5) <= 2
    assert abs(mark.y - 400.5) <= 2


def test_what_lies_below_the_floor_is_left_out():
    assert len(detector().detect(drawn("L"), POINTS[0]).findings.calcifications) == 1
    assert len(detector(score_floor=0.0).detect(drawn("L"), POINTS[0]).findings.calcifications) == 2


def test_findings_say_how_the_image_was_read():
    mammogram = Mammogram(drawn("L").pixels, notes=("first of 3 windows",), warnings=("odd",))
    findings = detector().detect(mammogram, POINTS[1]).findings
    assert findings.spacing_source == "assumed"
    assert findings.spacing_mm == (0.07, 0.07)
    assert findings.doubts[0] == "odd"
    assert "0.07 mm assumed" in findings.doubts[1]
    assert findings.notes == ("first of 3 windows",)
    assert findings.side == "L"


@pytest.mark.parametrize(("spacing_mm", "warned"), [(0.19, False), (0.2, True)])
def test_coarse_pixels_are_warned_of(spacing_mm, warned):
    findings = detector().detect(drawn("L", spacing_mm=spacing_mm), POINTS[1]).findings
    assert any("too coarse" in doubt for doubt in findings.doubts) is warned


def test_an_inverted_image_is_mended_and_found_on():
    upright = drawn("L")
    upright.pixels[210, 120] = 1.0
    inverted = Mammogram(1 - upright.pixels, spacing_mm=(0.1, 0.1), spacing_source="user")
    findings = detector().detect(inverted, POINTS[1]).findings
    assert (findings.calcifications[0].x, findings.calcifications[0].y) == (120, 210)
    assert any("inverted" in warning for warning in findings.doubts)


def test_no_breast_is_an_error():
    noise = np.random.default_rng(0).random((300, 200), dtype=np.float32) * 0.01
    with pytest.raises(MicrocalcError, match="breast"):
        detector().detect(Mammogram(noise), POINTS[1])


def test_operating_points_and_devices_by_name():
    assert detector().operating_point().name == "high"
    assert detector().operating_point("low").threshold == 0.2
    assert detector().device() == "cpu"
    with pytest.raises(UsageError, match="low, high"):
        detector().operating_point("middle")
    with pytest.raises(UsageError, match="auto, cpu"):
        detector().device("cuda:1")


def test_every_registered_detector_has_a_sound_default():
    for name in DETECTORS:
        loaded = load_detector(name)
        assert loaded.name == name
        point = loaded.operating_point()
        assert loaded.score_floor <= point.threshold
        assert loaded.info(point).threshold == point.threshold
