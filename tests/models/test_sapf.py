import numpy as np
import pytest
import torch
from torch import nn

from microcalc.models.sapf import ScaleAwarePyramidFusion


@pytest.fixture
def fusion():
    """At rest, of two maps, its last convolution and batch norm passing on what they get."""
    module = ScaleAwarePyramidFusion(2).eval()
    with torch.no_grad():
        module.last[0].weight.copy_(torch.eye(2)[:, :, None, None])
    return module


def look_left(module):
    """Each map looks at its neighbour on the left, one rate away."""
    with torch.no_grad():
        module.look.weight.zero_()
        for own in range(2):
            module.look.weight[own, own, 1, 0] = 1.0


def choose(module, far):
    """What each of the two fusions takes: what it has so far, or what it is given on top."""
    with torch.no_grad():
        for fusion, takes in zip(module.fusions, far, strict=True):
            nn.init.zeros_(fusion.weights[-2].weight)
            fusion.weights[-2].bias.copy_(torch.tensor([0.0, 100.0] if takes else [100.0, 0.0]))


def found(module, column=4):
    """Value -> column where a speck in the middle row ends up."""
    maps = torch.zeros(1, 2, 9, 11)
    maps[0, 0, 4, column] = 1.0
    with torch.inference_mode():
        made = module(maps)
    return {x: value for x, value in enumerate(made[0, 0, 4].tolist()) if value > 1e-6}


def test_at_the_start_the_input_is_passed_on(fusion):
    look_left(fusion)
    assert list(found(fusion)) == [4]


@pytest.mark.parametrize(("far", "moved"), [((False, False), 1), ((True, False), 2), ((False, True), 4)])
def test_one_convolution_looks_at_three_ranges(fusion, far, moved):
    """Dilations of 1, 2 and 4: what lies that far on the left comes to the right by as much."""
    look_left(fusion)
    choose(fusion, far)
    nn.init.ones_(fusion.share)
    assert list(found(fusion)) == [4 + moved]


def test_shares_of_input_and_looks(fusion):
    """A quarter of the looks beside three quarters of the input; the last look taken whole.

    A batch norm at rest divides by sqrt(1 + 1e-5).
    """
    look_left(fusion)
    choose(fusion, (False, True))
    nn.init.constant_(fusion.share, 0.25)
    assert found(fusion) == pytest.approx({4: 0.75, 8: 0.25}, rel=1e-4)


def test_two_maps_are_weighted_pixel_by_pixel(fusion):
    """By weights that add up to one, so that every pixel lies between the two."""
    torch.manual_seed(0)
    near, far = torch.rand(2, 1, 2, 9, 9)
    with torch.inference_mode():
        weights = fusion.fusions[0].weights(torch.cat([near, far], dim=1))
        fused = fusion.fusions[0](near, far)
    np.testing.assert_allclose(weights.sum(1), 1, rtol=1e-5)
    assert weights[:, 0].std() > 0
    assert ((fused >= torch.minimum(near, far)) & (fused <= torch.maximum(near, far))).all()
