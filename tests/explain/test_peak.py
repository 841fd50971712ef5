import numpy as np
import pytest
import torch
from torch.nn.functional import interpolate

from microcalc.explain.peak import peak


def test_the_highest_pixel_as_x_and_y():
    values = np.zeros((5, 7), np.float32)
    values[1, 4] = 0.5
    values[3, 2] = 1
    assert peak(values) == (2, 3)


def test_of_a_plateau_the_middle_and_of_two_the_first():
    values = np.zeros((6, 8), np.float32)
    values[1:3, 1:5] = 1
    values[5, 7] = 1
    assert peak(values) == (2.5, 1.5)


def test_an_empty_map_has_none():
    assert peak(np.zeros((4, 4), np.float32)) is None


@pytest.mark.parametrize("cell", [(0, 0), (0, 2), (3, 3), (3, 1)])
def test_the_peak_of_an_enlarged_map_lies_in_its_cell(cell):
    # Cells of 8 pixels: cell i reaches from 8 i - 0.5 to 8 i + 7.5. At the border its value is level up to the edge,
    # whose outermost pixel would be a bad peak; the first 4 pixels are level there, and the middle of them is 1.5.
    cells = np.zeros((4, 4), np.float32)
    cells[cell] = 0.7
    enlarged = interpolate(torch.from_numpy(cells)[None, None], (32, 32), mode="bilinear", align_corners=False)
    x, y = peak(enlarged[0, 0].numpy())
    middle = {0: 1.5, 1: 11.5, 2: 19.5, 3: 29.5}
    assert (x, y) == (middle[cell[1]], middle[cell[0]])
