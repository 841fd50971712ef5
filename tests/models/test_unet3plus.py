"""UNet 3+ and MuTMuS-UNet3+: as many weights as their papers say, full-scale skips, switches of the ablations."""

import numpy as np
import pytest
import torch

from microcalc.models.unet3plus import build_unet3plus
from microcalc.recipe import load_recipe
from microcalc.recipe.multi_task_segmenter import UNet3PlusSpec

#: A few thousand weights.
TINY = {
    "widths": (2, 3, 4, 5, 6),
    "skip": 4,
    "sapf": True,
    "aspp": (1, 2),
    "multi_task": True,
    "multi_scale": True,
}


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def tiny(seed=0, **changes):
    torch.manual_seed(seed)
    return build_unet3plus(UNet3PlusSpec(**(TINY | changes)))


@pytest.fixture
def count(monkeypatch):
    """Of a network's parameters, without any of them drawn."""
    for draw in ("kaiming_uniform_", "kaiming_normal_"):
        monkeypatch.setattr(torch.nn.init, draw, lambda weight, **settings: weight)
    return lambda spec: sum(parameter.numel() for parameter in build_unet3plus(spec).parameters())


def of_recipe(name, **changes):
    return load_recipe(name).network.model_copy(update=changes)


def test_unet3plus_is_as_large_as_its_paper_says(count):
    """Huang et al., Table 1: 26.97 million with one map at one scale, of three colours; heads of ours are 0.1 %."""
    spec = of_recipe("terrassin2024-unet3plus", widths=(64, 128, 256, 512, 1024), skip=64)
    assert count(spec) == pytest.approx(26.97e6, rel=0.001)


def test_half_its_filters_are_several_times_too_many(count):
    assert count(of_recipe("terrassin2024-unet3plus")) == pytest.approx(26.97e6 / 4, rel=0.005)


def test_mutmus_is_as_large_as_the_paper_says(count):
    """Terrassin et al., section 4.2: "approximately 1.4M"."""
    assert count(of_recipe("terrassin2024-mutmus-unet3plus")) == pytest.approx(1.4e6, rel=0.05)


#: 3 x 3 convolutions of two maps from 80 filters, and from the bottleneck's 128; three classes of the same.
MAPS, MAPS_BELOW, CLASSES, CLASSES_BELOW = 9 * 80 * 2 + 2, 9 * 128 * 2 + 2, 80 * 3 + 3, 128 * 3 + 3


def test_mutmus_counted_by_hand(count):
    """Widths 16, 32, 64, 128, 128; five inputs of 16 filters at each level of the decoder, 80 together."""
    # 9 (v w + w w) a level with v before it, and two batch norms
    encoder = 9 * (16 * 17 + 32 * 48 + 64 * 96 + 128 * 192 + 128 * 256) + 2 * 2 * (16 + 32 + 64 + 128 + 128)
    # each fusion: 1 x 1 from 256 to 128, 3 x 3 to 64, 3 x 3 to 2, with biases
    fusion = (256 * 128 + 128) + (9 * 128 * 64 + 64) + (9 * 64 * 2 + 2)
    # one 3 x 3 for three looks with a batch norm each, two fusions, the share, and 1 x 1 with its batch norm
    sapf = 9 * 128 * 128 + 3 * 256 + 2 * fusion + 1 + 128 * 128 + 256
    # inputs of the levels from the coarsest up; each level's batch norms: 5 of 16 and one of 80
    inputs = (16 + 32 + 64 + 128 + 128) + (16 + 32 + 64 + 80 + 128) + (16 + 32 + 80 + 80 + 128) + (16 + 3 * 80 + 128)
    decoder = 9 * 16 * inputs + 4 * (9 * 80 * 80 + 2 * 80 + 2 * 80)
    heads = 4 * (MAPS + CLASSES) + MAPS_BELOW + CLASSES_BELOW
    assert count(of_recipe("terrassin2024-mutmus-unet3plus")) == encoder + sapf + decoder + heads == 1_413_550


@pytest.mark.parametrize(
    ("name", "fewer"),
    [
        ("motmus", 4 * MAPS + MAPS_BELOW),  # no maps anywhere
        ("mutmos", 3 * (MAPS + CLASSES) + MAPS_BELOW + CLASSES_BELOW),  # no head but the finest
    ],
)
def test_an_ablation_takes_away_its_heads_and_nothing_else(count, name, fewer):
    assert count(of_recipe(f"terrassin2024-{name}-unet3plus")) == 1_413_550 - fewer


def test_every_scale_answers_both_tasks_finest_first():
    answers = tiny().scales(torch.rand(2, 1, 32, 48))
    assert [tuple(answer.maps.shape) for answer in answers] == [(2, 2, 32 // k, 48 // k) for k in (1, 2, 4, 8, 16)]
    assert [tuple(answer.classes.shape) for answer in answers] == [(2, 3)] * 5


def test_one_task_is_that_of_classes():
    network = tiny(multi_task=False).eval()
    patches = torch.rand(2, 1, 32, 32)
    with torch.inference_mode():
        answers = network.scales(patches)
        assert [answer.maps for answer in answers] == [None] * 5
        assert torch.equal(network(patches), answers[0].classes)


def test_one_scale_is_the_finest():
    (answer,) = tiny(multi_scale=False).scales(torch.rand(1, 1, 32, 32))
    assert answer.maps.shape == (1, 2, 32, 32)


@pytest.mark.parametrize("changes", [{}, {"multi_scale": False}, {"sapf": False, "aspp": (1,)}])
def test_what_is_run_is_what_the_finest_scale_says(changes):
    network = tiny(**changes).eval()
    patches = torch.rand(2, 1, 32, 32)
    with torch.inference_mode():
        maps, classes = network(patches)
        finest = network.scales(patches)[0]
    assert torch.equal(maps, finest.maps)
    assert torch.equal(classes, finest.classes)


def test_each_level_of_the_decoder_sees_all_scales_at_its_own_size():
    """Huang et al., Figure 2: encoder of 2, 3, 4, 5 filters and bottleneck of 6; the decoder's levels have 5 x 4."""
    network, seen = tiny().eval(), []
    for level in network.decoder:
        for skip in level.skips:
            skip.register_forward_pre_hook(lambda module, inputs: seen.append(tuple(inputs[0].shape[1:])))
    with torch.inference_mode():
        network(torch.rand(1, 1, 32, 32))
    filters = {4: (2, 3, 4, 5, 6), 8: (2, 3, 4, 20, 6), 16: (2, 3, 20, 20, 6), 32: (2, 20, 20, 20, 6)}
    assert seen == [(width, size, size) for size, widths in filters.items() for width in widths]


def test_finer_levels_are_pooled_by_their_maximum_and_coarser_ones_lie_in_place():
    """Level 1 of 4: a pixel of level 0 at (5, 2) is its 2 x 2 block's maximum at (2, 1), one of level 2 lies around."""
    level = tiny().decoder[2]
    fine = torch.zeros(1, 1, 8, 8)
    fine[..., 5, 2] = 1.0
    assert level.resize[0](fine).nonzero()[:, 2:].tolist() == [[2, 1]]
    coarse = torch.zeros(1, 1, 2, 2)
    coarse[..., 1, 0] = 1.0
    # rows of 2 at twice the size, pixel centres at quarters: 0, 1/4, 3/4, 1 of the lower; columns mirrored
    ramp = torch.tensor([0.0, 0.25, 0.75, 1.0])
    np.testing.assert_allclose(level.resize[2](coarse)[0, 0], ramp[:, None] * ramp.flip(0))


def test_at_rest_a_patch_answers_for_itself():
    network = tiny().eval()
    patches = torch.rand(3, 1, 32, 32)
    with torch.inference_mode():
        together, alone = network(patches), network(patches[1:2])
    for among_others, itself in zip(together, alone, strict=True):
        np.testing.assert_allclose(among_others[1:2], itself, rtol=1e-4, atol=1e-5)


def test_classes_are_of_the_largest_features_however_large_the_tile():
    """A feature of 2 at one pixel, weighted 3, and a bias of 1: 7, where a mean would dilute it."""
    head = tiny().heads[0]
    torch.nn.init.constant_(head.classes.weight, 0.0)
    torch.nn.init.constant_(head.classes.weight[1:2, 4:5], 3.0)
    torch.nn.init.ones_(head.classes.bias)
    for size in (16, 64):
        features = torch.zeros(1, 20, size, size)
        features[0, 4, 3, 7] = 2.0
        assert head(features).classes.tolist() == [[1, 7, 1]]


def test_the_seed_gives_the_same_weights():
    first, again, other = (tiny(seed).state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(first[name], tensor) for name, tensor in again.items())
    assert not torch.equal(first["encoder.0.0.0.weight"], other["encoder.0.0.0.weight"])


def test_maps_start_undecided():
    """Convolutions have few outputs here, and many inputs: drawn by outputs, logits would have a spread above 5."""
    network = tiny(widths=(16, 32, 64, 64, 64), skip=16)
    with torch.inference_mode():
        spreads = [answer.maps.std().item() for answer in network.scales(torch.rand(3, 1, 32, 32))]
    assert all(0.3 < spread < 2 for spread in spreads)


def test_every_weight_is_reached_by_a_step():
    """From outputs of all scales, or of the finest alone; the looks of SAPF as soon as their share is not nought."""
    for changes in ({}, {"multi_scale": False}):
        network = tiny(**changes)
        torch.nn.init.constant_(network.bottleneck.share, 0.5)
        answers = network.scales(torch.rand(2, 1, 64, 64))
        sum(answer.maps.square().sum() + answer.classes.square().sum() for answer in answers).backward()
        missed = [name for name, weight in network.named_parameters() if not weight.grad.any()]
        assert missed == []
