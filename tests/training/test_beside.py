from types import SimpleNamespace

import pytest

from microcalc.comparison.records import Estimate
from microcalc.recipe import load_recipe
from microcalc.training.beside import beside


def estimate(value):
    return Estimate(value=value, low=value - 0.1, high=value + 0.1, n=10)


def part(*targets):
    """The test part with these targets."""
    return SimpleNamespace(split="test", targets=targets)


def target(auc, *, malignancy=False, point="paper", ages=()):
    metrics = {name: estimate(0.5) for name in ("accuracy", "sensitivity", "specificity", "ppv", "npv", "f1", "mcc")}
    return SimpleNamespace(
        malignancy=malignancy,
        auc=estimate(auc),
        average_precision=estimate(0.4),
        points=[
            SimpleNamespace(name="other", metrics={}),
            SimpleNamespace(name=point, metrics=metrics | {"accuracy": estimate(0.7)}),
        ],
        strata=[SimpleNamespace(by="age", name=name, accuracy=estimate(value)) for name, value in ages],
    )


def test_the_paper_s_numbers_and_ours():
    recipe = load_recipe("kahnouei2022-resnet50")
    rows = list(beside(recipe, [part(target(0.9, ages=[("31–45", 0.6)]))]))
    found = {(row.name, row.measure): row for row in rows}
    assert found["ResNet-50", "accuracy"].printed == "96.7%"
    assert found["ResNet-50", "accuracy"].ours["test"].value == pytest.approx(0.7)
    assert found["ResNet-50", "roc_auc"].ours["test"].value == pytest.approx(0.9)
    # Accuracy of an age group is that of the group, and there is none where we have no such patients.
    assert found["ResNet-50, age 31–45", "accuracy"].ours["test"].value == pytest.approx(0.6)
    assert found["ResNet-50, age 46–60", "accuracy"].ours == {}
    assert all(row.worth for row in rows)


def test_each_target_meets_the_paper_s_of_its_kind():
    recipe = load_recipe("terrassin2024-resnet22")
    measured = part(target(0.8, point="balanced"), target(0.6, malignancy=True, point="balanced"))
    ours = {row.target: row.ours["test"].value for row in beside(recipe, [measured])}
    assert ours == {"calcification": pytest.approx(0.8), "malignant": pytest.approx(0.6)}


def test_numbers_of_training_patches_have_none_beside_them():
    recipe = load_recipe("mracko2024-resnet101-lr1e-4")
    rows = list(beside(recipe, [part(target(0.9, point=recipe.default_operating_point))]))
    # Table II prints the accuracy on the validation patches, then that on the training patches.
    assert [(row.printed, sorted(row.ours)) for row in rows] == [("97.2%", ["test"]), ("97.3%", [])]


def test_malignancy_is_not_set_beside_calcification():
    rows = list(beside(load_recipe("kahnouei2022-resnet50"), [part(target(0.9, malignancy=True))]))
    assert rows
    assert all(row.ours == {} for row in rows)


def test_our_own_recipes_have_nothing_beside_them():
    recipe = load_recipe("microcalc-resnet16")
    assert not list(beside(recipe, [part(target(0.9))]))
