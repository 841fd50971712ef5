import numpy as np
import pytest

from microcalc.errors import MicrocalcError, ReadError
from microcalc.recipe import load_recipe
from microcalc.training.predictions import Predictions


@pytest.fixture(scope="module")
def recipe():
    return load_recipe("terrassin2024-resnet22").with_changes({"input": {"size_px": 16}})


@pytest.fixture(scope="module")
def part(predicted, recipe, tmp_path_factory):
    return predicted.parts_of(predicted.write_store(tmp_path_factory.mktemp("store"), recipe), recipe).validation


def test_scores_of_a_target_of_several_classes(recipe, part):
    # softmax of (0, ln 2, ln 5) is (1, 2, 5) / 8: calcified are benign and malignant, 7 of 8.
    logits = np.tile(np.log([1.0, 2.0, 5.0]), (len(part), 1)).astype(np.float32)
    calcified, malignant = recipe.patches.targets
    found = Predictions(part, logits)
    assert found.probabilities[0] == pytest.approx([1 / 8, 2 / 8, 5 / 8])
    assert found.target_scores(calcified, recipe)[0] == pytest.approx(7 / 8)
    assert found.target_scores(malignant, recipe)[0] == pytest.approx(5 / 8)
    assert (found.is_positive(calcified, recipe) == (part.classes > 0)).all()
    assert (found.is_positive(malignant, recipe) == (part.classes == 2)).all()


def test_saved_and_loaded(predicted, recipe, part, tmp_path):
    made = predicted.predict(part, recipe)
    made.save(tmp_path / "validation.npz")
    assert (Predictions.load(tmp_path / "validation.npz", part).logits == made.logits).all()


def test_those_of_other_patches_are_refused(predicted, recipe, part, tmp_path):
    made = predicted.predict(part, recipe)
    made.save(tmp_path / "validation.npz")
    fewer = type(part)(part.store, part.indices[:-1], part.classes[:-1], part.split)
    with pytest.raises(ReadError, match="found those of 96 others; leave --resume out"):
        Predictions.load(tmp_path / "validation.npz", fewer)
    (tmp_path / "broken.npz").write_bytes(b"PK")
    with pytest.raises(ReadError, match="none that can be read"):
        Predictions.load(tmp_path / "broken.npz", part)
    with pytest.raises(MicrocalcError, match="finite outputs for 95 patches"):
        Predictions(fewer, made.logits)


def test_a_diverged_network_is_refused(part):
    logits = np.zeros((len(part), 3), np.float32)
    logits[4, 1] = np.nan
    with pytest.raises(MicrocalcError, match="1 rows with NaN or infinity"):
        Predictions(part, logits)
