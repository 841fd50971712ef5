"""Areas and overlaps of five patches, worked by hand."""

import numpy as np
import pytest

from microcalc.benchmark.patch_numbers import Answers, Asked, areas, ask, joined, outlined
from microcalc.evaluation.bootstrap import resample_owned
from microcalc.evaluation.segmentation import Overlap


@pytest.fixture(scope="module")
def asked(patch_toys, tmp_path_factory):
    store = patch_toys.write_store(tmp_path_factory.mktemp("toys"))
    resamples = resample_owned([patch.key for patch in store.patches], patch_toys.patients, draws=200)
    return Asked(store, np.arange(5), np.array([0, 1, 1, 2, 2]), resamples)


@pytest.fixture(scope="module")
def recipe(patch_toys):
    return patch_toys.recipe()


@pytest.fixture(scope="module")
def answers(asked, patch_toys):
    return joined([one for _, one in ask(patch_toys.network(), asked)])


def test_areas(answers, asked, recipe):
    found = {name: area.estimate() for name, area in areas(answers, asked, recipe).items()}
    # Calcified, the sum of benign and malignant: the normal one scores 0.3; of 0.8, 0.2, 0.9 and 0.7 three are above.
    assert found["calcified"].value == pytest.approx(3 / 4)
    # Malignant: 0.8 is above all of 0.1, 0.3, 0.1, and 0.2 above two: 5 of 6 pairs.
    assert found["malignant"].value == pytest.approx(5 / 6)
    # All normal patches, the one there is, are of one patient.
    assert found["calcified"].low is None
    assert "one patient" in found["calcified"].remark


def test_overlaps_of_malignant_lesions(answers, asked, recipe):
    _, malignant = outlined(answers, asked, recipe)
    assert (malignant.target, malignant.patches) == ("malignant", 2)
    # First patch: 2 of 4 pixels found, 2 of 4 found ones true: 0.5 each. Second: all 12, and no other.
    for name in ("dice", "recall", "precision"):
        assert malignant.by_patch[name].value == pytest.approx((0.5 + 1) / 2)
        # All as one: 14 of 16 pixels of the truth, and 14 of 16 found.
        assert malignant.by_pixel[name].value == pytest.approx(14 / 16)
        assert malignant.by_patch[name].n == 2
    # Each patient has one: draws are of the one, the other or both.
    assert malignant.by_patch["dice"].low == pytest.approx(0.5)
    assert malignant.by_patch["dice"].high == pytest.approx(1.0)


def test_benign_lesions_are_grown_and_what_is_not_defined_is_left_out(answers, asked, recipe):
    benign, _ = outlined(answers, asked, recipe)
    # The pixel at (12, 12) grows into the square from 8 to 17, which the first map is. The second is 0 everywhere:
    # nothing stands out of it, so that recall and Dice are 0, and precision is that of the first alone.
    assert benign.by_patch["recall"].value == pytest.approx(0.5)
    assert benign.by_patch["dice"].value == pytest.approx(0.5)
    assert (benign.by_patch["precision"].value, benign.by_patch["precision"].n) == (1.0, 1)
    assert benign.by_patch["precision"].low is None
    # All as one: 100 of 200 pixels found, all true: Dice 2 * 100 / (200 + 100).
    assert benign.by_pixel["dice"].value == pytest.approx(2 / 3)


def test_where_nothing_is_found_precision_is_not_known(asked, recipe):
    nothing = Overlap(truth=4, truth_found=0, found=0, found_true=0)
    benign, _ = outlined(Answers(np.full((5, 3), 1 / 3), (nothing,) * 5), asked, recipe)
    assert (benign.by_pixel["recall"].value, benign.by_pixel["precision"].value) == (0.0, None)
    assert benign.by_pixel["precision"].remark == "no pixels found on benign patches"


def test_a_network_without_maps_outlines_nothing(asked, patch_toys, recipe):
    answers = joined([one for _, one in ask(patch_toys.network(mapping=False), asked)])
    assert answers.overlaps is None
    assert not list(outlined(answers, asked, recipe))
