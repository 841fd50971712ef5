"""Boxes on whole images: windows with a stand-in for the network, worked by hand; and a package in both forms."""

import numpy as np
import pytest
import torch
import torchvision

from microcalc.candidates.geometry import boxes_apart
from microcalc.errors import MicrocalcError, ReadError, UsageError
from microcalc.models import Input, write_package
from microcalc.models.faster_rcnn import untrained_faster_rcnn
from microcalc.models.network_files import write_network_package
from microcalc.models.network_package import region_recipe
from microcalc.models.normalise import moving_z_score
from microcalc.models.onnx_file import ODD_BOXES, check_boxes
from microcalc.models.region_boxes import RegionBoxes, load_region_boxes, own_boxes
from microcalc.models.runtime import Computation
from microcalc.models.torch_network import load_torch
from microcalc.recipe import load_recipe

FAST = "cortina2022-frcnn-efficientnet-b3-fast"
#: Windows of 16 px, of which 24 are read.
SCANNING = {"window_px": 16, "stride_px": 16, "border_px": 4}


@pytest.fixture(scope="module")
def recipe():
    return load_recipe(FAST).with_changes({"scanning": SCANNING, "patches": {"size_px": 8}})


class SpeckFinder:
    """In place of a network: a box of 3 px around each pixel that stands out, in the first of the channels."""

    name, precision, device = "torch", "f32", "cpu"

    def __init__(self):
        self.seen = []

    def __call__(self, batch):
        self.seen.append(batch.shape)
        found = np.zeros((len(batch), 10, 5), np.float32)
        for window, image in enumerate(batch[:, 0]):
            rows, columns = np.nonzero(image > 5)
            for place, (row, column) in enumerate(zip(rows, columns, strict=True)):
                found[window, place] = (column - 1, row - 1, column + 2, row + 2, 0.5 + 0.01 * place)
        return (found,)


def _image(shape, *specks):
    image = np.full(shape, 0.5, np.float32)
    for x, y in specks:
        image[y, x] = 1.0
    return image


def test_each_speck_is_boxed_once_wherever_windows_meet(recipe):
    # On a corner of four windows, beside a seam, in the first and the last pixel.
    specks = [(16, 16), (15, 30), (0, 0), (39, 34)]
    image = _image((35, 40), *specks)
    found = RegionBoxes(recipe, SpeckFinder())(image, np.ones(image.shape, bool))
    centres = (found.edges[:, :2] + found.edges[:, 2:]) / 2
    assert sorted(map(tuple, centres.tolist())) == sorted((float(x), float(y)) for x, y in specks)
    assert (found.edges[:, 2:] - found.edges[:, :2] == 3).all()


def test_windows_without_breast_are_never_computed(recipe):
    image = _image((64, 64), (40, 40))
    breast = np.zeros(image.shape, bool)
    finder = SpeckFinder()
    assert len(RegionBoxes(recipe, finder)(image, breast).scores) == 0
    assert finder.seen == []
    breast[41, 40] = True
    assert len(RegionBoxes(recipe, finder)(image, breast).scores) == 0  # beside the breast
    breast[40, 40] = True
    assert len(RegionBoxes(recipe, finder)(image, breast).scores) == 1
    assert finder.seen == [(1, 3, 24, 24)] * 2


def test_an_image_smaller_than_a_window_is_one_window(recipe):
    image = _image((9, 12), (5, 4))
    finder = SpeckFinder()
    found = RegionBoxes(recipe, finder)(image, np.ones(image.shape, bool))
    assert finder.seen == [(1, 3, 24, 24)]
    centres = (found.edges[:, :2] + found.edges[:, 2:]) / 2
    # Its reflection at the last pixel lies in the window too, and off the image.
    assert centres.tolist() == [[5.0, 4.0]]


def test_what_the_network_sees_of_a_pixel_does_not_depend_on_its_window(recipe):
    rng = np.random.default_rng(0)
    image = rng.random((48, 48), np.float32)
    row, column = 20, 30
    box = image[row - 4 : row + 4, column - 4 : column + 4].astype(np.float64)
    seen = moving_z_score(image, 8)
    assert seen[row, column] == pytest.approx((image[row, column] - box.mean()) / box.std(), abs=1e-4)


def test_boxes_are_put_on_the_image_and_only_those_of_the_window_itself(recipe):
    boxes = np.array(
        [
            [
                [4, 4, 6, 6, 0.9],  # middle (5, 5), less the border (1, 1)
                [2, 8, 4, 10, 0.8],  # middle (3, 9): in the border
                [18, 18, 20.5, 20, 0.7],  # middle (19.25, 19): the last pixel but one
                [19, 18, 21.5, 20, 0.6],  # middle (20.25, 19): beyond the window
                [8, 8, 10, 10, 0.01],  # below the floor
                [0, 0, 0, 0, 0],
            ]
        ],
        np.float32,
    )
    found = own_boxes(boxes, np.array([[32, 16]]), recipe)
    # x less the border 4, and the corner 32 whose outer edge is 31.5; y from 15.5.
    assert found[:, :4].tolist() == [[31.5, 15.5, 33.5, 17.5], [45.5, 29.5, 48.0, 31.5]]
    assert found[:, 4] == pytest.approx([0.9, 0.7])


def test_overlapping_boxes_are_dropped_as_torchvision_drops_them():
    rng = np.random.default_rng(3)
    low = rng.uniform(0, 60, (300, 2))
    edges = np.hstack([low, low + rng.uniform(4, 20, (300, 2))])
    scores = np.linspace(1, 0, 300)
    wanted = torchvision.ops.nms(torch.tensor(edges), torch.tensor(scores), 0.3).tolist()
    assert 10 < len(wanted) < 290
    assert boxes_apart(edges, 0.3).tolist() == sorted(wanted)
    assert boxes_apart(np.empty((0, 4)), 0.3).tolist() == []


@pytest.fixture(scope="module")
def package(card, tmp_path_factory):
    """A network of random weights that answers, in both forms."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    changes = {
        "scanning": {"window_px": 48, "stride_px": 48, "border_px": 8, "score_floor": 0.01},
        "network": {"proposals": 30, "detections": 20, "width": 8, "neurons": 8},
        "patches": {"size_px": 32},
    }
    recipe = load_recipe(FAST).with_changes(changes)
    torch.manual_seed(0)
    module = untrained_faster_rcnn(recipe)
    with torch.no_grad():  # scores that differ from place to place: of tied ones rounding would choose
        for layer in module.modules():
            if isinstance(layer, torch.nn.BatchNorm2d):
                layer.momentum = 1.0
        module.backbone.train()(torch.randn(2, 3, 64, 64))
        module.rpn.head.cls_logits.weight *= 100
        module.roi_heads.box_predictor.cls_score.weight *= 30
    described = card.model_copy(
        update={
            "name": FAST,
            "kind": "faster-rcnn",
            "input": Input(spacing_mm=0.07, proposer=None, network=recipe.network.backbone),
            "recipe": recipe.as_written(),
        }
    )
    yield write_network_package(tmp_path_factory.mktemp("package"), described, module)
    torch.set_num_threads(before)


def test_onnx_runtime_boxes_what_torch_boxes(package):
    assert "There is no" not in package.card.limitations
    rng = np.random.default_rng(1)
    image, breast = rng.random((90, 70), np.float32), np.ones((90, 70), bool)
    found = {name: load_region_boxes(package, Computation(name))(image, breast) for name in ("torch", "onnxruntime")}
    assert len(found["torch"].scores) > 10
    assert np.ptp(found["torch"].scores) > 0.01
    for ours, theirs in zip(found["onnxruntime"], found["torch"], strict=True):
        np.testing.assert_allclose(ours, theirs, atol=5e-3)


def test_a_file_that_boxes_something_else_is_told_from_the_network(package, tmp_path):
    path, module = tmp_path / "model.onnx", load_torch(package)
    path.write_bytes(package.read("model.onnx"))
    assert check_boxes(path, module, 3, 64) <= ODD_BOXES
    with torch.no_grad():
        module.roi_heads.box_predictor.cls_score.bias[1] += 1
    with pytest.raises(MicrocalcError, match=r"100\.0% that only one of them finds"):
        check_boxes(path, module, 3, 64)


def test_a_card_that_disagrees_with_its_recipe_is_refused(package, card, tmp_path):
    files = {name: package.read(name) for name in package.card.files}
    other = package.card.model_copy(update={"input": Input(spacing_mm=0.1, proposer=None)})
    with pytest.raises(ReadError, match="another pixel pitch or backbone"):
        load_region_boxes(write_package(tmp_path / "other", other, files))
    with pytest.raises(UsageError, match="of the kind faster-rcnn"):
        region_recipe(write_package(tmp_path / "cascade", card, {"model.safetensors": b""}))
