"""The numbers of patch classifiers against the papers: every expected value is typed from their pages."""

import pytest

from microcalc.evaluation.tables import published
from microcalc.patches.protocols import PROTOCOLS
from microcalc.recipe import BY_PAPER, RECIPES, load_recipe
from microcalc.recipe.fitting import Loss, Optimiser, Schedule, Stopping
from microcalc.recipe.patch_classifier import PatchRecipe

NETWORKS = [name for name in RECIPES if isinstance(load_recipe(name), PatchRecipe)]


@pytest.fixture(scope="module")
def recipes():
    return {name: load_recipe(name) for name in NETWORKS}


@pytest.mark.parametrize("name", NETWORKS)
def test_patches_are_those_of_the_protocol(recipes, name):
    recipe = recipes[name]
    protocol = PROTOCOLS[recipe.patches.protocol]
    assert recipe.input.size_px == protocol.size_px
    assert recipe.spacing_mm == (protocol.spacing_mm or "native")
    labels = {label for one in recipe.patches.classes for label in one.labels}
    assert labels <= set(protocol.labels)
    assert recipe.patches.classes[0].labels == (protocol.labels[1 if name.endswith("task2") else 0],)


@pytest.mark.parametrize("name", NETWORKS)
def test_rows_beside_the_report_are_printed_in_the_paper(recipes, name):
    recipe = recipes[name]
    rows = {row.name for row in published(paper=recipe.paper, level="patch")} if recipe.paper else set()
    assert set(recipe.published) <= rows
    # One the paper names, without a number; the other is ours.
    printed = recipe.paper is not None and name not in ("terrassin2024-unet3plus", "cortina2022-resnet16-dense")
    assert bool(recipe.published) == printed


def test_every_row_of_a_network_has_a_recipe(recipes):
    """But means over several rows."""
    shown = {(recipe.paper, row) for recipe in recipes.values() for row in recipe.published}
    results = {
        (row.paper, row.name)
        for row in published(level="patch")
        if row.measure not in ("count", "share") and not row.name.startswith("mean over")
    }
    assert results == shown


@pytest.mark.parametrize(
    ("name", "share"),
    [
        ("mracko2024-resnet101", 0.2),  # section II-B: 80:20
        ("cortina2022-resnet50-01", 0.34),  # section 2: 33 and 17 %, 17 / (33 + 17)
        ("kahnouei2022-resnet50", 0.05),  # section 4
        ("terrassin2024-resnet22", None),  # Table 1: a data set of its own
        ("pesapane2023-alexnet-task1", 0.22),  # 70 and 20 %, 20 / (70 + 20)
    ],
)
def test_share_of_training_that_validates(recipes, name, share):
    assert recipes[name].patches.validation_share == share


def optimised(recipe):
    optimiser = recipe.fitting.optimiser
    return optimiser.kind, optimiser.learning_rate, optimiser.weight_decay


def test_mracko_section_3(recipes):
    best = recipes["mracko2024-resnet101"]
    assert (best.input.size_px, best.network.name, best.network.start) == (674, "resnet101", "imagenet")
    assert best.network.frozen_through is None
    assert best.outputs == 2
    assert best.fitting.loss == Loss(kind="cross-entropy", weights=(0.359, 0.641))
    assert optimised(best) == ("adam", 5e-6, 1e-3)
    assert best.fitting.batch == 8
    assert best.fitting.sampling.turned_but == ("healthy",)
    assert best.fitting.stopping == Stopping(epochs=40, keep="accuracy")
    assert [(one.name, one.probability, one.low, one.high) for one in best.fitting.augmentation.operations] == [
        ("horizontal-flip", 0.5, None, None),
        ("vertical-flip", 0.5, None, None),
        ("rotation", 1, 0, 89),
    ]


@pytest.mark.parametrize(
    ("variant", "learning_rate", "weight_decay"),
    [
        ("lr1e-4", 0.0001, 0),
        ("lr5e-5", 0.00005, 0),
        ("lr1e-5", 0.00001, 0),
        ("lr5e-6", 0.000005, 0),
        ("lr1e-6", 0.000001, 0),
        ("wd1e-1", 0.000005, 0.1),
        ("wd1e-2", 0.000005, 0.01),
        ("wd1e-3", 0.000005, 0.001),
        ("wd1e-4", 0.000005, 0.0001),
        ("wd1e-5", 0.000005, 0.00001),
    ],
)
def test_mracko_tables_2_and_3(recipes, variant, learning_rate, weight_decay):
    """Without augmentation; all else as in the best model."""
    best, recipe = recipes["mracko2024-resnet101"], recipes[f"mracko2024-resnet101-{variant}"]
    assert optimised(recipe) == ("adam", learning_rate, weight_decay)
    assert recipe.fitting.augmentation.operations == ()
    restored = recipe.with_changes(
        {name: best.as_written()[name] for name in ("name", "title", "published")}
        | {"fitting": {name: best.as_written()["fitting"][name] for name in ("optimiser", "augmentation")}}
    )
    assert restored == best


#: Model, network, stages, layers on top, N:P, batch, scheduler, probability of augmentation, batches an epoch, epochs.
CORTINA = [
    ("resnet50-01", "resnet50", None, 3, 5, 128, "step", 0.2, None, 15),
    ("resnet50-05", "resnet50", None, 1, None, 128, "plateau", 0.4, 400, 30),
    ("densenet121-00", "densenet121", None, 1, None, 32, "step", 0.4, 500, 15),
    ("resnet16", "scalable_resnet", 2, 2, None, 128, "step", 0.8, 500, 30),
    ("resnet32", "scalable_resnet", 3, 2, None, 128, "step", 0, 300, 30),
    ("resnet64", "scalable_resnet", 4, 2, 10, 128, "step", 0, 200, 30),
]


@pytest.mark.parametrize("row", CORTINA, ids=lambda row: row[0])
def test_cortina_tables_6_and_7(recipes, row):
    """Table 7 does not say how many layers stand on top of the small networks; two are ours."""
    recipe = recipes[f"cortina2022-{row[0]}"]
    network, fitting = recipe.network, recipe.fitting
    assert (
        network.name,
        network.stages,
        len(network.head.hidden) + 1,
        fitting.sampling.ratio,
        fitting.batch,
        fitting.schedule.kind,
        fitting.augmentation.probability,
        fitting.sampling.batches,
        fitting.stopping.epochs,
    ) == row[1:]
    assert set(network.head.hidden) <= {500}
    if fitting.schedule.kind == "step":
        assert fitting.schedule == Schedule(kind="step", epochs=7, factor=0.1)


@pytest.mark.parametrize("row", CORTINA, ids=lambda row: row[0])
def test_cortina_appendix_2(recipes, row):
    recipe = recipes[f"cortina2022-{row[0]}"]
    small = row[1] == "scalable_resnet"
    assert recipe.spacing_mm == 0.07
    assert recipe.input.normalisation == "z-score"
    assert recipe.network.start == ("random" if small else "imagenet")
    assert (recipe.network.head.activation, recipe.network.head.dropout) == (
        ("gelu", 0.4) if small else ("leaky-relu", 0.5)
    )
    assert recipe.fitting.optimiser.kind == ("adamw" if row[0] == "resnet16" else "adam")
    assert recipe.fitting.optimiser.learning_rate == 0.0001
    assert recipe.fitting.loss == Loss(kind="binary-cross-entropy")
    assert recipe.outputs == 1
    assert recipe.fitting.augmentation.one_of
    assert [one.name for one in recipe.fitting.augmentation.operations] == [
        "contrast",
        "brightness",
        "affine",
        "rotation",
        "resized-crop",
        "horizontal-flip",
        "vertical-flip",
    ]
    stopping = recipe.fitting.stopping
    assert (stopping.patience, stopping.min_delta) == (3, 0.0001)
    assert recipe.operating_points[recipe.default_operating_point].rule == "youden"


def test_kahnouei_sections_3_and_4(recipes):
    recipe = recipes["kahnouei2022-resnet50"]
    assert recipe.patches.split_by == "patient"
    assert (recipe.patches.test_per_class, recipe.patches.validation_share) == (100, 0.05)
    assert (recipe.input.size_px, recipe.network.name, recipe.network.start) == (224, "resnet50", "imagenet")
    assert recipe.network.frozen_through == "layer3.1.conv3"
    assert recipe.fitting.loss == Loss(kind="binary-cross-entropy")
    assert recipe.fitting.optimiser == Optimiser(kind="adam", learning_rate=0.0001)
    assert (recipe.fitting.batch, recipe.fitting.stopping.epochs, recipe.fitting.stopping.patience) == (32, 120, None)
    assert recipe.fitting.augmentation.operations == ()
    assert recipe.operating_points[recipe.default_operating_point].rule == "tangent"


def test_kahnouei_as_the_paper_split_is_said_to_leak(recipes):
    leaking, recipe = recipes["kahnouei2022-resnet50-paper-split"], recipes["kahnouei2022-resnet50"]
    assert leaking.patches.split_by == "patch"
    assert "leaks" in leaking.title
    changed = {"name", "title", "patches", "notes"}
    assert {k: v for k, v in leaking.as_written().items() if k not in changed} == {
        k: v for k, v in recipe.as_written().items() if k not in changed
    }


@pytest.mark.parametrize("variant", BY_PAPER["pesapane2023"])
def test_pesapane_methods(recipes, variant):
    recipe = recipes[f"pesapane2023-{variant}"]
    network, task = variant.split("-")
    assert (recipe.network.name, recipe.network.start) == (network, "random")
    assert (recipe.input.size_px, recipe.outputs) == (112, 2)
    assert None not in (recipe.input.blur_sigma_px, recipe.input.resize_px)
    assert recipe.input.normalisation != "none"
    assert recipe.fitting.loss == Loss(kind="cross-entropy")
    assert recipe.fitting.optimiser == Optimiser(kind="adam", learning_rate=0.0001)
    assert recipe.fitting.batch == 16
    assert recipe.fitting.stopping.patience is not None
    assert [one.name for one in recipe.patches.classes] == {
        "task1": ["no calcification", "calcification"],
        "task2": ["benign", "malignant"],
    }[task]
    assert recipe.patches.targets[0].classes == (recipe.patches.classes[1].name,)


@pytest.mark.parametrize("variant", [name for name in BY_PAPER["terrassin2024"] if not name.endswith("unet3plus")])
def test_terrassin_section_4_2(recipes, variant):
    recipe = recipes[f"terrassin2024-{variant}"]
    assert (recipe.network.name, recipe.network.start) == (variant.replace("-", "_"), "random")
    assert recipe.input.size_px == 512
    assert recipe.outputs == 3
    assert [(one.name, one.classes) for one in recipe.patches.targets] == [
        ("calcified", ("benign", "malignant")),
        ("malignant", ("malignant",)),
    ]
    assert recipe.fitting.loss == Loss(kind="cross-entropy")
    assert recipe.fitting.optimiser.learning_rate == 0.0001
    assert (recipe.fitting.batch, recipe.fitting.stopping.epochs, recipe.fitting.stopping.patience) == (3, 500, None)
    assert [one.name for one in recipe.fitting.augmentation.operations] == [
        "vertical-flip",
        "horizontal-flip",
        "transpose",
    ]
    assert [one.name for one in recipe.fitting.augmentation.then_one_of] == ["blur", "noise", "gamma", "inversion"]
