"""Freezing: layers up to a named one stand still, their batch norms too."""

import pytest
import torch

from microcalc.errors import UsageError
from microcalc.models.freezing import freeze, keep_frozen
from microcalc.models.networks import build
from microcalc.recipe import Network


@pytest.fixture
def module():
    """Smallest network with blocks: conv1, bn1, layers.0, layers.1, fc."""
    torch.manual_seed(0)
    return build(Network(name="scalable_resnet", start="random", channels=1, stages=2), 2)


def trained(module):
    return [name for name, parameter in module.named_parameters() if parameter.requires_grad]


def test_a_layer_and_all_before_it(module):
    freeze(module, "layers.0.0.conv1")
    assert trained(module)[:2] == ["layers.0.0.bn1.weight", "layers.0.0.bn1.bias"]
    assert len(trained(module)) == len(list(module.parameters())) - 4  # conv1, bn1's two, layers.0.0.conv1


def test_a_block_with_all_in_it(module):
    freeze(module, "layers.0")
    assert trained(module)[0] == "layers.1.0.conv1.weight"


def test_frozen_batch_norms_keep_their_moments_and_others_do_not(module):
    freeze(module, "layers.0")
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    module.train()
    keep_frozen(module)
    optimiser = torch.optim.SGD([parameter for parameter in module.parameters() if parameter.requires_grad], lr=0.1)
    module(torch.randn(4, 1, 16, 16)).square().sum().backward()
    optimiser.step()
    after = module.state_dict()
    still = [name for name in before if torch.equal(before[name], after[name])]
    assert {name for name in before if name.startswith(("conv1", "bn1", "layers.0"))} == set(still)
    assert "layers.1.0.bn1.running_mean" not in still


def test_the_first_hundred_layers_of_keras():
    """Kahnouei et al. freeze the first 100 layers of Keras's ResNet-50.

    Its list of layers: 7 before the first block (input, padding, convolution, batch norm, ReLU, padding, pooling); a
    first block of a stage has 12 (3 convolutions, batch norms and ReLUs, 2 of the shortcut, sum), another one 10. Three
    blocks make 7 + 32 = 39 layers, four more 42 + 39 = 81, one more 93; the 7th of the next, number 100, is its third
    convolution: in torchvision's words layer3.1.conv3.
    """
    with torch.device("meta"):
        module = build(Network(name="resnet50", start="random", channels=3, frozen_through="layer3.1.conv3"), 1)
    freeze(module, "layer3.1.conv3")
    assert trained(module)[:3] == ["layer3.1.bn3.weight", "layer3.1.bn3.bias", "layer3.2.conv1.weight"]
    module.train()
    keep_frozen(module)
    assert not module.layer3[0].bn3.training
    assert module.layer3[1].bn3.training


@pytest.mark.parametrize("through", ["", "layer3", "layers.7"])
def test_a_layer_that_is_not_there(module, through):
    with pytest.raises(UsageError, match="conv1, bn1, activation, layers, avgpool, fc"):
        freeze(module, through)
