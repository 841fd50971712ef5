"""Reconstruction by dilation on tiles equals reconstruction on the whole."""

import numpy as np
import pytest
from scipy import ndimage
from skimage.morphology import reconstruction as witness

from microcalc.candidates import reconstruction
from microcalc.candidates.reconstruction import reconstruct


def blobs(shape, dtype, seed):
    """A bumpy mask and a marker below it, with ridges long enough to cross tiles."""
    rng = np.random.default_rng(seed)
    smooth = ndimage.gaussian_filter(rng.standard_normal(shape), 6)
    top = np.iinfo(dtype).max if np.issubdtype(dtype, np.integer) else 1.0
    mask = ((smooth - smooth.min()) / np.ptp(smooth) * top).astype(dtype)
    marker = np.where(rng.random(shape) < 0.001, mask, mask // 4 if np.issubdtype(dtype, np.integer) else mask / 4)
    return marker.astype(dtype), mask


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("shape", [(1, 2), (5, 300), (63, 64), (64, 65), (200, 130)])
def test_equals_scikit_image_to_the_bit(dtype, shape, monkeypatch):
    monkeypatch.setattr(reconstruction, "TILE_PX", 64)  # several tiles, on a small image
    marker, mask = blobs(shape, dtype, seed=sum(shape))
    np.testing.assert_array_equal(reconstruct(marker, mask), witness(marker, mask, footprint=np.ones((3, 3))))


def test_a_winding_path_is_followed_through_many_tiles(monkeypatch):
    monkeypatch.setattr(reconstruction, "TILE_PX", 16)
    mask = np.zeros((80, 80), np.uint16)
    for row in range(2, 78, 4):  # a snake: along a row, down at alternating ends
        mask[row, 2:78] = 500
        column = 77 if (row // 4) % 2 == 0 else 2
        mask[row : min(row + 5, 78), column] = 500
    marker = np.zeros_like(mask)
    marker[2, 2] = 500
    assert (reconstruct(marker, mask) == mask).all()


def test_inputs_are_left_alone():
    marker, mask = blobs((50, 50), np.uint16, seed=0)
    before = marker.copy(), mask.copy()
    reconstruct(marker, mask)
    assert (marker == before[0]).all()
    assert (mask == before[1]).all()
