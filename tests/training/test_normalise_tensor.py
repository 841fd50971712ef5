"""The torch form of what a network is fed is the NumPy form."""

import numpy as np
import pytest
import torch

from microcalc.models.normalise import prepare
from microcalc.recipe import PatchInput
from microcalc.recipe.network import Context
from microcalc.training.normalise_tensor import prepare_tensor


@pytest.mark.parametrize("normalisation", ["none", "max", "min-max", "z-score", "imagenet"])
@pytest.mark.parametrize("channels", [1, 3])
def test_both_forms_agree(normalisation, channels):
    patches = np.random.default_rng(0).random((3, 12, 12), np.float32)
    patches[1] = 0.4  # constant
    patches[2] = 0
    for blur_sigma_px, resize_px in [(None, None), (0.8, None), (None, 7), (1.5, 20)]:
        spec = PatchInput(size_px=12, blur_sigma_px=blur_sigma_px, resize_px=resize_px, normalisation=normalisation)
        found = prepare_tensor(torch.from_numpy(patches)[:, None], spec, channels)
        assert found.is_contiguous()
        np.testing.assert_allclose(found.numpy(), prepare(patches, spec, channels), atol=1e-5)


def test_noise_may_have_carried_pixels_beyond_their_range():
    patches = torch.tensor([-0.5, 1.5]).reshape(1, 1, 1, 2).expand(1, 1, 2, 2)
    found = prepare_tensor(patches, PatchInput(size_px=2, normalisation="min-max"), 1)
    assert found[0, 0].tolist() == [[0, 1], [0, 1]]


def test_local_moments_are_the_same_too():
    spec = PatchInput(size_px=6, normalisation="local-moments", context=Context(margin_px=4, moments_px=5, stride_px=2))
    patches = np.random.default_rng(0).random((3, 18, 18), np.float32)
    patches[1] = 0.4  # constant
    patches[2, :, :9] = 0
    found = prepare_tensor(torch.from_numpy(patches)[:, None], spec, 3)
    np.testing.assert_allclose(found.numpy(), prepare(patches, spec, 3), atol=1e-5)
