import numpy as np
import pytest

from microcalc.patches.patch import Patch
from microcalc.recipe import load_recipe
from microcalc.training.contrast import CENTRE_MM, centre_words, contrasts
from microcalc.training.parts import Part
from microcalc.truth import ImageTruth


class _Store:
    """Just the pixels that a part asks for."""

    def __init__(self, pixels, protocol, spacing_mm, truths=None):
        size = pixels.shape[1]
        self._pixels = pixels.astype(np.uint16)
        self.manifest = type("Manifest", (), {"size_px": size, "protocol": protocol, "spacing_mm": spacing_mm})
        self.patches = tuple(Patch(f"{n}.png", 0, 0, size, "normal", "made up") for n in range(len(pixels)))
        self.truths = truths or {}

    def pixels(self, indices):
        return self._pixels[indices]


def part_of(*args, **known):
    store = _Store(*args, **known)
    count = len(store.patches)
    return Part(store, np.arange(count), np.zeros(count, np.intp), "test")


def checkered(size=16):
    """Grey levels 90 and 110 in equal numbers: median 100, every deviation from it 10."""
    y, x = np.mgrid[:size, :size]
    return np.where((x + y) % 2, 110, 90)


def test_contrast_by_hand():
    # The brightest of the middle is 150: (150 - 100) / 10. In place of a 110 it moves neither median.
    patch = checkered()
    patch[8, 9] = 150
    # In the corner it lies outside the disc of 14 px, (8, 7) away from the middle: there 110 is the brightest.
    corner = checkered()
    corner[0, 1] = 150
    assert contrasts(part_of(np.stack([patch, corner]), "cortina16", 0.07)) == pytest.approx([5.0, 1.0])


def test_off_centre_protocols_take_the_whole_patch():
    corner = checkered()
    corner[0, 1] = 150
    assert contrasts(part_of(corner[None], "kahnouei224", None)) == pytest.approx([5.0])
    assert "whole patch" in centre_words("kahnouei224")
    assert "0.98 mm" in centre_words("pesapane112")


def test_the_disc_follows_the_pixel_pitch():
    # 0.98 mm are 14 px at 0.07 mm and 7 px at 0.14 mm: a pixel 5 px off the middle is within the first alone.
    patch = checkered()
    patch[8, 13] = 150
    part = part_of(
        np.stack([patch, patch]),
        "pesapane112",
        None,
        truths={f"{n}.png": ImageTruth(path=f"{n}.png", spacing_mm=(mm, mm)) for n, mm in enumerate((0.07, 0.14))},
    )
    assert contrasts(part) == pytest.approx([5.0, 1.0])
    assert pytest.approx(0.98) == CENTRE_MM


def test_a_flat_patch_is_no_division_by_zero():
    flat = np.full((2, 16, 16), 100)
    flat[1, 8, 8] = 107
    assert contrasts(part_of(flat, "microcalc16", 0.07)).tolist() == [0.0, 7.0]


def test_blocks_of_patches_change_nothing(monkeypatch, predicted, tmp_path):
    recipe = load_recipe("cortina2022-resnet16")
    part = predicted.parts_of(predicted.write_store(tmp_path, recipe), recipe).test
    whole = contrasts(part)
    assert whole[part.classes == 1].mean() > whole[part.classes == 0].mean()
    monkeypatch.setattr("microcalc.training.contrast._PIXELS", 16 * 16 * 5)
    np.testing.assert_array_equal(contrasts(part), whole)
