"""Detectors of patch classifiers: marks off maps by hand, and packages whose network judges by brightness alone."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from microcalc.detectors import load_detector
from microcalc.detectors.patch_map import HALF, Reading, local_maxima, patch_map_detector, propose
from microcalc.errors import ReadError
from microcalc.evaluation.calibration import Platt
from microcalc.models import Card, write_package
from microcalc.models.runtime import Computation
from microcalc.recipe import load_recipe

OF_PATCHES = load_recipe("microcalc-resnet16").with_changes({"input": {"normalisation": "none"}, "spacing_mm": 0.07})


def brightness(channels=OF_PATCHES.network.channels, outputs=OF_PATCHES.outputs):
    """The bytes of a network that calls a patch positive by its brightest pixel: the logit of the last output is
    20 times that less 10, so that 0.5 is one half."""
    weights = np.zeros((outputs, channels), np.float32)
    weights[-1, 0] = 20
    offsets = np.float32([0] * (outputs - 1) + [-10])
    graph = helper.make_graph(
        [
            helper.make_node("GlobalMaxPool", ["patches"], ["pooled"]),
            helper.make_node("Flatten", ["pooled"], ["flat"]),
            helper.make_node("Gemm", ["flat", "weights", "offsets"], ["logits"], transB=1),
        ],
        "brightness",
        [helper.make_tensor_value_info("patches", TensorProto.FLOAT, ["n", channels, 16, 16])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", outputs])],
        [numpy_helper.from_array(weights, "weights"), numpy_helper.from_array(offsets, "offsets")],
    )
    opset = [helper.make_opsetid("", 18)]
    return onnx.helper.make_model(graph, opset_imports=opset, ir_version=8).SerializeToString()


@pytest.fixture
def of_patches(card, tmp_path):
    """A package of the kind ``patch-classifier``."""
    fed = {"spacing_mm": 0.07, "proposer": None, "patch": OF_PATCHES.input, "network": OF_PATCHES.network}
    changes = {"name": OF_PATCHES.name, "kind": OF_PATCHES.kind, "recipe": OF_PATCHES.as_written(), "input": fed}
    made = Card.model_validate(card.model_dump() | changes)
    return write_package(tmp_path / "patches", made, {"model.onnx": brightness()})


@pytest.fixture
def of_map(card, of_patches, tmp_path):
    """A package of the kind ``patch-map`` with that within; options change its recipe."""

    def make(classifier=OF_PATCHES.name, **changes):
        layer = {"classifier": classifier, "stride_px": 8, "smoothing_px": 3, "kernel_px": 9}
        changes = {"maps": [layer], "normalisation": "none"} | changes
        recipe = load_recipe("cortina2022-resnet16-map").with_changes(changes)
        member = {"file": "classifier-1.zip", "name": "a", "version": "1", "sha256": of_patches.sha256}
        values = card.model_dump() | {
            "name": recipe.name,
            "kind": recipe.kind,
            "recipe": recipe.as_written(),
            "input": {"spacing_mm": 0.07, "proposer": None, "classifiers": [member]},
        }
        files = {"classifier-1.zip": of_patches.zipped()}
        return write_package(tmp_path / "map", Card.model_validate(values), files)

    return make


def maxima(values, breast=None, side_px=5):
    values = np.float32(values)
    centres, heights = local_maxima(values, np.ones(values.shape, bool) if breast is None else breast, side_px)
    return sorted((*centre, height) for centre, height in zip(centres.tolist(), heights.tolist(), strict=True))


def test_maxima_by_hand():
    """Of 0.9 and 0.5, two apart, the lower lies in the square of the higher; 0.4, three apart from 0.5, does not."""
    values = np.zeros((9, 12))
    values[4, [2, 4, 8]] = 0.9, 0.5, 0.4
    assert maxima(values) == [(2, 4, pytest.approx(0.9)), (8, 4, pytest.approx(0.4))]


def test_a_level_top_is_one_maximum_in_its_middle_however_it_is_rounded():
    """Rows 1 to 4 and columns 2 to 9: the middle is 5.5, 2.5. Larger than the square, and its values 1e-8 apart."""
    values = np.zeros((8, 14))
    values[1:5, 2:10] = 0.7 + 1e-8 * np.random.default_rng(0).random((4, 8))
    assert maxima(values) == [(5.5, 2.5, pytest.approx(0.7))]


def test_no_mark_off_the_breast_nor_on_a_map_of_nothing():
    values = np.zeros((9, 12))
    values[4, [2, 9]] = 0.5, 0.9
    breast = np.ones((9, 12), bool) & (np.arange(12) < 6)
    assert maxima(values, breast) == [(2, 4, pytest.approx(0.5))]
    assert maxima(np.zeros((9, 12))) == []


def read_off(values, **reading):
    values = np.float32(values)
    reading = Reading(**({"maxima_px": 3, "nms_iou": None, "calibration": None} | reading))
    return propose(lambda *_: values, reading, values, np.ones(values.shape, bool), 0.07)


def test_marks_come_best_first_without_a_size():
    values = np.zeros((9, 20))
    values[4, [2, 8, 14]] = 0.2, 0.9, 0.5
    found = read_off(values)
    assert found.centres.tolist() == [[8, 4], [14, 4], [2, 4]]
    np.testing.assert_allclose(found.scores, [0.9, 0.5, 0.2])
    assert np.isnan(found.diameters_mm).all()


def test_boxes_that_overlap_by_more_than_the_recipe_allows():
    """Boxes of 4 px, 3 px apart along a row: they share 1 x 4 of 28 px, an IoU of 1/7. Of a chain of three the middle
    one is highest: it drops both others, or none. (Maxima of 4 px lie at least 2 px apart.)"""
    values = np.zeros((9, 20))
    values[4, [5, 8, 11]] = 0.5, 0.9, 0.6
    kept = read_off(values, maxima_px=4, nms_iou=0.14).centres
    assert kept.tolist() == [[8, 4]]
    assert len(read_off(values, maxima_px=4, nms_iou=0.15).centres) == 3


def test_scores_are_calibrated():
    """Platt's 0.5 * 0.9 - 1 = -0.55, whose sigmoid is 0.36586."""
    values = np.zeros((9, 12))
    values[4, 5] = 0.9
    assert read_off(values, calibration=Platt(slope=0.5, intercept=-1.0)).scores == pytest.approx([0.36586], abs=1e-5)


@pytest.mark.parametrize("side", ["L", "R"])
def test_a_bare_classifier_finds_dots(of_patches, look_for_dots, side):
    """Windows of 16 px at a stride of 8 cover a dot four times; it lies in all of them, and the top of the map, where
    they overlap, is a block of 8 px around: at most 4 px off along each axis, and smoothing draws it no farther."""
    assert (look_for_dots(load_detector(str(of_patches.path)), side) < 6).all()


def test_a_bare_classifier_is_read_as_such(of_patches):
    detector = load_detector(str(of_patches.path))
    assert detector.operating_points == (HALF,)
    assert (detector.calibrated, detector.score_floor) == (False, 0.01)
    assert "neither calibrated nor measured" in detector.doubt
    assert detector.computed == "onnxruntime, f32"


@pytest.mark.parametrize("normalisation", ["none", "min-max"])
def test_a_map_finds_dots(of_map, look_for_dots, normalisation):
    detector = load_detector(str(of_map(normalisation=normalisation).path))
    assert (look_for_dots(detector, "L") < 6).all()
    assert detector.doubt is None
    assert [point.name for point in detector.operating_points] == ["balanced", "specific"]


def test_marks_have_no_size_in_findings_and_a_classifier_warns(of_patches, specks_png):
    from microcalc.imageio import read_mammogram

    detector = load_detector(str(of_patches.path))
    findings = detector.detect(read_mammogram(specks_png), HALF).findings
    assert findings.calcifications
    assert {mark.diameter_mm for mark in findings.calcifications} == {None}
    assert detector.doubt in findings.warnings


def test_without_a_breast_there_are_no_marks(of_map):
    found = patch_map_detector(of_map(), Computation()).propose(
        np.ones((40, 30), np.float32), np.zeros((40, 30), bool), 0.07
    )
    assert len(found.scores) == 0


def test_an_image_smaller_than_a_window(of_map):
    """Brightness 1 in the one window there is: sigmoid(10)."""
    found = patch_map_detector(of_map(), Computation()).propose(
        np.ones((9, 12), np.float32), np.ones((9, 12), bool), 0.07
    )
    assert found.centres.tolist() == [[5.5, 4]]


def test_a_map_whose_recipe_names_another_classifier(of_map):
    with pytest.raises(ReadError, match=r"cortina2022-resnet32 at 0\.07 mm, .*found microcalc-resnet16"):
        load_detector(str(of_map(classifier="cortina2022-resnet32").path))
