"""What was spent on a network, beside its paper."""

from types import SimpleNamespace

from microcalc.benchmark.patch_budget import budget_of
from microcalc.recipe import load_recipe


def card(name, changes, **training):
    recipe = load_recipe("terrassin2024-resnet22").with_changes(changes)
    spent = SimpleNamespace(data="toys", seconds=3.0, **training)
    return SimpleNamespace(name=name, recipe=recipe.as_written() | {"name": name}, training=spent)


def test_a_budget_is_cut():
    changes = {"fitting": {"batch": 8, "stopping": {"epochs": 2}}, "notes": ["Changed by hand."]}
    budget = budget_of(card("terrassin2024-resnet22", changes, epochs=2, patches=336))
    assert budget.changed == ("fitting.batch=8 (3)", "fitting.stopping.epochs=2 (500)")
    # Section 4: 23,000 patches, 500 epochs.
    assert (budget.paper_epochs, budget.paper_patches) == (500, 11_500_000)
    assert budget.share == 336 / 11_500_000


def test_what_is_not_known_is_null():
    budget = budget_of(card("mine", {}, epochs=None, patches=None))
    assert (budget.share, budget.paper_epochs, budget.paper_patches, budget.changed) == (None, None, None, ())
    assert budget_of(card("terrassin2024-resnet22", {}, epochs=None, patches=None)).share is None


def test_a_network_that_only_has_the_name_of_another_kind_has_no_paper():
    budget = budget_of(card("cortina2022-cascade", {}, epochs=2, patches=336))
    assert (budget.share, budget.paper_epochs, budget.changed) == (None, None, ())
