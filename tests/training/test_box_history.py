"""AP50 and AR of boxes, worked by hand; which epoch is kept."""

import math

import pytest
import torch

from microcalc.training.box_history import BoxRow, box_scores, kept_epoch


def _target(*boxes):
    edges = torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4)
    return {"boxes": edges, "labels": torch.ones(len(edges), dtype=torch.int64)}


def test_ap_and_ar_of_a_hit_a_miss_and_a_false_box():
    # On the first patch one of two boxes is found exactly, on the second nothing is to be found, but a better box is
    # drawn. Precision is 0 at the first box, 1/2 at the second, where recall is 1/2: interpolated over the 101 recalls
    # 0, 0.01 ... 1 it is 1/2 at 51 of them. The recall is 1/2 at each IoU.
    first = torch.tensor([[10.0, 10, 24, 24, 0.8], [0, 0, 0, 0, 0]])
    second = torch.tensor([[50.0, 50, 64, 64, 0.9], [0, 0, 0, 0, 0]])
    found = [(first, _target([10, 10, 24, 24], [60, 60, 74, 74])), (second, _target())]
    scores = box_scores(found, 0.05)
    assert scores.ap50 == pytest.approx(0.5 * 51 / 101)
    assert scores.recall == pytest.approx(0.5)


def test_a_shifted_box_counts_up_to_its_overlap():
    # Shifted by 2 of 14 px: IoU 12 / 16 = 0.75, which is enough at 0.5, 0.55 ... 0.75, six of the ten.
    found = [(torch.tensor([[12.0, 10, 26, 24, 0.8]]), _target([10, 10, 24, 24]))]
    scores = box_scores(found, 0.05)
    assert scores.ap50 == pytest.approx(1.0)
    assert scores.recall == pytest.approx(0.6)


def test_boxes_below_the_floor_count_for_nothing():
    found = [(torch.tensor([[10.0, 10, 24, 24, 0.04]]), _target([10, 10, 24, 24]))]
    assert box_scores(found, 0.05).ap50 == 0


def test_without_a_box_to_find_nothing_is_defined():
    assert all(math.isnan(value) for value in box_scores([(torch.zeros(1, 5), _target())], 0.05))


def test_the_first_epoch_of_the_highest_ap_is_kept():
    rows = [
        BoxRow(epoch=n, train_loss=1, validation_loss=1, ap50=ap50, recall=0.1, learning_rate=1e-4, seconds=1)
        for n, ap50 in enumerate([0.2, 0.5, 0.5, 0.4], 1)
    ]
    assert kept_epoch(rows) == 2
