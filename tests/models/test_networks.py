"""Networks: as many parameters as their sources say, and outputs of the right shape at the papers' sizes."""

import functools
from typing import get_args

import numpy as np
import pytest
import torch
from torch import nn

from microcalc.models.networks import NETWORKS, build, cam_layer
from microcalc.models.resnet22 import ResNet22
from microcalc.recipe import Network
from microcalc.recipe.network import Head, NetworkName

SMALL = ("alexnet", "resnet18", "densenet121", "efficientnet_b0", "scalable_resnet", "resnet22", "resnet22_separable")
SMALL += ("convnextv2_yocto",)


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def network(name, channels=3, **fields):
    stages = {"stages": 2} if name == "scalable_resnet" else {}
    return Network(name=name, start="random", channels=channels, **stages | fields)


@functools.cache
def outline(name, outputs=2, channels=3, **fields):
    """The network without any weights drawn."""
    with torch.device("meta"):
        return build(network(name, channels, **fields), outputs)


def count(*arguments, **fields):
    """Of parameters."""
    return sum(parameter.numel() for parameter in outline(*arguments, **fields).parameters())


def looked_into(name, module, patches):
    """Logits in evaluation mode, and the shape of the feature map that Grad-CAM is drawn from."""
    shapes = []
    handle = module.get_submodule(NETWORKS[name].cam).register_forward_hook(
        lambda layer, inputs, output: shapes.append(tuple(output.shape))
    )
    with torch.inference_mode():
        logits = module.eval()(patches)
    handle.remove()
    (shape,) = shapes
    return logits, shape


def test_every_name_has_a_network():
    assert set(NETWORKS) == set(get_args(NetworkName))


@pytest.mark.parametrize(
    ("name", "imagenet", "features"),
    [
        ("alexnet", 61_100_840, 4096),
        ("resnet18", 11_689_512, 512),
        ("resnet34", 21_797_672, 512),
        ("resnet50", 25_557_032, 2048),
        pytest.param("resnet101", 44_549_160, 2048, marks=pytest.mark.slow),
        pytest.param("resnet152", 60_192_808, 2048, marks=pytest.mark.slow),
        ("densenet121", 7_978_856, 1024),
        ("efficientnet_b0", 5_288_548, 1280),
        ("efficientnet_b1", 7_794_184, 1280),
        ("efficientnet_b2", 9_109_994, 1408),
        pytest.param("efficientnet_b3", 12_233_232, 1536, marks=pytest.mark.slow),
        pytest.param("efficientnet_b4", 19_341_616, 1792, marks=pytest.mark.slow),
        pytest.param("efficientnet_b5", 30_389_784, 2048, marks=pytest.mark.slow),
        pytest.param("efficientnet_b6", 43_040_704, 2304, marks=pytest.mark.slow),
        pytest.param("efficientnet_b7", 66_347_960, 2560, marks=pytest.mark.slow),
    ],
)
def test_torchvisions_own_have_as_many_parameters_as_its_pages_say(name, imagenet, features):
    """torchvision's table of classification weights gives them for 1000 outputs; each output has features + 1."""
    assert count(name, 2) == imagenet - 998 * (features + 1)


@pytest.mark.parametrize(
    ("name", "printed", "tolerance"),
    [
        ("resnet22", 2.9e6, 0.02),
        ("resnet22_separable", 0.46e6, 0.05),
        ("convnextv2_atto", 3.4e6, 0.02),
        ("convnextv2_zepto", 2.2e6, 0.02),
        ("convnextv2_yocto", 1.2e6, 0.05),
    ],
)
def test_the_baselines_are_as_large_as_the_paper_says(name, printed, tolerance):
    """Terrassin et al., section 4.2; three classes."""
    assert count(name, 3, channels=1) == pytest.approx(printed, rel=tolerance)


def test_resnet22_counted_by_hand():
    """Widths w of 16, 32, 64, 128, 256, and 16 before them.

    3 x 3: 9 (v w + 3 w w) a layer with v before it, 4 x 256 + (512 + 3 x 1024) x (1 + 4 + 16 + 64) = 305,664 products,
    times 9 is 2,750,976. Shortcuts v w: 256 + 512 x 85 = 43,776. First 7 x 7: 784. Batch norms 2 (v + 3 w): 2 x 1,744,
    and 2 x 256 in the end. Hidden 256 x 256 + 256 = 65,792; two outputs 2 x 257 = 514.
    """
    assert count("resnet22", 2, channels=1) == 2_750_976 + 43_776 + 784 + 3_488 + 512 + 65_792 + 514


def test_its_separable_form_counted_by_hand():
    """In place of the 2,750,976: the 305,664 products once, 9 for each of v + 3 w channels, 1,744, and batch norms."""
    saved = 2_750_976 - (305_664 + 9 * 1_744 + 2 * 1_744)
    assert count("resnet22", 2) - count("resnet22_separable", 2) == saved


@pytest.mark.parametrize(
    ("stages", "expected"),
    [
        # first 9 x 64 + 128; stage 64: 4 x 36,864 + 4 x 128 and a shortcut of 4,096 + 128; output 65 + ...
        # stage of w after v: 9 (v w + 3 w w) + 8 w, shortcut v w + 2 w
        (2, 704 + 152_192 + 525_568 + 129),
        (3, 704 + 152_192 + 525_568 + 2_099_712 + 257),
        (4, 704 + 152_192 + 525_568 + 2_099_712 + 8_393_728 + 513),
    ],
)
def test_the_scalable_resnet_counted_by_hand(stages, expected):
    assert count("scalable_resnet", 1, channels=1, stages=stages) == expected


@pytest.mark.parametrize(("stages", "size"), [(2, 16), (3, 32), (4, 64), (4, 5)])
def test_the_scalable_resnet_ends_in_maps_of_4_x_4(stages, size):
    module, patch = outline("scalable_resnet", 2, 1, stages=stages), torch.zeros(1, 1, size, size, device="meta")
    logits, shape = looked_into("scalable_resnet", module, patch)
    assert logits.shape == (1, 2)
    assert shape == (1, 32 * 2**stages, *[max(1, size // 2**stages)] * 2)


@pytest.mark.parametrize("name", SMALL)
def test_logits_and_a_feature_map_for_grad_cam(name):
    logits, shape = looked_into(name, build(network(name, 1), 3), torch.rand(2, 1, 80, 80))
    assert logits.shape == (2, 3)
    assert logits.dtype == torch.float32
    assert logits.isfinite().all()
    assert len(shape) == 4
    assert 1 < shape[2] < 80


@pytest.mark.parametrize("name", [*SMALL, "resnet50", "convnextv2_atto"])
def test_head_and_layer_for_grad_cam_are_where_they_are_said_to_be(name):
    module = outline(name, 2)
    last = module.get_submodule(NETWORKS[name].head)
    assert isinstance(last, nn.Linear)
    assert last.out_features == 2
    assert isinstance(module.get_submodule(cam_layer(network(name))), nn.Module)


@pytest.mark.parametrize(("name", "least"), [("alexnet", 63), ("resnet22", 11)])
def test_the_smallest_patches(name, least):
    module = outline(name, 2, 1).eval()
    assert module(torch.zeros(1, 1, least, least, device="meta")).shape == (1, 2)
    with pytest.raises(RuntimeError):
        module(torch.zeros(1, 1, least - 1, least - 1, device="meta"))


@pytest.mark.parametrize("name", ["resnet18", "efficientnet_b0"])
def test_one_channel_gives_what_three_give_for_grey(name):
    """The same draws: the first convolution of one is that of three, summed."""
    grey = torch.rand(1, 1, 32, 32)
    torch.manual_seed(1)
    one = build(network(name, 1), 2).eval()
    torch.manual_seed(1)
    three = build(network(name, 3), 2).eval()
    with torch.inference_mode():
        np.testing.assert_allclose(one(grey), three(grey.expand(1, 3, 32, 32)), rtol=1e-3, atol=1e-4)


def test_the_seed_gives_the_same_weights():
    states = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        states.append(build(network("scalable_resnet"), 2).state_dict())
    assert all(torch.equal(states[0][name], tensor) for name, tensor in states[1].items())
    assert not torch.equal(states[0]["conv1.weight"], states[2]["conv1.weight"])


def kinds(head):
    return [type(layer).__name__ for layer in head]


def test_a_hidden_head_stands_in_the_place_of_the_linear_layer():
    """Cortina Uribe et al., appendix 2: layers of 500, leaky ReLU, dropout of 0.5 between them."""
    head = Head(hidden=(500, 500), activation="leaky-relu", dropout=0.5)
    fc = build(network("scalable_resnet", head=head), 1).fc
    assert kinds(fc) == ["Linear", "LeakyReLU", "Dropout", "Linear", "LeakyReLU", "Dropout", "Linear"]
    assert [(layer.in_features, layer.out_features) for layer in fc[::3]] == [(128, 500), (500, 500), (500, 1)]
    assert fc[2].p == 0.5


def test_a_head_with_dropout_alone():
    assert kinds(build(network("scalable_resnet", head=Head(dropout=0.4)), 1).fc) == ["Dropout", "Linear"]


def test_gelu_is_also_after_the_first_convolution_of_the_scalable_resnet():
    module = build(network("scalable_resnet", head=Head(activation="gelu")), 1)
    assert isinstance(module.activation, nn.GELU)
    assert not any(isinstance(layer, nn.GELU) for layer in module.layers.modules())


def test_resnet22_is_pre_activated():
    """A block whose convolutions give nothing passes on its input; the first of a layer, a convolution of it."""
    module = ResNet22(1, 2, separable=False).eval()
    first, second = module.layers[0]
    for block in (first, second):
        nn.init.zeros_(block.conv2.weight)
    maps = torch.randn(1, 16, 8, 8)
    with torch.inference_mode():
        assert torch.equal(second(maps), maps)
        np.testing.assert_allclose(
            first(maps), first.shortcut(torch.relu(maps / (1 + 1e-5) ** 0.5)), rtol=1e-4, atol=1e-5
        )
