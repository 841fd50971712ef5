import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from microcalc.recipe.fitting import Augmentation, Operation
from microcalc.training.augment import augment
from microcalc.training.augment_operations import GEOMETRY, GREY_LEVELS

#: Strengths to try the operations at that have one.
STRENGTHS = {
    "rotation": (0, 89),
    "affine": (1, 10),
    "resized-crop": (0.5, 0.9),
    "brightness": (0.6, 1.4),
    "contrast": (0.6, 1.4),
    "gamma": (0.8, 1.25),
    "blur": (0.5, 1.5),
    "sharpening": (0.0, 3.0),
    "noise": (0.01, 0.05),
}
NAMES = [*GEOMETRY, *GREY_LEVELS]


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


def operation(name, low=None, high=None, probability=1.0):
    if name in STRENGTHS and low is None:
        low, high = STRENGTHS[name]
    return Operation(name=name, low=low, high=low if high is None else high, probability=probability)


def changed(patches, *operations, masks=None, seed=0, **settings):
    spec = Augmentation(operations=operations, **settings)
    patches, masks = augment(patches, masks, spec, torch.Generator().manual_seed(seed))
    return patches if masks is None else (patches, masks)


def noise(count, size, seed=0):
    return torch.rand(count, 1, size, size, generator=torch.Generator().manual_seed(seed))


def near(found, expected):
    np.testing.assert_allclose(found, expected, atol=1e-5)


def labelled():
    """One patch of 3 x 3 whose pixels are all different."""
    return torch.tensor([[1, 2, 3], [4, 5, 6], [7, 8, 9]])[None, None] / 10


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("horizontal-flip", [[3, 2, 1], [6, 5, 4], [9, 8, 7]]),
        ("vertical-flip", [[7, 8, 9], [4, 5, 6], [1, 2, 3]]),
        ("transpose", [[1, 4, 7], [2, 5, 8], [3, 6, 9]]),
    ],
)
def test_flips_and_transposition_of_a_labelled_corner(name, expected):
    patches, masks = changed(labelled(), operation(name), masks=labelled() > 0.55)
    assert torch.equal(patches, torch.tensor(expected)[None, None] / 10)
    assert torch.equal(masks, torch.tensor(expected)[None, None] > 5.5)


def test_quarter_turns_are_all_four_and_nothing_else():
    patches = changed(labelled().repeat(64, 1, 1, 1), operation("quarter-turns"))
    # Anticlockwise, the upper left corner comes to the lower left, the lower right and the upper right one.
    ways = {
        0: [[1, 2, 3], [4, 5, 6], [7, 8, 9]],
        1: [[3, 6, 9], [2, 5, 8], [1, 4, 7]],
        2: [[9, 8, 7], [6, 5, 4], [3, 2, 1]],
        3: [[7, 4, 1], [8, 5, 2], [9, 6, 3]],
    }
    counts = [sum(torch.equal(one[0], torch.tensor(way) / 10) for one in patches) for way in ways.values()]
    assert sum(counts) == 64
    assert min(counts) >= 6  # 16 each expected, standard deviation 3.5


def test_rotation_is_anticlockwise():
    patches = changed(labelled(), operation("rotation", 90.0))
    near(patches[0, 0], [[0.3, 0.6, 0.9], [0.2, 0.5, 0.8], [0.1, 0.4, 0.7]])


def test_rotation_fills_corners_with_the_mirrored_patch():
    # Left half 0.2, right half 0.8: reflected at the upper and lower border it goes on as it is, whatever the angle.
    patch = torch.full((8, 1, 32, 32), 0.2)
    patch[..., 16:] = 0.8
    turned = changed(patch, operation("rotation", 10, 40))
    assert 0.2 - 1e-5 <= turned.min() <= turned.max() <= 0.8 + 1e-5


@pytest.mark.parametrize("name", ["rotation", "affine", "resized-crop"])
def test_a_speck_stays_under_its_mask(name):
    patches = torch.full((32, 1, 48, 48), 0.2)
    patches[..., 20:23, 28:31] = 0.9
    moved, masks = changed(patches, operation(name), masks=patches > 0.5, seed=3)
    assert (moved != patches).flatten(1).any(1).all()
    # Where interpolation gives half of the speck or more is where the nearest pixel was of the speck, but at its rim.
    inside = (moved > 0.2 + 0.35).flatten(1)
    both = (inside & masks.flatten(1)).sum(1) / (inside | masks.flatten(1)).sum(1)
    assert both.min() > 0.6
    assert masks.flatten(1).any(1).all()


def test_a_crop_enlarges_by_the_share_of_the_area():
    # A quarter of the area: twice the side, so that a square of 6 x 6 px covers 12 x 12, 144 of them.
    patches = torch.zeros(16, 1, 48, 48)
    patches[..., 21:27, 21:27] = 1.0
    _, masks = changed(patches, operation("resized-crop", 0.25), masks=patches.bool())
    border = masks.clone()
    border[..., 1:-1, 1:-1] = False
    whole = masks[~border.flatten(1).any(1)].flatten(1).sum(1)
    assert len(whole) >= 8  # of the places drawn, those that keep all of the square
    assert (whole == 144).all()


def test_shears_of_both_axes_are_drawn_apart():
    patches = torch.zeros(2, 1, 33, 33)
    patches[..., 16, :] = 1.0  # a horizontal line, which a shear along x leaves where it is
    along_y = changed(patches[:1], operation("affine", 0.0, 20.0), seed=1)
    assert along_y[0, 0, 16, 16] == pytest.approx(1)  # the middle does not move
    assert along_y[0, 0, 16, 0] < 0.5


@pytest.mark.parametrize(
    ("name", "strength", "expected"),
    [
        ("brightness", 1.5, [0.3, 0.9]),  # 0.2 and 0.6 times 1.5
        ("brightness", 2.0, [0.4, 1.0]),  # 1.2 is clipped
        ("contrast", 0.5, [0.3, 0.5]),  # mean 0.4, differences of 0.2 halved
        ("contrast", 3.0, [0.0, 1.0]),  # -0.2 and 1.0
        ("gamma", 2.0, [0.04, 0.36]),
        ("inversion", None, [0.8, 0.4]),
    ],
)
def test_grey_levels(name, strength, expected):
    patch = torch.tensor([[0.2, 0.6], [0.6, 0.2]])[None, None]
    made = changed(patch, operation(name, strength))
    near(made[0, 0], [expected, expected[::-1]])


def test_sharpening_adds_what_a_blur_takes_away():
    patch = torch.full((1, 1, 31, 31), 0.4)
    patch[..., 15, 15] = 0.6
    made = changed(patch, operation("sharpening", 1.0))
    # A blur of 2 px leaves 1 / (2 pi 4) of the 0.2 above the ground in its middle.
    assert made[0, 0, 15, 15].item() == pytest.approx(0.6 + 0.2 * (1 - 1 / (8 * math.pi)), abs=1e-3)
    assert made[0, 0, 15, 17] < 0.4
    near(made[0, 0, 0], [0.4] * 31)


def test_blur_keeps_the_sum_and_is_gaussian():
    patch = torch.zeros(1, 1, 31, 31)
    patch[..., 15, 15] = 1.0
    blurred = changed(patch, operation("blur", 2.0))[0, 0]
    assert blurred.sum() == pytest.approx(1, abs=1e-5)
    # exp(-d^2 / (2 * 2^2)): 2 px away exp(-1/2) of the middle.
    assert blurred[15, 17] / blurred[15, 15] == pytest.approx(math.exp(-0.5), rel=1e-4)
    flat = torch.full((1, 1, 31, 31), 0.4)
    near(changed(flat, operation("blur", 2.0)), flat)
    near(changed(patch, operation("blur", 0.0)), patch)


def test_noise_has_its_standard_deviation():
    made = changed(torch.full((1, 1, 64, 64), 0.5), operation("noise", 0.05))
    assert made.std() == pytest.approx(0.05, rel=0.06)  # 4,096 values: standard error 1.1 %
    assert made.mean() == pytest.approx(0.5, abs=0.004)


@pytest.mark.parametrize("name", NAMES)
def test_the_same_seed_repeats_and_another_differs(name):
    patches = noise(8, 16)
    before = patches.clone()
    first, again, other = (changed(patches, operation(name, probability=0.5), seed=seed) for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(patches, before)


@pytest.mark.parametrize("name", [name for name in STRENGTHS if name != "noise"])
def test_every_patch_has_a_strength_of_its_own(name):
    made = changed(noise(1, 16).repeat(6, 1, 1, 1), operation(name))
    assert len({tuple(one.flatten().tolist()) for one in made}) == 6


def test_probabilities():
    patches = noise(400, 2)
    flipped = (changed(patches, operation("inversion", probability=0.3)) != patches).flatten(1).any(1)
    assert 80 <= flipped.sum() <= 160  # 120 expected, standard deviation 9
    few = changed(patches, operation("inversion", probability=0.5), operation("brightness", 0.5), probability=0.2)
    assert 48 <= (few != patches).flatten(1).any(1).sum() <= 112  # 80 expected, standard deviation 8
    assert torch.equal(changed(patches, operation("inversion"), probability=0.0), patches)
    assert torch.equal(changed(patches), patches)


def test_one_of_changes_one_thing_only():
    patches = torch.full((300, 1, 2, 2), 0.4)
    operations = (operation("brightness", 0.5), operation("inversion", probability=0.5), operation("gamma", 2.0))
    made = changed(patches, *operations, one_of=True, probability=0.8)[:, 0, 0, 0]
    # 0.4 as it is, halved, inverted, squared: never two of them.
    kinds = {0.4: 60, 0.2: 96, 0.6: 48, 0.16: 96}
    counts = {value: int(torch.isclose(made, torch.tensor(value)).sum()) for value in kinds}
    assert sum(counts.values()) == 300
    assert all(abs(counts[value] - expected) < 35 for value, expected in kinds.items())  # standard deviations to 8.1


def test_operations_go_in_their_order():
    patch = torch.full((1, 1, 2, 2), 0.4)
    halved, inverted = operation("brightness", 0.5), operation("inversion")
    assert changed(patch, halved, inverted)[0, 0, 0, 0] == pytest.approx(0.8)  # 1 - 0.2
    assert changed(patch, inverted, halved)[0, 0, 0, 0] == pytest.approx(0.3)  # 0.6 / 2


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.sampled_from(NAMES), max_size=4, unique=True),
    st.booleans(),
    st.sampled_from([torch.bool, torch.uint8, torch.float32]),
    st.integers(0, 1000),
)
def test_shapes_types_and_ranges_stay(names, one_of, kind, seed):
    patches = noise(4, 12, seed)
    masks = torch.cat([patches > 0.9, patches < 0.1], 1).to(kind)
    made, moved = changed(
        patches, *map(operation, names), masks=masks, seed=seed, one_of=one_of and bool(names), probability=0.8
    )
    assert (made.shape, made.dtype, moved.shape, moved.dtype) == (patches.shape, patches.dtype, masks.shape, kind)
    assert 0 <= made.min() <= made.max() <= 1
    assert set(moved.unique().tolist()) <= {0, 1}


def test_one_more_on_top_of_the_others():
    patches = torch.full((300, 1, 2, 2), 0.4)
    one_more = (operation("inversion"), operation("gamma", 2.0, probability=0.5))
    made = changed(patches, operation("brightness", 0.5, probability=0.5), then_one_of=one_more)[:, 0, 0, 0]
    # 0.4 as it is or halved, then inverted twice as often as squared: never both, never neither.
    kinds = {0.6: 100, 0.16: 50, 0.8: 100, 0.04: 50}
    counts = {value: int(torch.isclose(made, torch.tensor(value)).sum()) for value in kinds}
    assert sum(counts.values()) == 300
    assert all(abs(counts[value] - expected) < 35 for value, expected in kinds.items())  # standard deviations to 8.2
