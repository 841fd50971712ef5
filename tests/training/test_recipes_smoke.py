"""Recipes of networks in their smoke form, from drawn patches to a package that is asked.

Every recipe runs in ``make smoke``; of each family of networks and each loss, the smallest runs with the other tests.
"""

import numpy as np
import pytest

from microcalc.models.patch_classifier import load_patch_classifier
from microcalc.models.segmenter import load_segmenter
from microcalc.recipe import RECIPES, load_recipe
from microcalc.recipe.patch_classifier import PatchRecipe
from microcalc.training.history import History
from microcalc.training.overrides import overridden
from microcalc.training.run import train

#: Recipe -> what is changed so that it runs quickly. Together they have every loss and every way a network is built.
SMALLEST = {
    "cortina2022-resnet16": {},  # the scalable ResNet; binary cross-entropy
    "terrassin2024-convnextv2-yocto": {},  # three classes
    "terrassin2024-resnet22-separable": {},
    "mracko2024-resnet101": {"network.name": "resnet18"},  # cross-entropy with weights; turned patches
    "terrassin2024-mutmus-unet3plus": {"input.size_px": 64},  # maps and classes
}


@pytest.fixture(autouse=True)
def _one_thread():
    torch = pytest.importorskip("torch")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def check(recipe, out):
    package = train(recipe, None, out, smoke=True)
    card = package.card
    assert (card.name, card.version, card.kind) == (recipe.name, "smoke", recipe.kind)
    assert [point.name for point in card.operating_points] == list(recipe.operating_points)
    history = History.from_json(out / "work" / "history.json")
    assert history.stopped
    assert all(np.isfinite((row.train_loss, row.validation_loss)).all() for row in history.epochs)
    assert (out / "report.json").exists()
    if recipe.kind == "patch-classifier":
        check_on_patches(package, recipe)
    elif recipe.maps:
        check_on_an_image(package)


def check_on_an_image(package):
    """The package as a user asks it: about a whole image, tile by tile."""
    segmenter = load_segmenter(package)
    image = np.random.default_rng(0).uniform(0.2, 0.8, (70, 90)).astype(np.float32)
    found = segmenter(image, np.ones((70, 90), bool), 0.07)
    assert found.maps.shape == (2, 70, 90)
    assert ((found.maps >= 0) & (found.maps <= 1)).all()
    np.testing.assert_allclose(found.classes.sum(axis=1), 1, atol=1e-6)
    assert package.card.malignancy == "experimental"
    assert "marks" in package.card.operating_points[0].false_positives


def check_on_patches(package, recipe):
    """The package as a user asks it: through ONNX Runtime, about patches as they are cut."""
    size = recipe.smoke().input.size_px
    patches = np.random.default_rng(0).uniform(0.2, 0.8, (3, size, size)).astype(np.float32)
    classifier = load_patch_classifier(package)
    probabilities = classifier.probabilities(patches)
    assert probabilities.shape == (3, len(recipe.patches.classes))
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-6)
    scores = classifier.scores(patches)
    assert ((scores >= 0) & (scores <= 1)).all()


@pytest.mark.parametrize("name", SMALLEST)
def test_the_smallest_of_each_kind(name, tmp_path, monkeypatch):
    """Two thirds of such a run go into the figures of its page, which are alike: those of one are drawn."""
    recipe = overridden(load_recipe(name), SMALLEST[name])
    if name != "terrassin2024-resnet22-separable":
        monkeypatch.setattr("microcalc.training.outcome.write_page", lambda report, out: None)
    check(recipe, tmp_path)


@pytest.mark.smoke
@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in RECIPES if isinstance(load_recipe(name), PatchRecipe)])
def test_every_recipe(name, tmp_path):
    check(load_recipe(name), tmp_path)
