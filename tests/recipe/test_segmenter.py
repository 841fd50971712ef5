import pytest

from microcalc.errors import UsageError
from microcalc.recipe import load_recipe, recipe_from
from microcalc.recipe.yaml_text import read_yaml, write_yaml


@pytest.fixture(scope="module")
def recipe():
    return load_recipe("microcalc-default")


def test_a_saved_copy_comes_back_the_same(recipe):
    assert recipe_from(read_yaml(write_yaml(recipe.as_written()).encode(), "", ""), "a copy") == recipe


def test_one_map_and_nothing_of_malignancy(recipe):
    assert (recipe.maps, recipe.classes) == (("calcification",), ())


def test_sides_are_halved_once_a_level(recipe):
    # Pixels enter as blocks of 2 x 2, and each of the four levels but the first halves them again: 2 * 2 ** 3.
    assert recipe.network.multiple == 16


def test_a_smoke_run_is_small_and_still_fits(recipe):
    smoke = recipe.smoke()
    assert (smoke.bank.patients, smoke.windows.size_px, smoke.fitting.steps, smoke.beside) == (1, 64, 3, ())
    assert smoke.company.above < recipe.company.above
    assert (smoke.network, smoke.input) == (recipe.network, recipe.input)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"windows": {"size_px": 100}}, "size_px is a multiple of 16"),
        ({"windows": {"spacing_mm": [0.08, 0.07]}}, "from low to high"),
        ({"network": {"depths": [1, 2]}}, "4 widths, but 2 depths"),
        ({"network": {"widths": [8, 8], "depths": [1, 1]}}, "input.multiple is that of the network, 4"),
        ({"input": {"tile_px": 100}}, "multiples of 16, got 100, 96"),
        ({"input": {"channels": 3}}, "one channel and the normalisation local"),
        ({"input": {"normalisation": "none"}}, "one channel and the normalisation local"),
        ({"beside": ["morphology", "morphology"]}, "each once"),
        ({"beside": ["microcalc-default"]}, "other detectors than this one"),
        ({"default_operating_point": "best"}, "'best' is not among them"),
        ({"fitting": {"average": 1.0}}, "less than 1"),
    ],
)
def test_what_does_not_fit_is_refused(recipe, changes, said):
    with pytest.raises(UsageError, match=said):
        recipe.with_changes(changes)
