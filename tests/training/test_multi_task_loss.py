"""Losses of two tasks at several scales; ln 3 is a probability of 3/4, -ln 3 of 1/4, 0 of 1/2."""

import math

import pytest
import torch

from microcalc.models.unet3plus import Answer
from microcalc.recipe.fitting import Loss
from microcalc.training.multi_task_loss import map_losses, multi_task_losses

L = math.log(3)
CLASSES = Loss(kind="cross-entropy")
#: Two patches of 1 x 2 px, maps of benign and malignant.
LOGITS = torch.tensor([[[[L, 0.0]], [[-L, 0.0]]], [[[L, 0.0]], [[-L, 0.0]]]])
#: The first holds one benign pixel, the second nothing.
MASKS = torch.tensor([[[[1, 0]], [[0, 0]]], [[[0, 0]], [[0, 0]]]], dtype=torch.bool)
# Equation 2 over all pixels: 2 (3/4) / (9/16 + 1/4 + 1/16 + 1/4 + 1) = (3/2) / (17/8) = 12/17.
# Equation 3: (3/4 + 1/2 + 1/4 + 1/2) / 4.
DICE_LOSS, MEAN_ERROR = 5 / 17, 1 / 2


def test_dice_of_a_patch_with_calcifications_and_mean_error_of_one_without():
    assert map_losses(LOGITS, MASKS).tolist() == pytest.approx([DICE_LOSS, MEAN_ERROR])


def test_a_perfect_map_costs_nothing_and_a_missed_speck_all():
    sure = torch.where(MASKS, 30.0, -30.0)
    assert map_losses(sure, MASKS).tolist() == pytest.approx([0, 0], abs=1e-6)
    assert map_losses(torch.full((1, 2, 4, 4), -30.0), torch.ones(1, 2, 4, 4)).tolist() == pytest.approx([1])


def test_the_map_of_the_other_kind_is_pushed_down():
    """Dice of that map alone would be 0 for any value, and have no gradient."""
    logits = LOGITS.clone().requires_grad_()
    map_losses(logits, MASKS)[0].backward()
    assert (logits.grad[0, 1] > 0).all()  # malignant: down
    assert logits.grad[0, 0, 0, 0] < 0  # the benign pixel: up
    assert logits.grad[0, 0, 0, 1] > 0


def test_a_map_that_is_surely_empty_leaves_gradients_finite():
    """The squares of sigmoid(-60) are below what single precision holds, so that Dice would be 0 / 0."""
    logits = torch.full((1, 2, 2, 2), -60.0, requires_grad=True)
    map_losses(logits, torch.zeros(1, 2, 2, 2)).sum().backward()
    assert torch.isfinite(logits.grad).all()


def test_no_speck_is_too_small_for_a_coarse_map():
    """One pixel of 8 x 8 marks the whole pixel of 2 x 2 that it lies in, at (0, 1)."""
    masks = torch.zeros(1, 1, 8, 8, dtype=torch.uint8)
    masks[0, 0, 3, 4] = 1
    coarse = torch.full((1, 1, 2, 2), -30.0)
    coarse[0, 0, 0, 1] = 30.0
    assert map_losses(coarse, masks).item() == pytest.approx(0, abs=1e-6)
    assert map_losses(coarse.flip(-1), masks).item() == pytest.approx(1)


def answers():
    """Two scales: the maps above, which are right for nobody's class, and one pixel with nothing sure."""
    fine = Answer(LOGITS, torch.tensor([[0.0, 0.0, math.log(2)], [L, 0.0, 0.0]]))
    coarse = Answer(torch.zeros(2, 2, 1, 1), torch.zeros(2, 3))
    return [fine, coarse]


# Patch 0 is malignant: fine 2/4, coarse 1/3. Patch 1 is normal: fine 3/5, coarse 1/3.
OF_CLASSES = [(math.log(2) + math.log(3)) / 2, (math.log(5 / 3) + math.log(3)) / 2]
# Coarse: 2 (1/2) / (1/4 + 1/4 + 1) = 2/3, loss 1/3; mean error 1/2.
OF_MAPS = [(DICE_LOSS + 1 / 3) / 2, (MEAN_ERROR + 1 / 2) / 2]


def test_means_over_scales_and_tasks():
    losses = multi_task_losses(CLASSES, answers(), torch.tensor([2, 0]), MASKS)
    assert losses.classes.tolist() == pytest.approx(OF_CLASSES)
    assert losses.maps.tolist() == pytest.approx(OF_MAPS)
    assert losses.both.tolist() == pytest.approx([(OF_CLASSES[k] + OF_MAPS[k]) / 2 for k in (0, 1)])


def test_one_task_counts_whole():
    alone = [answer._replace(maps=None) for answer in answers()]
    losses = multi_task_losses(CLASSES, alone, torch.tensor([2, 0]), None)
    assert losses.maps is None
    assert losses.both.tolist() == pytest.approx(OF_CLASSES)


def test_losses_are_worked_on_in_single_precision():
    # sigmoid(6) = 0.997527; bfloat16 has only 0.99609375 and 1 near it.
    error = map_losses(torch.full((1, 1, 2, 2), 6.0, dtype=torch.bfloat16), torch.zeros(1, 1, 2, 2)).item()
    assert error == pytest.approx(1 / (1 + math.exp(-6)), rel=1e-5)
