import copy

import numpy as np
import pytest
import torch
from monai.visualize import GradCAM, GradCAMpp
from torch import nn
from torch.nn import functional

from microcalc.errors import UsageError
from microcalc.explain.gradcam import gradcam


class Toy(nn.Module):
    """Two feature maps, the patch and its negative cut at 0; global mean; one linear layer."""

    def __init__(self, weight, in_place=False):
        super().__init__()
        self.conv = nn.Conv2d(1, 2, 1, bias=False)
        self.head = nn.Linear(2, len(weight), bias=False)
        self.in_place = in_place
        self.relu = nn.Identity() if in_place else nn.ReLU()
        with torch.no_grad():
            self.conv.weight.copy_(torch.tensor([1.0, -1.0]).view(2, 1, 1, 1))
            self.head.weight.copy_(torch.tensor(weight))

    def forward(self, x):
        features = self.relu(self.conv(x))
        if self.in_place:
            features = functional.relu(features, inplace=True)
        return self.head(features.mean(dim=(2, 3)))


#: Of two patches; feature maps are max(x, 0) and max(-x, 0).
BATCH = np.array([[[[4, -2], [1, 0]]], [[[0, 3], [-6, 0]]]], np.float32)


@pytest.fixture(scope="module")
def small():
    """A random network of three classes with all that bothers hooks: batch norm, dropout, in-place activations."""
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 6, 3, stride=2, padding=1),
        nn.BatchNorm2d(6),
        nn.ReLU(inplace=True),
        nn.Conv2d(6, 8, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Dropout(0.5),
        nn.Linear(8, 3),
    )


@pytest.fixture(scope="module")
def patches():
    return np.random.default_rng(0).random((3, 1, 16, 16), np.float32)


def test_the_map_of_a_network_worked_by_hand():
    # Logit of class 1 = 2 mean(A0) + 1 mean(A1), over 4 pixels: gradients are 2/4 and 1/4 everywhere, and so are the
    # weights. Patch 0: A0 = 4 0 / 1 0, A1 = 0 2 / 0 0; 0.5 A0 + 0.25 A1 = 2 0.5 / 0.5 0; by its maximum 1 .25 / .25 0.
    # Patch 1: A0 = 0 3 / 0 0, A1 = 0 0 / 6 0: 0 1.5 / 1.5 0; by its maximum 0 1 / 1 0.
    maps = gradcam(Toy([[-3.0, 0.0], [2.0, 1.0]]), "relu", BATCH, 1)
    np.testing.assert_allclose(maps, [[[1, 0.25], [0.25, 0]], [[0, 1], [1, 0]]], atol=1e-6)
    assert maps.dtype == np.float32


def test_what_nothing_speaks_for_stays_empty():
    # Weights of class 0 are -3/4 and 0: nothing is above 0.
    assert not gradcam(Toy([[-3.0, 0.0], [2.0, 1.0]]), "relu", BATCH, 0).any()


def test_the_weights_of_the_pixelwise_method_worked_by_hand():
    # alpha = 1 / (2 + sum(A) g), weight = sum over 4 pixels of alpha g. Patch 0: sum(A) = 5 and 2, g = 1/2 and 1/4:
    # weights 4 (1/2) / (2 + 5/2) = 4/9 and 4 (1/4) / (2 + 2/4) = 2/5. Map 4/9 A0 + 2/5 A1 = 16/9 4/5 / 4/9 0; by its
    # maximum 1 9/20 / 1/4 0.
    maps = gradcam(Toy([[0.0, 0.0], [2.0, 1.0]]), "relu", BATCH[:1], 1, "gradcam++")
    np.testing.assert_allclose(maps, [[[1, 9 / 20], [1 / 4, 0]]], atol=1e-6)


def test_of_one_output_class_0_is_the_negated_logit():
    two = Toy([[-2.0, 1.0], [2.0, -1.0]])
    one = Toy([[2.0, -1.0]])
    for index in (0, 1):
        np.testing.assert_array_equal(gradcam(one, "relu", BATCH, index), gradcam(two, "relu", BATCH, index))
    assert gradcam(one, "relu", BATCH, 0).any()


def test_an_activation_in_place_counts_as_part_of_the_layer():
    weight = [[-2.0, 1.0], [2.0, 1.0]]
    expected = gradcam(Toy(weight), "relu", BATCH, 1)
    np.testing.assert_array_equal(gradcam(Toy(weight, in_place=True), "relu", BATCH, 1), expected)


def test_cells_are_enlarged_between_their_centres(small, patches):
    # From 4 x 4 cells to 16 x 16 pixels, centres of cells lie 4 pixels apart, the first between pixels 1 and 2; up to
    # there the map is level, and between two cells it goes in equal steps.
    first = gradcam(small, "4", patches, 0)[0]
    assert first.shape == (16, 16)
    np.testing.assert_array_equal(first[0], first[1])
    np.testing.assert_allclose(np.diff(first[2:6], n=2, axis=0), 0, atol=1e-6)


@pytest.mark.parametrize("index", [0, 1, 2])
def test_grad_cam_is_that_of_monai(small, patches, index):
    # MONAI's has its own scaling, so that it is asked for the bare map.
    witness = GradCAM(copy.deepcopy(small), "4", postprocessing=lambda cells: cells)
    bare = witness(torch.from_numpy(patches), class_idx=index).detach().numpy()[:, 0]
    np.testing.assert_allclose(
        gradcam(small, "4", patches, index), bare / bare.max(axis=(1, 2), keepdims=True), atol=1e-5
    )


def test_the_pixelwise_method_is_that_of_monai(small, patches):
    # One patch at a time: MONAI's multiplies a batch's logits along the wrong axis.
    witness = GradCAMpp(copy.deepcopy(small), "4", postprocessing=lambda cells: cells)
    for index in range(3):
        for number in range(3):
            bare = witness(torch.from_numpy(patches[number : number + 1]), class_idx=index).detach().numpy()[:, 0]
            found = gradcam(small, "4", patches[number : number + 1], index, "gradcam++")
            np.testing.assert_allclose(found, bare / bare.max(), atol=1e-3)  # MONAI adds 1e-7 to small denominators


def test_a_batch_is_the_same_as_one_by_one(small, patches):
    together = gradcam(small, "4", patches, 1, "gradcam++")
    for number in range(3):
        alone = gradcam(small, "4", patches[number : number + 1], 1, "gradcam++")
        np.testing.assert_allclose(together[number], alone[0], atol=1e-6)


def test_the_network_is_left_as_it_was(small, patches):
    module = copy.deepcopy(small).train()
    module[1].eval()  # frozen
    module[0].weight.requires_grad_(False)
    module[3].weight.grad = torch.ones_like(module[3].weight)
    before = copy.deepcopy(module.state_dict())
    gradcam(module, "4", patches, 0)
    assert [layer.training for layer in module] == [True, False, *[True] * 7]
    assert [name for name, parameter in module.named_parameters() if parameter.grad is not None] == ["3.weight"]
    assert (module[3].weight.grad == 1).all()
    assert not module[0].weight.requires_grad
    assert module[3].weight.requires_grad
    assert module[2].inplace
    assert not any(layer._forward_hooks or layer._backward_hooks for layer in module.modules())
    after = module.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_it_looks_as_in_inference_even_where_no_gradient_is_wanted(small, patches):
    expected = gradcam(copy.deepcopy(small).eval(), "4", patches, 2)
    frozen = copy.deepcopy(small).train().requires_grad_(False)
    with torch.no_grad():
        np.testing.assert_array_equal(gradcam(frozen, "4", patches, 2), expected)


def test_a_network_that_fails_is_left_as_it_was_too(small):
    module = copy.deepcopy(small).train()
    with pytest.raises(RuntimeError):
        gradcam(module, "4", np.zeros((1, 2, 16, 16), np.float32), 0)
    assert module[0].training
    assert not any(layer._forward_hooks for layer in module.modules())


@pytest.mark.parametrize(
    ("layer", "index", "method", "said"),
    [
        ("layer9", 0, "gradcam", "expected a layer of the network, such as 0, 1, 2"),
        ("", 0, "gradcam", "expected a layer of the network"),
        ("8", 0, "gradcam", "the last of shape (3, 3)"),
        ("4", 3, "gradcam", "expected a class from 0 to 2, found 3"),
        ("4", 0, "scorecam", "expected a method: gradcam, gradcam++"),
    ],
)
def test_what_makes_no_sense_is_refused(small, patches, layer, index, method, said):
    with pytest.raises(UsageError) as refused:
        gradcam(small, layer, patches, index, method)
    assert said in str(refused.value)
