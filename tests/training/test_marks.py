"""Marks on patches made by hand, by a network that maps what is bright."""

import numpy as np
import pytest
import torch
from torch import nn

from microcalc.patches.patch import Patch
from microcalc.patches.protocols import find_protocol
from microcalc.patches.store import WHITE
from microcalc.recipe import load_recipe
from microcalc.training.marks import find_marks
from microcalc.training.parts import Part

SIZE = 64


class Bright(nn.Module):
    """Probability of benign calcium: that of the grey level; of malignant calcium hardly any."""

    def forward(self, images):
        likely = images.clamp(1e-3, 1 - 1e-3).logit()
        return torch.cat([likely, torch.full_like(likely, -9.0)], 1), torch.zeros(len(images), 3)


@pytest.fixture
def part(write_patches, tmp_path):
    """A normal patch with a speck; a benign one with a speck on its mask, one beside it and one far off."""
    protocol = find_protocol("terrassin512")
    pixels, masks = np.zeros((2, SIZE, SIZE)), np.zeros((2, SIZE, SIZE), np.uint8)
    pixels[0, 30, 30] = 0.6
    masks[1, 20, 20] = 1
    pixels[1, 22, 20] = 0.9  # within the square of 10 x 10 that the mask's single pixel grows into
    pixels[1, 20, 27] = 0.8  # beyond it: the square ends 5 px to the right
    pixels[1, 50, 50] = 0.7
    names = ("normal", "benign")
    patches = [Patch("a.png", 100 * n, 0, SIZE, name, "made up", "validation", "a") for n, name in enumerate(names)]
    store = write_patches(tmp_path, protocol, patches, np.rint(pixels * WHITE).astype(np.uint16), masks)
    return Part(store, np.arange(2), np.array([0, 1]), "validation")


def test_marks_on_lesions_are_hits_and_those_on_negative_patches_false(part):
    of = load_recipe("terrassin2024-mutmus-unet3plus").with_changes({"input": {"size_px": SIZE}})
    found = find_marks(Bright(), part, of, device="cpu")
    # 0.6 on the normal patch is false, 0.9 a hit; 0.8 and 0.7, on the benign patch beside its mask, are neither.
    np.testing.assert_allclose(found.scores, [0.6, 0.9], atol=1e-4)
    assert found.hits.tolist() == [False, True]
    assert (found.negatives, found.kinds) == (1, ("benign", "malignant"))
