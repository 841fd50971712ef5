import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from microcalc.recipe import load_recipe
from microcalc.recipe.fitting import Loss
from microcalc.training.losses import called, class_weights, patch_losses
from microcalc.training.module import back_propagate
from microcalc.training.tasks import Asked, OfClass

WEIGHTED = Loss(kind="cross-entropy", weights=(0.359, 0.641))


def test_weighted_cross_entropy_is_torchs():
    logits, classes = torch.randn(7, 2, generator=torch.Generator().manual_seed(0)), torch.tensor([0, 1, 1, 0, 1, 0, 0])
    weights = class_weights(WEIGHTED, classes)
    mean = (weights * patch_losses(WEIGHTED, logits, classes)).sum() / weights.sum()
    assert mean.item() == pytest.approx(nn.CrossEntropyLoss(torch.tensor([0.359, 0.641]))(logits, classes).item())


def test_binary_cross_entropy_by_hand():
    # An output of ln 3 is a probability of 3/4: the loss is -ln 3/4 for the second class, -ln 1/4 for the first.
    loss = Loss(kind="binary-cross-entropy", weights=(1.0, 3.0))
    classes = torch.tensor([1, 0])
    found = patch_losses(loss, torch.full((2, 1), math.log(3)), classes)
    assert found.tolist() == pytest.approx([-math.log(0.75), -math.log(0.25)])
    assert class_weights(loss, classes).tolist() == [3.0, 1.0]


def test_losses_are_worked_on_in_single_precision():
    # In bfloat16 ln(1 + exp(-6)) = 0.00247569 would be rounded at the third digit.
    found = patch_losses(
        Loss(kind="binary-cross-entropy"), torch.tensor([[6.0]], dtype=torch.bfloat16), torch.tensor([1])
    )
    assert found.item() == pytest.approx(math.log1p(math.exp(-6)), rel=1e-5)


def test_the_class_called_is_the_likeliest():
    assert called(torch.tensor([[0.1], [-0.1]])).tolist() == [1, 0]
    assert called(torch.tensor([[0.0, 2.0, 1.0], [3.0, 2.0, 1.0]])).tolist() == [1, 0]


@settings(max_examples=30, deadline=None)
@given(count=st.integers(1, 9), parts=st.integers(1, 9), seed=st.integers(0, 99))
def test_a_batch_in_parts_has_the_gradient_of_the_whole(count, parts, seed):
    generator = torch.Generator().manual_seed(seed)
    patches = torch.randn(count, 1, 2, 2, generator=generator)
    classes = torch.randint(2, (count,), generator=generator)
    network = nn.Sequential(nn.Flatten(), nn.Linear(4, 2))
    nn.CrossEntropyLoss(torch.tensor([0.359, 0.641]))(network(patches), classes).backward()
    expected = network[1].weight.grad.clone()
    network.zero_grad()
    fitting = load_recipe("microcalc-resnet16").fitting.model_copy(update={"loss": WEIGHTED, "accumulate": parts})
    task = OfClass(load_recipe("microcalc-resnet16").model_copy(update={"fitting": fitting}))
    logits, losses = back_propagate(network, Asked(patches, classes), task, fitting, torch.Tensor.backward)
    np.testing.assert_allclose(network[1].weight.grad, expected, rtol=1e-4, atol=1e-6)
    assert (logits.shape, losses.shape) == ((count, 2), (count,))
