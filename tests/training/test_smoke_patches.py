import numpy as np
import pytest

from microcalc.patches.store import WHITE
from microcalc.recipe import load_recipe
from microcalc.training.smoke_patches import write_smoke_store


@pytest.fixture(scope="module")
def recipe():
    return load_recipe("mracko2024-resnet101").smoke()


@pytest.fixture(scope="module")
def store(recipe, tmp_path_factory):
    return write_smoke_store(tmp_path_factory.mktemp("smoke"), recipe, seed=1)


def test_it_is_a_store_of_the_recipes_protocol_and_small(store, recipe):
    known = store.manifest
    assert (known.protocol, known.size_px) == ("mracko674", recipe.input.size_px)
    assert known.size_px <= 96
    assert known.counts == {side: {"no cluster": 16, "cluster": 16} for side in ("test", "train", "validation")}
    assert len(store) == 96
    assert len({patch.key for patch in store.patches}) == 96


def test_no_patient_stands_on_two_sides(store):
    sides = {(patch.patient, patch.split) for patch in store.patches}
    assert len(sides) == len({patient for patient, _ in sides}) == 12


def test_positives_alone_hold_specks(store):
    grey = store.pixels(range(len(store))) / WHITE
    # Noise of 0.4 +- 0.05 stays below 0.7, six standard deviations; specks add 0.4.
    bright = (grey > 0.7).sum(axis=(1, 2))
    assert (bright[store.labels == 0] == 0).all()
    assert (bright[store.labels == 1] >= 9).all()


def test_equal_seeds_give_equal_stores(store, recipe, tmp_path):
    same, other = (write_smoke_store(tmp_path / str(seed), recipe, seed) for seed in (1, 2))
    every = range(len(store))
    assert np.array_equal(same.pixels(every), store.pixels(every))
    assert not np.array_equal(other.pixels(every), store.pixels(every))
    assert (same.patches, same.manifest) == (store.patches, store.manifest)


def test_masks_outline_the_specks_where_the_protocol_has_masks(recipe, tmp_path):
    changed = recipe.model_copy(update={"patches": recipe.patches.model_copy(update={"protocol": "terrassin512"})})
    store = write_smoke_store(tmp_path, changed, seed=1)
    masks = store.masks(range(len(store)))
    bright = store.pixels(range(len(store))) > 0.62 * WHITE
    for number, label in enumerate(store.manifest.labels):
        of_label = store.labels == number
        outlined = masks[of_label].any(axis=1)
        assert label == "normal" or (outlined == bright[of_label]).mean() > 0.999
        assert outlined.any() == (label != "normal")


def test_a_store_that_is_there_is_replaced(recipe, tmp_path):
    write_smoke_store(tmp_path, recipe, seed=1)
    assert write_smoke_store(tmp_path, recipe, seed=2).manifest.seed == 2
