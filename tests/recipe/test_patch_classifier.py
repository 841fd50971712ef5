"""Recipes of patch classifiers: what is refused, what a smoke run changes, what a saved copy shows."""

import pytest

from microcalc.errors import ReadError
from microcalc.recipe import RECIPES, PatchClassifierRecipe, load_recipe, recipe_from
from microcalc.recipe.base import merged
from microcalc.recipe.yaml_text import read_yaml, write_yaml

NETWORKS = [name for name in RECIPES if isinstance(load_recipe(name), PatchClassifierRecipe)]

#: The least that a recipe has to say.
LEAST = {
    "name": "mine",
    "kind": "patch-classifier",
    "paper": None,
    "title": "Mine",
    "seed": 0,
    "spacing_mm": "native",
    "notes": [],
    "patches": {
        "protocol": "pesapane112",
        "classes": [{"name": "no", "labels": ["normal"]}, {"name": "yes", "labels": ["benign", "malignant"]}],
        "targets": [{"name": "yes", "classes": ["yes"]}],
    },
    "input": {"size_px": 112, "normalisation": "none"},
    "network": {"name": "resnet18", "start": "random", "channels": 1},
    "fitting": {
        "loss": {"kind": "cross-entropy"},
        "optimiser": {"kind": "adam", "learning_rate": 0.001},
        "batch": 16,
        "stopping": {"epochs": 2, "keep": "last"},
    },
    "calibration": "platt",
    "operating_points": {"best": {"rule": "youden"}},
    "default_operating_point": "best",
}


def test_a_saved_copy_shows_every_default():
    """What every other recipe would leave to the code stands in the file; it comes back the same."""
    recipe = recipe_from(LEAST, "mine.yaml")
    assert isinstance(recipe, PatchClassifierRecipe)
    saved = read_yaml(write_yaml(recipe.as_written()).encode(), "", "")
    assert recipe_from(saved, "mine.yaml") == recipe
    assert saved["patches"] | {"classes": 0, "targets": 0} == {
        "protocol": "pesapane112",
        "classes": 0,
        "targets": 0,
        "validation_share": None,
        "split_by": "patient",
        "test_per_class": None,
    }
    nothing = dict.fromkeys(("blur_sigma_px", "resize_px", "context"))
    assert saved["input"] == {"size_px": 112, "normalisation": "none"} | nothing
    assert saved["network"] == {
        "name": "resnet18",
        "start": "random",
        "channels": 1,
        "stages": None,
        "head": {"hidden": [], "activation": "relu", "dropout": 0},
        "frozen_through": None,
    }
    assert saved["fitting"] == {
        "loss": {"kind": "cross-entropy", "weights": None},
        "optimiser": {"kind": "adam", "learning_rate": 0.001, "weight_decay": 0, "momentum": 0},
        "schedule": {"kind": "constant", "epochs": None, "factor": None},
        "batch": 16,
        "accumulate": 1,
        "sampling": {"balanced": False, "ratio": None, "batches": None, "turned_but": None},
        "augmentation": {"probability": 1, "one_of": False, "operations": [], "then_one_of": []},
        "stopping": {"epochs": 2, "patience": None, "min_delta": 0, "keep": "last"},
        "precision": "f32",
    }
    assert saved["operating_points"] == {"best": {"rule": "youden", "value": None}}
    assert (saved["published"], saved["smoke"]) == ([], {})


@pytest.mark.parametrize("name", NETWORKS)
def test_a_recipe_comes_back_as_it_went(name):
    recipe = load_recipe(name)
    assert recipe.name == name
    assert recipe_from(read_yaml(write_yaml(recipe.as_written()).encode(), "", ""), "a copy") == recipe


@pytest.mark.parametrize("name", NETWORKS)
def test_a_smoke_run_is_small_and_the_same_but_for_that(name):
    recipe = load_recipe(name)
    smoke = recipe.smoke()
    assert smoke.smoke() == smoke
    assert smoke.input.size_px == min(recipe.input.size_px, 96)
    assert smoke.fitting.batch <= 4
    assert (smoke.fitting.stopping.epochs, smoke.fitting.sampling.batches) == (1, 2)
    assert smoke.network.start == "random"
    restored = merged(
        smoke.as_written(),
        {"input": {key: recipe.as_written()["input"][key] for key in ("size_px", "resize_px")}},
        {"network": {"start": recipe.network.start}},
        {"fitting": {"batch": recipe.fitting.batch, "stopping": {"epochs": recipe.fitting.stopping.epochs}}},
        {"fitting": {"sampling": {"batches": recipe.fitting.sampling.batches}}},
        {"patches": {key: recipe.as_written()["patches"][key] for key in ("validation_share", "test_per_class")}},
    )
    assert restored == recipe.as_written()


def test_a_smoke_run_scales_what_patches_are_resized_to():
    """112 px that are resized to 224 become 96 px resized to 192; 674 px as cut become 96 px as cut."""
    assert load_recipe("pesapane2023-alexnet-task1").smoke().input.network_px == 192
    assert load_recipe("mracko2024-resnet101").smoke().input.network_px == 96


def test_a_smoke_run_draws_enough_of_few_patches():
    """5 % of a few dozen patches would be one or two; a hundred test patches would be all."""
    smoke = load_recipe("kahnouei2022-resnet50-paper-split").smoke()
    assert (smoke.patches.validation_share, smoke.patches.test_per_class) == (0.3, 8)
    smoke = load_recipe("terrassin2024-resnet22").smoke()
    assert (smoke.patches.validation_share, smoke.patches.test_per_class) == (None, None)


def test_a_recipe_s_own_smoke_changes_come_last():
    recipe = recipe_from(LEAST | {"smoke": {"fitting": {"batch": 8}, "input": {"size_px": 32}}}, "mine.yaml")
    smoke = recipe.smoke()
    assert (smoke.fitting.batch, smoke.input.size_px, smoke.fitting.stopping.epochs) == (8, 32, 1)


def test_a_batch_in_parts_has_a_patch_for_each_in_a_smoke_run():
    """Four patches would not come in eight parts."""
    recipe = recipe_from(merged(LEAST, {"fitting": {"accumulate": 8}}), "mine.yaml")
    assert (recipe.smoke().fitting.batch, recipe.smoke().fitting.accumulate) == (8, 8)


def test_what_an_error_of_memory_proposes_is_taken():
    """A batch of eight, patch by patch: the value is also among the smoke changes, where a batch has but four."""
    changes = {"fitting": {"accumulate": 8}}
    recipe = load_recipe("mracko2024-resnet101").with_changes(changes | {"smoke": changes})
    assert (recipe.fitting.batch, recipe.fitting.accumulate) == (8, 8)
    assert (recipe.smoke().fitting.batch, recipe.smoke().fitting.accumulate) == (8, 8)


def test_outputs():
    """One for two classes by binary cross-entropy, else one a class."""
    recipe = recipe_from(LEAST, "mine.yaml")
    assert recipe.outputs == 2
    assert recipe.with_changes({"fitting": {"loss": {"kind": "binary-cross-entropy"}}}).outputs == 1
    assert load_recipe("terrassin2024-resnet22").outputs == 3


THREE = [{"name": name, "labels": [name]} for name in ("normal", "benign", "malignant")]
LOCAL, CONTEXT = {"normalisation": "local-moments"}, {"margin_px": 24, "moments_px": 49, "stride_px": 4}
BROKEN = [
    ({"fitting": {"lr": 1}}, "fitting.lr: Extra inputs"),
    ({"network": {"name": "resnet19"}}, "network.name"),
    ({"network": {"channels": 2}}, "network.channels"),
    ({"network": {"name": "scalable_resnet"}}, "which needs them"),
    ({"network": {"stages": 3}}, "stages are those of scalable_resnet"),
    ({"network": {"name": "resnet22", "start": "imagenet"}}, "no weights of resnet22 learnt on ImageNet"),
    ({"network": {"head": {"dropout": 1}}}, "network.head.dropout: Input should be less than 1"),
    ({"input": {"size_px": 0}}, "input.size_px: Input should be greater than or equal to 1"),
    ({"input": {"normalisation": "l2"}}, "input.normalisation"),
    ({"input": {"normalisation": "local-moments"}}, "normalisation: local-moments goes with a context"),
    ({"input": {"context": CONTEXT}}, "and a context with nothing else"),
    ({"input": LOCAL | {"context": CONTEXT | {"moments_px": 48}}}, "moments_px is odd and above 1, got 48"),
    ({"input": LOCAL | {"context": CONTEXT, "resize_px": 224}}, "neither blurred nor resized"),
    ({"input": LOCAL | {"context": CONTEXT}}, "a context is for scalable_resnet: "),
    ({"patches": {"classes": [THREE[0]]}}, "patches.classes: Tuple should have at least 2 items"),
    ({"patches": {"classes": [THREE[0], THREE[0]]}}, "is named twice"),
    ({"patches": {"classes": [THREE[0], {"name": "b", "labels": ["normal"]}]}}, "is named twice"),
    ({"patches": {"targets": [{"name": "x", "classes": ["yes", "no"]}]}}, "takes some of the classes"),
    ({"patches": {"targets": [{"name": "x", "classes": ["maybe"]}]}}, "takes some of the classes"),
    ({"patches": {"targets": [{"name": "x", "classes": ["yes", "yes"]}]}}, "takes some of the classes"),
    ({"patches": {"validation_share": 1}}, "patches.validation_share: Input should be less than 1"),
    ({"patches": {"split_by": "image"}}, "patches.split_by"),
    ({"patches": {"split_by": "patch"}}, "split_by: patch needs a validation_share"),
    (
        {
            "patches": {"classes": THREE, "targets": [{"name": "x", "classes": ["benign"]}]},
            "fitting": {"loss": {"kind": "binary-cross-entropy"}},
        },
        "binary cross-entropy is for two classes, got 3",
    ),
    ({"fitting": {"loss": {"weights": [1, 2, 3]}}}, "3 weights of the loss for 2 classes"),
    ({"fitting": {"loss": {"weights": [0, 1]}}}, "fitting.loss.weights.0: Input should be greater than 0"),
    ({"fitting": {"optimiser": {"learning_rate": 0}}}, "fitting.optimiser.learning_rate: Input should be greater"),
    ({"fitting": {"optimiser": {"momentum": 0.9}}}, "momentum goes with sgd, got 0.9 with adam"),
    ({"fitting": {"schedule": {"kind": "step", "epochs": 7}}}, "epochs and factor go with step and plateau"),
    ({"fitting": {"schedule": {"kind": "cosine", "epochs": 7, "factor": 0.1}}}, "and with nothing else"),
    ({"fitting": {"sampling": {"balanced": True, "ratio": 3}}}, "exclude each other"),
    ({"fitting": {"accumulate": 17}}, "a batch of 16 does not come in 17 parts"),
    ({"fitting": {"stopping": {"min_delta": 0.1}}}, "min_delta goes with patience"),
    ({"fitting": {"stopping": {"keep": "f1"}}}, "fitting.stopping.keep"),
    ({"fitting": {"precision": "f64"}}, "fitting.precision"),
    ({"fitting": {"augmentation": {"one_of": True}}}, "one_of and then_one_of need an operation that can be drawn"),
    (
        {"fitting": {"augmentation": {"then_one_of": [{"name": "inversion", "probability": 0}]}}},
        "one_of and then_one_of need an operation that can be drawn",
    ),
    ({"fitting": {"augmentation": {"operations": [{"name": "shear"}]}}}, "operations.0.name"),
    ({"fitting": {"augmentation": {"operations": [{"name": "rotation"}]}}}, "rotation needs low and high"),
    ({"fitting": {"augmentation": {"operations": [{"name": "gamma", "low": 2, "high": 1}]}}}, "in this order"),
    ({"fitting": {"augmentation": {"operations": [{"name": "transpose", "low": 1}]}}}, "transpose has no strength"),
    (
        {"fitting": {"augmentation": {"operations": [{"name": "resized-crop", "low": 0, "high": 1}]}}},
        "resized-crop needs low and high, in this order and from 0.01 to 1, got 0.0 and 1.0",
    ),
    ({"fitting": {"augmentation": {"operations": [{"name": "noise", "low": -1, "high": 0}]}}}, "from 0 to 1"),
    ({"published": ["ResNet-50"]}, "no row 'ResNet-50' of a patch table of the paper None"),
    ({"paper": "kahnouei2022", "published": ["ResNet-50", "ResNet-51"]}, "no row 'ResNet-51'"),
    ({"operating_points": {"best": {"rule": "youden", "value": 0.9}}}, "a value goes with sensitivity"),
    ({"operating_points": {"best": {"rule": "sensitivity"}}}, "a value goes with sensitivity"),
    ({"default_operating_point": "bold"}, "'bold' is not among them"),
    ({"smoke": {"fitting": {"batch": 0}}}, "smoke changes that do not fit: fitting.batch"),
]


@pytest.mark.parametrize(("changes", "found"), BROKEN, ids=lambda value: str(value)[:50])
def test_what_makes_no_sense_is_refused_with_its_field(changes, found):
    with pytest.raises(ReadError) as error:
        recipe_from(merged(LEAST, changes), "mine.yaml")
    assert found in str(error.value)
    assert str(error.value).startswith("mine.yaml: expected a recipe of kind patch-classifier, found ")
    assert "\n" not in str(error.value)
