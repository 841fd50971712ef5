"""Outside witness: scikit-learn."""

import math

import numpy as np
import pytest
from sklearn import metrics

from microcalc.recipe import load_recipe
from microcalc.training.classifier_numbers import part_result, patients_of, resample_patches
from microcalc.training.contrast import contrasts
from microcalc.training.parts import Part
from microcalc.training.predictions import Predictions
from microcalc.training.questions import ask


@pytest.fixture(scope="module")
def recipe():
    return load_recipe("pesapane2023-resnet18-task1").with_changes({"input": {"size_px": 16}})


@pytest.fixture(scope="module")
def parts(predicted, recipe, tmp_path_factory):
    return predicted.parts_of(predicted.write_store(tmp_path_factory.mktemp("store"), recipe), recipe)


@pytest.fixture(scope="module")
def shown(predicted, recipe, parts):
    return predicted.predict(parts.test, recipe, seed=1)


@pytest.fixture(scope="module")
def question(predicted, recipe, parts):
    (question,) = ask(predicted.predict(parts.validation, recipe), recipe)
    return question


@pytest.fixture(scope="module")
def result(recipe, shown, question):
    return part_result(shown, (question,), recipe, seed=0)


def test_the_part(result, shown):
    assert (result.split, result.unit, result.images, result.patients) == ("test", "patient", 8, 8)
    called = shown.probabilities.argmax(axis=1)
    assert np.array_equal(result.confusion, metrics.confusion_matrix(shown.part.classes, called))
    assert result.accuracy.value == pytest.approx(metrics.accuracy_score(shown.part.classes, called))
    assert list(result.patches.values()) == [32, 96]


def test_areas(result, recipe, shown, question):
    (target,) = result.targets
    labels, scores = shown.part.classes > 0, question.scores(shown, recipe)
    area = metrics.roc_auc_score(labels, scores)
    assert target.auc.value == pytest.approx(area)
    assert target.auc.low < area < target.auc.high
    assert target.average_precision.value == pytest.approx(metrics.average_precision_score(labels, scores))
    # The corners of the curve are the curve.
    assert metrics.auc(target.false_positive_rate, target.true_positive_rate) == pytest.approx(area)
    assert len(target.false_positive_rate) < labels.size


def test_plain_contrast_on_the_same_resamples(result, recipe, shown, question):
    (target,) = result.targets
    labels, scores = shown.part.classes > 0, question.scores(shown, recipe)
    contrast = contrasts(shown.part)
    plain = metrics.roc_auc_score(labels, contrast)
    assert target.contrast.auc.value == pytest.approx(plain)
    difference = target.contrast.difference.difference
    assert difference.value == pytest.approx(metrics.roc_auc_score(labels, scores) - plain)
    # Patient by patient, as often as each is drawn.
    drawn = resample_patches(shown.part, seed=0)
    weights = drawn.weights[:, drawn.owner]
    of_draws = [
        metrics.roc_auc_score(labels, scores, sample_weight=weight)
        - metrics.roc_auc_score(labels, contrast, sample_weight=weight)
        for weight in weights[:50]
    ]
    assert difference.low < np.median(of_draws) < difference.high
    assert np.std(of_draws) == pytest.approx((difference.high - difference.low) / 3.92, rel=0.3)


def test_at_an_operating_point(result, recipe, shown, question):
    point = result.targets[0].points[0]
    labels, called = shown.part.classes > 0, question.scores(shown, recipe) >= point.threshold
    tn, fp, fn, tp = metrics.confusion_matrix(labels, called).ravel().tolist()
    assert [point.true_positives, point.false_positives, point.true_negatives, point.false_negatives] == [
        tp,
        fp,
        tn,
        fn,
    ]
    assert point.metrics["f1"].value == pytest.approx(metrics.f1_score(labels, called))
    assert point.metrics["mcc"].value == pytest.approx(metrics.matthews_corrcoef(labels, called))
    assert point.metrics["mcc"].low < point.metrics["mcc"].value < point.metrics["mcc"].high
    assert point.metrics["specificity"].n == 32
    # As Pesapane et al. print it: the share's normal interval with all 128 patches for n.
    share = tn / 32
    half = 1.959964 * math.sqrt(share * (1 - share) / 128)
    assert point.as_printed["specificity"] == pytest.approx((share - half, share + half), abs=1e-6)
    assert "mcc" not in point.wilson


def test_strata(result, recipe, shown, question):
    (target,) = result.targets
    # Every patient has a positive of each SNR of every label: 8 patients x 3 labels.
    bands = {stratum.name: stratum for stratum in target.strata if stratum.by == "snr"}
    assert {name: (it.positives, it.negatives) for name, it in bands.items()} == dict.fromkeys(
        ("3 to 5", "5 to 8", "8 to 12", "from 12"), (24, 32)
    )
    labels, scores = shown.part.classes > 0, question.scores(shown, recipe)
    weakest = np.array([patch.x0 == 0 for patch in shown.part.patches]) | ~labels
    assert bands["3 to 5"].auc.value == pytest.approx(metrics.roc_auc_score(labels[weakest], scores[weakest]))
    called = scores[weakest] >= question.thresholds[recipe.default_operating_point]
    assert bands["3 to 5"].sensitivity.value == pytest.approx(metrics.recall_score(labels[weakest], called))
    assert bands["3 to 5"].sensitivity.n == 24
    assert bands["3 to 5"].accuracy.value == pytest.approx(metrics.accuracy_score(labels[weakest], called))
    assert bands["3 to 5"].contrast is not None
    ages = {stratum.name: stratum.patients for stratum in target.strata if stratum.by == "age"}
    assert ages == {"31–45": 3, "46–60": 3, "61–75": 2}


def by_pairs(positives, negatives):
    """Area under the ROC curve: share of pairs ranked rightly, ties a half."""
    of_pairs = np.array(positives)[:, None] - np.array(negatives)
    return (of_pairs > 0).mean() + (of_pairs == 0).mean() / 2


def test_the_difference_in_a_band_patient_by_patient(result, recipe, shown, question):
    # Each patient's faintest positives, which stand at x = 0, and all negatives, by network and by plain contrast.
    rows = {patient: [] for patient in sorted(set(shown.part.patients))}
    for patch, positive, *scored in zip(
        shown.part.patches, shown.part.classes, question.scores(shown, recipe), contrasts(shown.part), strict=True
    ):
        if not positive or patch.x0 == 0:
            rows[patch.patient].append((positive, *scored))

    def difference(patients):
        positive, network, plain = np.array([row for patient in patients for row in rows[patient]]).T
        inside = positive > 0
        return by_pairs(network[inside], network[~inside]) - by_pairs(plain[inside], plain[~inside])

    # A patient who is drawn twice is there twice.
    drawn = [np.repeat([*rows], times) for times in resample_patches(shown.part, seed=0).weights.astype(int)]
    low, high = np.percentile([difference(patients) for patients in drawn], [2.5, 97.5])
    band = next(stratum for stratum in result.targets[0].strata if stratum.name == "3 to 5")
    found = band.contrast.difference.difference
    assert (found.value, found.low, found.high) == pytest.approx((difference(rows), low, high), abs=1e-9)


def test_one_class_has_no_area(predicted, recipe, question, parts):
    whole = parts.test
    some = whole.classes == 1
    part = Part(whole.store, whole.indices[some], whole.classes[some], "test")
    (target,) = part_result(predicted.predict(part, recipe), (question,), recipe, seed=0).targets
    assert (target.auc.value, target.auc.remark) == (None, "no negative case")
    assert target.points[0].metrics["specificity"].value is None
    assert target.contrast.difference.difference.value is None
    assert target.false_positive_rate == ()


def test_one_patient_has_no_interval(predicted, recipe, question, parts):
    whole = parts.test
    one = np.array([patient == "test-0" for patient in whole.patients])
    part = Part(whole.store, whole.indices[one], whole.classes[one], "test")
    result = part_result(predicted.predict(part, recipe), (question,), recipe, seed=0)
    assert result.accuracy.low is None
    assert result.accuracy.remark == "no interval: all patches are of one patient"


def test_the_image_stands_for_an_unknown_patient(parts, recipe, predicted):
    part = parts.test
    nameless = [
        type(patch)(patch.image, patch.x0, patch.y0, 16, patch.label, "made up") for patch in part.store.patches
    ]
    unknown = Part(
        type(part.store)(part.store.folder, part.store.manifest, nameless), part.indices, part.classes, "test"
    )
    assert patients_of(unknown) is None
    drawn = resample_patches(unknown, seed=0)
    assert (drawn.unit, np.unique(drawn.owner).size) == ("image", 8)
    assert isinstance(predicted.predict(unknown, recipe), Predictions)
