import pytest
import torch
from torch import nn

from microcalc.models.aspp import AtrousPyramid


@pytest.mark.parametrize("rates", [(1, 6, 12, 18), (1,), (2, 3)])
def test_each_branch_sees_nine_pixels_a_rate_apart(rates):
    """Of a speck in the middle, with all weights one: it comes to the 3 x 3 places that are a rate from it."""
    pyramid = AtrousPyramid(1, len(rates), rates)
    for weight in pyramid.parameters():
        nn.init.ones_(weight)
    maps = torch.zeros(1, 1, 41, 41)
    maps[..., 20, 20] = 1.0
    with torch.inference_mode():
        made = pyramid(maps)
    for rate, branch in zip(rates, made[0], strict=True):
        steps = (20 - rate, 20, 20 + rate)
        assert branch.nonzero().tolist() == [[y, x] for y in steps for x in steps]
        assert branch.sum() == 9


def test_as_many_weights_as_the_convolution_in_whose_place_it_stands():
    pyramid = AtrousPyramid(80, 80, (1, 6, 12, 18))
    assert sum(weight.numel() for weight in pyramid.parameters()) == 9 * 80 * 80
