import numpy as np
import pytest

from microcalc.errors import UsageError
from microcalc.evaluation.classification import auc
from microcalc.evaluation.scores import ImageScores
from microcalc.recipe import Svm, load_recipe
from microcalc.training import stages
from microcalc.training.samples import RULE
from microcalc.training.stages import calibrate, choose_points, fit_stages
from microcalc.truth import ImageTruth, TrueCalcification

HAAR = np.array([3, 20000, 28000])


@pytest.fixture(scope="module")
def recipe():
    recipe = load_recipe("cortina2022-cascade").smoke()
    machine = Svm(kernel="rbf", C=10, gamma="scale")
    return recipe.model_copy(update={"families": ("first_order", "haar"), "svm": machine, "ratio": 3})


@pytest.fixture(scope="module")
def trained(toy_pool, recipe):
    train, validation = toy_pool(contrast=0.6), toy_pool(seed=1, contrast=0.6)
    return (*fit_stages(train, validation, HAAR, recipe, seed=0), validation)


def test_first_stage_keeps_the_share_asked_for(trained, recipe):
    cascade, stages, validation = trained
    decisions = validation.of_rows(validation.scores(HAAR, {"first": cascade.first.decide})["first"])
    kept = decisions >= cascade.first_threshold
    assert kept[validation.labels].mean() >= recipe.first_stage_sensitivity
    assert kept[validation.labels].mean() == stages.first_sensitivity
    assert (~kept[~validation.labels]).mean() == pytest.approx(stages.first_specificity)
    higher = decisions > cascade.first_threshold
    assert higher[validation.labels].mean() < recipe.first_stage_sensitivity  # no higher threshold would do


def test_stages_are_accounted_for(trained):
    # 8 patients, 4 of them with 2 images of 5 hits: 40 hits and 3 times as many false ones; 16 images of 30 false ones.
    stages = trained[1]
    assert stages.first_trained_on == 160
    assert stages.negatives == 480
    assert 0 < stages.hard_negatives < 480
    assert stages.second_trained_on <= 40 + min(stages.hard_negatives, 120)


def test_the_cascade_tells_hits_from_others(trained):
    cascade, _, validation = trained
    scores = validation.of_rows(validation.scores(HAAR, {"cascade": cascade.scores})["cascade"])
    assert auc(validation.labels, scores) > 0.95


def test_where_too_few_pass_the_hardest_are_taken():
    decisions = np.array([5, -1, 3, 0.5, -2, 0.1])
    labels = np.array([True, True, False, False, False, False])
    # Above 1: a hit and one false candidate. For two hits, two false ones are wanted: 0.5 is the next hardest.
    assert stages._passing(decisions, labels, 1.0).tolist() == [True, False, True, True, False, False]
    assert stages._passing(decisions, labels, 0.0).tolist() == [True, False, True, True, False, True]


def test_a_seed_repeats(trained, toy_pool, recipe):
    again, stages = fit_stages(toy_pool(contrast=0.6), trained[2], HAAR, recipe, seed=0)
    assert stages == trained[1]
    assert (again.second.coefficients == trained[0].second.coefficients).all()


@pytest.mark.parametrize("method", ["isotonic", "centred-isotonic", "platt"])
def test_calibrated_scores_add_up_to_the_hits(trained, method):
    cascade, _, validation = trained
    calibrated = calibrate(cascade, validation, HAAR, method)
    features = validation.features(np.arange(len(validation)), HAAR)
    before, after = cascade.scores(features), calibrated.scores(features)
    assert after.sum() == pytest.approx(validation.labels.sum(), rel=0.1)
    assert (np.diff(after[np.argsort(before)]) >= 0).all()


def image(name, false, best=()):
    lesions = tuple(TrueCalcification(x=10.0 * i, y=1) for i in range(len(best)))
    truth = ImageTruth(path=name, normal=not best, calcifications=lesions)
    return ImageScores(truth, np.arange(len(best)), np.array(best, float), np.array(false, float), 1.0, RULE)


def test_operating_points_by_hand():
    # Two normal images with false marks at 0.9, 0.6 and 0.4: 0.5, 1 and 1.5 an image from there on.
    images = [image("a", [0.9, 0.4]), image("b", [0.6]), image("c", [0.99], best=[0.95, 0.7, 0.5, -np.inf])]
    marking = choose_points(images, {"strict": 0.4, "half": 0.5, "one": 1.2, "many": 10}, "toys")
    strict, half, one, many = marking.operating_points
    assert strict.threshold == 0.95  # found at no false mark
    assert half.threshold == 0.7  # the lowest score before 0.6
    assert one.threshold == 0.5
    assert many.threshold == marking.score_floor == 0.4
    assert "1 false marks per image on 2 normal validation images of toys, 75% of 4" in one.false_positives


def test_a_wish_that_cannot_be_met_asks_for_the_highest_score():
    images = [image("a", [0.9]), image("b", [], best=[0.8])]
    assert choose_points(images, {"strict": 0.5}, "toys").operating_points[0].threshold == 1.0


def test_what_the_highest_score_gives_is_told_where_it_is_false_too():
    """Two false marks of score 1 on one of two normal images: no threshold that can be set gives fewer than 1."""
    images = [image("a", [1.0, 1.0]), image("b", [0.3]), image("c", [], best=[1.0, 0.8])]
    (strict,) = choose_points(images, {"strict": 0.5}, "toys").operating_points
    assert strict.threshold == 1.0
    assert strict.false_positives.startswith("1 false marks per image on 2 normal")
    assert strict.false_positives.endswith("50% of 2 calcifications found there; 0.5 or fewer were asked for")


def test_points_need_normal_images():
    with pytest.raises(UsageError, match="normal"):
        choose_points([image("a", [], best=[0.8])], {"one": 1}, "toys")


def test_out_of_fold_machines_do_not_know_the_patients_they_judge(toy_pool):
    """Hits like all others: a machine that had seen them would know them all the same."""
    pool = toy_pool(patients=16, hits=10, contrast=0)
    recipe = load_recipe("cortina2022-cascade").smoke().model_copy(update={"families": pool.families})
    decisions = stages._out_of_fold(pool, HAAR, recipe, seed=0)
    assert auc(pool.labels, decisions) < 0.7
