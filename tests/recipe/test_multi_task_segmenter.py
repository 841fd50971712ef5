"""The recipes of Terrassin's UNet 3+ networks against the paper, typed from its pages, and what is refused."""

import pytest

from microcalc.errors import UsageError
from microcalc.patches.protocols import PROTOCOLS
from microcalc.recipe import load_recipe, recipe_from
from microcalc.recipe.fitting import Loss
from microcalc.recipe.yaml_text import read_yaml, write_yaml

UNETS = ["mutmus-unet3plus", "motmus-unet3plus", "mutmos-unet3plus", "unet3plus"]


@pytest.fixture(scope="module")
def recipe():
    return load_recipe("terrassin2024-mutmus-unet3plus")


@pytest.mark.parametrize("variant", UNETS)
def test_section_4(variant):
    recipe = load_recipe(f"terrassin2024-{variant}")
    assert (recipe.kind, recipe.patches.protocol, recipe.spacing_mm) == (
        "multi-task-segmenter",
        "terrassin512",
        "native",
    )
    assert (recipe.input.size_px, recipe.outputs) == (512, 3)
    assert recipe.classes == ("normal", "benign", "malignant")
    assert recipe.masks == PROTOCOLS["terrassin512"].channels
    assert recipe.fitting.loss == Loss(kind="cross-entropy")
    assert recipe.fitting.optimiser.learning_rate == 0.0001
    assert (recipe.fitting.batch, recipe.fitting.stopping.epochs, recipe.fitting.stopping.patience) == (3, 500, None)


@pytest.mark.parametrize(
    ("variant", "multi_task", "multi_scale", "row"),
    [
        ("mutmus", True, True, "UNet3+, multi-task, multi-scale"),
        ("motmus", False, True, "UNet3+, one task, multi-scale"),
        ("mutmos", True, False, "UNet3+, multi-task, one scale"),
    ],
)
def test_the_ablations_of_table_3_differ_in_their_switches_alone(recipe, variant, multi_task, multi_scale, row):
    ablation = load_recipe(f"terrassin2024-{variant}-unet3plus")
    network = ablation.network
    assert (network.multi_task, network.multi_scale) == (multi_task, multi_scale)
    assert row in ablation.published
    assert ablation.maps == (("benign", "malignant") if multi_task else ())
    named = {"name", "title", "published", "notes"}
    switched = ablation.with_changes({"network": {"multi_task": True, "multi_scale": True}})
    assert switched.as_written() | dict.fromkeys(named) == recipe.as_written() | dict.fromkeys(named)


def test_plain_unet3plus_has_half_its_filters_and_none_of_the_additions():
    """Section 3.1: "the number of filters f has been reduced by a factor of 2"; Huang et al. have 64 to 1024 and 64."""
    network = load_recipe("terrassin2024-unet3plus").network
    assert network.widths == (64 // 2, 128 // 2, 256 // 2, 512 // 2, 1024 // 2)
    assert network.skip == 64 // 2
    assert (network.sapf, network.aspp, network.multi_scale) == (False, (1,), False)


def test_the_classifiers_it_is_compared_with_are_trained_alike(recipe):
    classifier = load_recipe("terrassin2024-resnet22")
    assert recipe.fitting == classifier.fitting
    assert recipe.patches == classifier.patches


@pytest.mark.parametrize("variant", UNETS)
def test_a_saved_copy_comes_back_the_same(variant):
    recipe = load_recipe(f"terrassin2024-{variant}")
    assert recipe_from(read_yaml(write_yaml(recipe.as_written()).encode(), "", ""), "a copy") == recipe


def test_a_smoke_run_is_small_and_still_fits(recipe):
    smoke = recipe.smoke()
    assert smoke.input.size_px == 96
    assert max(smoke.network.widths) <= 8
    assert (smoke.fitting.batch, smoke.fitting.stopping.epochs) == (3, 1)
    assert smoke.network.aspp == recipe.network.aspp


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"input": {"size_px": 500}}, "multiples of 16, got patches of 500 px"),
        ({"segmentation": {"multiple": 8}}, "tiles in multiples of 8 px"),
        ({"input": {"normalisation": "z-score"}}, r"got \(1, 'z-score'\) and \(1, 'none'\)"),
        ({"segmentation": {"channels": 3}}, r"got \(1, 'none'\) and \(3, 'none'\)"),
        ({"input": {"resize_px": 256}}, "no blur, no resizing"),
        ({"fitting": {"loss": {"kind": "binary-cross-entropy"}}}, "binary cross-entropy is for two classes, got 3"),
        ({"network": {"skip": 15}}, "the 75 filters .* shared equally by 4 rates"),
        ({"network": {"widths": [16, 32, 64, 128]}}, "at least 5 items"),
        ({"masks": []}, "at least 1 item"),
    ],
)
def test_what_does_not_fit_is_refused(recipe, changes, said):
    with pytest.raises(UsageError, match=said):
        recipe.with_changes(changes)
