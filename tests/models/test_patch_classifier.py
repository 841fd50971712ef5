"""Patch classifiers: what stands before and behind a network, by hand, with a network that adds up pixels."""

import numpy as np
import pytest

from microcalc.errors import ReadError, UsageError
from microcalc.evaluation.calibration import Isotonic
from microcalc.models import Card, write_package
from microcalc.models.patch_classifier import PatchClassifier, load_patch_classifier
from microcalc.recipe import PatchInput
from microcalc.recipe.patch_classifier import PatchClass, Target


class Sum:
    """One output, the sum over the pixels; knows how many patches it saw at a time."""

    name, precision, device = "sum", "f32", "cpu"

    def __init__(self):
        self.seen = []

    def __call__(self, batch):
        self.seen.append(len(batch))
        return (batch.sum(axis=(1, 2, 3))[:, np.newaxis],)


def classifier(calibration=None, size_px=2):
    return PatchClassifier(
        input=PatchInput(size_px=size_px, normalisation="none"),
        channels=1,
        classes=(PatchClass(name="none", labels=("normal",)), PatchClass(name="some", labels=("calcification",))),
        targets=(Target(name="some", classes=("some",)),),
        calibration=calibration,
        runtime=Sum(),
    )


def test_probabilities_and_scores_by_hand():
    """Four pixels of ln(3) / 4 add up to ln 3: three to one."""
    patches = np.full((1, 2, 2), np.log(3) / 4, np.float32)
    np.testing.assert_allclose(classifier().probabilities(patches), [[0.25, 0.75]], rtol=1e-6)
    np.testing.assert_allclose(classifier().scores(patches), [0.75], rtol=1e-6)


def test_scores_are_calibrated():
    """0.75 lies half way from 0.5 to 1, and so from 0.1 to 0.9: 0.5; and a millionth of the score itself."""
    calibration = Isotonic(scores=(0.0, 0.5, 1.0), probabilities=(0.0, 0.1, 0.9))
    found = classifier(calibration).scores(np.full((1, 2, 2), np.log(3) / 4, np.float32))
    np.testing.assert_allclose(found, [0.5 * (1 - 1e-6) + 0.75e-6], rtol=1e-6)


def test_many_patches_go_in_blocks_and_come_back_in_order():
    """At most 2^19 pixels at a time: 8 patches of 256 px."""
    levels = np.linspace(0, 1e-4, 19, dtype=np.float32)
    one = classifier(size_px=256)
    found = one.probabilities(np.broadcast_to(levels[:, np.newaxis, np.newaxis], (19, 256, 256)))
    assert one.runtime.seen == [8, 8, 3]
    assert (np.diff(found[:, 1]) > 0).all()


def test_no_patch_has_no_score():
    one = classifier()
    assert one.probabilities(np.empty((0, 2, 2), np.float32)).shape == (0, 2)
    assert one.scores(np.empty((0, 2, 2), np.float32)).shape == (0,)
    assert one.runtime.seen == []


def test_patches_of_another_size():
    with pytest.raises(UsageError, match=r"expected patches \(n, 2, 2\), found \(1, 3, 3\)"):
        classifier().scores(np.zeros((1, 3, 3), np.float32))


def test_a_package_is_loaded_by_its_card(classifier_package):
    loaded = load_patch_classifier(str(classifier_package.path))
    recipe = classifier_package.card.load_recipe()
    assert (loaded.input, loaded.channels) == (recipe.input, 1)
    assert (loaded.classes, loaded.targets) == (recipe.patches.classes, recipe.patches.targets)
    assert loaded.calibration == classifier_package.card.calibration.parameters
    scores = loaded.scores(np.random.default_rng(0).random((5, 16, 16), np.float32))
    assert ((scores >= 0) & (scores <= 1)).all()
    assert np.unique(scores).size == 5


def test_a_package_of_another_kind(package):
    with pytest.raises(UsageError, match=r"kind patch-classifier, found cortina2022-cascade of the kind cascade"):
        load_patch_classifier(package)


def test_a_card_that_names_no_network(classifier_card, tmp_path):
    values = classifier_card.model_dump()
    values["input"]["network"] = None
    package = write_package(tmp_path / "package", Card.model_validate(values), {"model.onnx": b"onnx"})
    with pytest.raises(ReadError, match="expected a card that names the network and its patch"):
        load_patch_classifier(package)
