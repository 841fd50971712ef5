import math

import pytest
import torch

from microcalc.training.map_loss import map_loss
from microcalc.training.window_batches import SPECK_PX


def loss(logits, target, weights, focal=2.0):
    shaped = [torch.tensor([[values]]) for values in (logits, target, weights)]
    return map_loss(shaped[0], shaped[1], shaped[2], focal).item()


def test_focal_cross_entropy_by_hand():
    # One speck of one pixel, all SPECK_PX of its weight on it, probability 1/2: 1/4 * ln 2; beside it one pixel without
    # calcium at probability 1/2, weight 1, by the same formula; divided by the weight of one speck.
    found = loss([[0.0, 0.0]], [[1, 0]], [[SPECK_PX, 0.0]])
    assert found == pytest.approx((SPECK_PX + 1) * 0.25 * math.log(2) / SPECK_PX)


def test_what_is_not_asked_counts_for_nothing():
    assert loss([[3.0]], [[-1]], [[0.0]]) == 0.0


def test_known_pixels_count_little():
    sure, unsure = loss([[-4.0]], [[0]], [[0.0]]), loss([[0.0]], [[0]], [[0.0]])
    plain = loss([[-4.0]], [[0]], [[0.0]], focal=0.0), loss([[0.0]], [[0]], [[0.0]], focal=0.0)
    assert sure / unsure < 0.01 * plain[0] / plain[1]


def test_large_logits_stay_finite():
    logits = torch.tensor([[[[80.0, -80.0]]]], requires_grad=True)
    map_loss(logits, torch.tensor([[[[0, 1]]]]), torch.tensor([[[[0.0, 6.0]]]]), 2.0).backward()
    assert torch.isfinite(logits.grad).all()
    assert logits.grad[0, 0, 0, 0] > 0 > logits.grad[0, 0, 0, 1]
