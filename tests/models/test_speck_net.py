import pytest
import torch

from microcalc.models.speck_net import SpeckNet


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)


def test_every_pixel_has_a_logit_and_calcium_is_rare_at_first():
    torch.manual_seed(0)
    network = SpeckNet((4, 6, 8), (1, 2, 1)).eval()
    with torch.inference_mode():
        logits = network(torch.randn(2, 1, 40, 24))
    assert logits.shape == (2, 1, 40, 24)
    assert logits.sigmoid().mean() < 0.05


def test_a_change_of_one_pixel_reaches_wide_and_moves_with_it():
    torch.manual_seed(0)
    network = SpeckNet((4, 6, 8), (1, 1, 1)).eval()
    images = torch.randn(1, 1, 96, 96)
    changed = images.clone()
    changed[0, 0, 48, 48] += 10
    with torch.inference_mode():
        logits, other = network(images), network(changed)
        shifted = network(torch.roll(changed, (8, 16), (2, 3)))
    moved = (logits != other)[0, 0]
    assert moved[48, 48]
    assert moved.any(dim=0).sum() > 30  # far beyond the 3 px of one convolution
    # Strides of 8 px in all: a shift by multiples of it is a shift of the answer, away from the borders.
    torch.testing.assert_close(shifted[0, 0, 56, 64], other[0, 0, 48, 48], atol=1e-3, rtol=1e-3)


def test_weights_by_hand():
    # Level 1/2, 2 channels: stem 4*2*9 + norm 4; block 2 * (2*2*9 + 4). Level 1/4, 3 channels: down 2*3*9 + 6;
    # block 2 * (3*3*9 + 6). Back: narrow 3*2, norm 4, block 2 * (2*2*9 + 4). Last: 2*4 + 4.
    wanted = 76 + 80 + 60 + 174 + 6 + 4 + 80 + 12
    assert sum(p.numel() for p in SpeckNet((2, 3), (1, 1)).parameters()) == wanted
