import pytest

from microcalc.errors import UsageError
from microcalc.recipe import load_recipe
from microcalc.training.overrides import overridden, parse_override, parse_values

RATE = "fitting.optimiser.learning_rate"


@pytest.fixture(scope="module")
def recipe():
    return load_recipe("mracko2024-resnet101")


@pytest.mark.parametrize(
    ("text", "key", "value"),
    [
        (f"{RATE}=1e-4", RATE, 1e-4),
        ("network.name=resnet18", "network.name", "resnet18"),
        ("network.head.hidden=[64, 32]", "network.head.hidden", [64, 32]),
        ("fitting.sampling.ratio=null", "fitting.sampling.ratio", None),
        ("fitting.sampling.balanced=true", "fitting.sampling.balanced", True),
    ],
)
def test_a_value_is_read_as_in_a_recipes_file(text, key, value):
    assert parse_override(text) == (key, value)


def test_values_stand_between_commas_and_a_list_in_brackets():
    assert parse_values("a=1e-4,5e-5") == ("a", (1e-4, 5e-5))
    assert parse_values("a=[64],[64, 32]") == ("a", ([64], [64, 32]))


@pytest.mark.parametrize("text", ["a", "a=", "=1", "a=[1", "a=1,2"])
def test_what_is_no_key_and_value_is_refused(text):
    with pytest.raises(UsageError, match=r"expected (KEY=VALUE|one value for a)"):
        parse_override(text)


def test_a_value_is_replaced_and_the_notes_tell(recipe):
    changed = overridden(recipe, {RATE: 1e-3, "fitting.batch": 4})
    assert (changed.fitting.optimiser.learning_rate, changed.fitting.batch) == (1e-3, 4)
    assert changed.notes[:-2] == recipe.notes
    assert changed.notes[-2:] == (f"Set by hand: {RATE} = 0.001.", "Set by hand: fitting.batch = 4.")
    assert changed.fitting.loss == recipe.fitting.loss
    assert overridden(recipe, {}) == recipe


def test_a_smoke_run_does_not_undo_it(recipe):
    assert recipe.smoke().fitting.stopping.epochs != 7
    assert overridden(recipe, {"fitting.stopping.epochs": 7}).smoke().fitting.stopping.epochs == 7


@pytest.mark.parametrize(
    ("key", "meant"),
    [
        ("learning_rate", f"give {RATE}$"),
        ("fitting.optimiser.learning_rat", f"give {RATE}"),
        ("fitting.optimizer.learning_rate", f"give {RATE}$"),
        ("xyzzy", "one that its file has"),
        ("notes", "give "),
        ("kind", "give "),
    ],
)
def test_an_unknown_key_is_refused_and_near_ones_are_named(recipe, key, meant):
    with pytest.raises(UsageError, match=f"a key of the recipe mracko2024-resnet101, found '{key}'.*{meant}"):
        overridden(recipe, {key: 1})


@pytest.mark.parametrize(("key", "value"), [(RATE, "fast"), (RATE, -1.0), ("fitting.batch", 1.5), ("fitting", 3)])
def test_a_value_that_does_not_fit_is_refused(recipe, key, value):
    with pytest.raises(UsageError, match=r"changes that fit the recipe mracko2024-resnet101, found .*fitting"):
        overridden(recipe, {key: value})


def test_what_breaks_a_rule_of_the_whole_recipe_is_told_as_that(recipe):
    with pytest.raises(UsageError, match="found the default operating point 'bold' is not among them"):
        overridden(recipe, {"default_operating_point": "bold"})
