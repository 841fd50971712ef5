"""Faster R-CNN: backbones cut out of classifiers, their weights, windows in and boxes out."""

import pytest
import torch
from safetensors.torch import save_file

from microcalc.errors import UsageError
from microcalc.models.faster_rcnn import build_faster_rcnn, untrained_faster_rcnn
from microcalc.models.networks import build
from microcalc.models.state_dicts import differences
from microcalc.recipe import load_recipe

FAST = "cortina2022-frcnn-efficientnet-b3-fast"
BACKBONES = ("resnet50", "densenet121", "efficientnet-b3")
#: Channels of a network at an output stride, by its paper, where nothing narrows them.
OWN = {("resnet50", 32): 2048, ("densenet121", 32): 1024, ("efficientnet-b3", 32): 1536, ("efficientnet-b3", 8): 48}


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def recipe():
    small = {"proposals": 20, "detections": 15, "width": 8, "neurons": 8}
    return load_recipe(FAST).with_changes({"network": small})


@pytest.mark.parametrize("backbone", BACKBONES)
@pytest.mark.parametrize(("form", "stride"), [("", 32), ("-fast", 8)])
def test_a_cell_of_the_feature_map_is_as_wide_as_the_recipe_says(backbone, form, stride):
    recipe = load_recipe(f"cortina2022-frcnn-{backbone}{form}")
    with torch.device("meta"):
        module = untrained_faster_rcnn(recipe).eval()
        features = module.backbone(torch.zeros(1, 3, 128, 96))
    assert features.shape == (1, module.backbone.out_channels, 128 // stride, 96 // stride)
    assert module.backbone.out_channels == (recipe.network.width or OWN[backbone, stride])


@pytest.fixture(scope="module")
def begun(recipe, tmp_path_factory):
    """A classifier with a head of its own, the folder of its weights, and the network that begins with them."""
    folder = tmp_path_factory.mktemp("package")
    torch.manual_seed(1)
    classifier = build(recipe.network.backbone, outputs=3)
    save_file(classifier.state_dict(), folder / "weights.safetensors")
    torch.manual_seed(2)
    return classifier, folder, *build_faster_rcnn(recipe, folder)


def test_the_backbone_begins_with_the_weights_of_a_classifier_by_name(begun):
    classifier, _, module, said = begun
    assert "weights of weights.safetensors" in said
    assert said.endswith("all else random")
    own = {name: tensor for name, tensor in module.backbone.state_dict().items() if "narrowed" not in name}
    assert own
    wanted = {name: tensor for name, tensor in classifier.features.state_dict().items() if name in own}
    assert differences(own, wanted) == []
    assert all(torch.equal(tensor, wanted[name]) for name, tensor in own.items())


def test_weights_of_another_network_are_refused(begun, recipe):
    other = recipe.with_changes({"network": {"backbone": {"name": "densenet121"}}})
    with pytest.raises(UsageError, match="expected weights of densenet121"):
        build_faster_rcnn(other, begun[1])


def test_boxes_come_in_one_tensor_best_first_and_filled_up_with_zeros(begun):
    module = begun[2].eval()
    with torch.inference_mode():
        found = module(torch.randn(2, 3, 64, 64))
    assert found.shape == (2, 15, 5)
    edges, scores = found[..., :4], found[..., 4]
    assert (scores[:, :-1] >= scores[:, 1:]).all()
    assert (scores[:, 0] > 0).all()
    assert (edges >= 0).all()
    assert (edges <= 64).all()
    assert (edges[scores == 0] == 0).all()


def test_in_training_it_gives_losses_whether_there_is_a_box_or_none(begun):
    module = begun[2].train()
    boxes = [torch.tensor([[20.0, 20.0, 34.0, 34.0]]), torch.zeros(0, 4)]
    targets = [{"boxes": each, "labels": torch.ones(len(each), dtype=torch.int64)} for each in boxes]
    losses = module(torch.randn(2, 3, 64, 64), targets)
    assert {"loss_classifier", "loss_box_reg", "loss_objectness", "loss_rpn_box_reg"} == set(losses)
    assert all(torch.isfinite(loss) for loss in losses.values())


def test_windows_are_blown_up_to_800_as_published_and_left_alone_in_the_fast_form(begun):
    with torch.device("meta"):
        published = untrained_faster_rcnn(load_recipe("cortina2022-frcnn-efficientnet-b3"))
    window, box = torch.randn(3, 224, 224), torch.tensor([[100.0, 100.0, 114.0, 114.0]])
    for module, side, scale in ((published, 800, 800 / 224), (begun[2], 224, 1.0)):
        images, targets = module.transform([window], [{"boxes": box}])
        assert images.tensors.shape == (1, 3, side, side)
        torch.testing.assert_close(targets[0]["boxes"], box * scale)
    torch.testing.assert_close(images.tensors[0], window)  # and not normalised once more
