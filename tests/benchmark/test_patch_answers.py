"""What networks say of patches: tiny ones in torch, whose answers can be worked out."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from microcalc.benchmark import patch_answers
from microcalc.benchmark.patch_answers import Classifier, Mapper, open_network
from microcalc.errors import UsageError
from microcalc.recipe import load_recipe

CLASSES = np.array([0, 1, 2])


@pytest.fixture
def patches():
    """Three of 16 px, bright on the left, and brighter from one to the next."""
    made = np.zeros((3, 16, 16), np.float32)
    made[:, :, :4] = np.array([0.2, 0.4, 0.6])[:, None, None]
    return made


class Two(nn.Module):
    """Maps: the patch, and its negative; classes: 0, 0 and the patch's maximum."""

    def forward(self, images):
        highest = images.amax((1, 2, 3))
        return torch.cat([images, -images], 1), torch.stack([0 * highest, 0 * highest, highest], 1)


def test_a_map_is_that_of_the_patchs_own_class(patches, monkeypatch):
    monkeypatch.setattr(patch_answers, "load_torch", lambda package: Two())
    recipe = load_recipe("terrassin2024-mutmus-unet3plus").with_changes({"input": {"size_px": 16}})
    found = Mapper(None, recipe, "cpu", 1)(patches, CLASSES)
    # Logits 0, 0 and 0.6: softmax.
    assert found.probabilities[2] == pytest.approx(np.array([1, 1, np.exp(0.6)]) / (2 + np.exp(0.6)))
    assert not found.maps[0].any()
    assert found.maps[1, 0, 0] == pytest.approx(1 / (1 + np.exp(-0.4)))
    assert found.maps[2, 0, 0] == pytest.approx(1 / (1 + np.exp(0.6)))


def test_a_network_of_one_task_maps_nothing(patches, monkeypatch):
    monkeypatch.setattr(patch_answers, "load_torch", lambda package: nn.Sequential(nn.Flatten(), nn.Linear(256, 3)))
    recipe = load_recipe("terrassin2024-motmus-unet3plus").with_changes({"input": {"size_px": 16}})
    network = Mapper(None, recipe, "cpu", 1)
    found = network(patches, CLASSES)
    assert (found.maps, network.maps) == (None, None)
    np.testing.assert_allclose(found.probabilities.sum(axis=1), 1)


def test_a_classifiers_map_is_grad_cam_of_the_patchs_own_class(patches, monkeypatch):
    features = nn.Conv2d(1, 2, kernel_size=2, stride=2, bias=False)  # the patch, and its negative, at half the size
    features.weight.data = torch.tensor([1.0, -1.0]).reshape(2, 1, 1, 1).expand(2, 1, 2, 2) / 4
    head = nn.Linear(2, 3, bias=False)
    head.weight.data = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    module = nn.Sequential()
    module.add_module("relu", features)
    module.add_module("pool", nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten()))
    module.add_module("fc", head)
    recipe = load_recipe("terrassin2024-resnet22").with_changes({"input": {"size_px": 16, "normalisation": "none"}})
    monkeypatch.setattr(patch_answers, "load_torch", lambda package: module)
    described = SimpleNamespace(patch=recipe.input, network=recipe.network)
    monkeypatch.setattr(patch_answers, "network_card", lambda package: described)
    network = Classifier(None, recipe, "cpu", 1)
    found = network(patches, CLASSES)
    # A quarter of the patch is 0.4: the means of the features are 0.1 and -0.1, which are the logits of the classes.
    assert found.probabilities[1] == pytest.approx(np.exp([0, 0.1, -0.1]) / np.exp([0, 0.1, -0.1]).sum())
    # Benign weighs the patch by a positive gradient: bright on the left. Malignant weighs its negative: nothing there.
    assert found.maps.shape == patches.shape
    assert found.maps[1, 8, 0] == pytest.approx(1.0)
    assert found.maps[1, 8, 15] == 0.0
    assert not found.maps[0].any()
    assert not found.maps[2].any()
    assert network.maps == "Grad-CAM of relu"


def test_packages_of_other_kinds_are_refused():
    card = SimpleNamespace(name="c", kind="cascade", load_recipe=lambda: load_recipe("cortina2022-cascade"))
    with pytest.raises(UsageError, match=r"found c of the kind cascade.*--detectors"):
        open_network(SimpleNamespace(card=card, path=None), "cpu", 1)
