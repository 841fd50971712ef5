"""The cascade as a detector, from a package: with scikit-learn's own machines as the witness, and without any."""

import json
import subprocess
import sys

import numpy as np
import pytest
from safetensors.numpy import save
from scipy.special import expit

import microcalc
from microcalc.detectors.cascade import cascade_detector
from microcalc.errors import ReadError
from microcalc.features import feature_matrix
from microcalc.models import write_package
from microcalc.models.cascade import WEIGHTS


def test_it_is_what_the_card_says(package, card):
    detector = cascade_detector(package)
    info = detector.info(detector.operating_point("specific"))
    assert (info.name, info.version, info.package_sha256) == ("speck-cascade", "3", package.sha256)
    assert (info.operating_point, info.threshold, info.score_floor) == ("specific", 0.6, 0.001)
    assert info.calibrated
    assert detector.operating_point() == card.operating_points[0]
    assert detector.working_spacing_mm == 0.07


def test_scores_are_those_of_the_fitted_machines(package, card, witness, specks):
    image, breast, _ = specks
    found = cascade_detector(package).propose(image, breast, 0.07)
    proposed = card.input.proposer.load()(image, breast, 0.07)
    features = feature_matrix(image, proposed.centres, witness.families, np.array(witness.haar))
    normalised = (features - witness.offset) / witness.scale
    first, second = (machine.decision_function(normalised) for machine in (witness.first, witness.second))
    scores = np.where(first >= -0.9, 0.5 + 0.5 * expit(second), 0.5 * expit(first))
    scores = (1 - 1e-6) * expit(8 * scores - 6) + 1e-6 * scores  # the card's calibration
    assert 0 < np.count_nonzero(first >= -0.9) < len(scores)
    assert (np.diff(found.scores) <= 0).all()
    order, theirs = (np.lexsort(of.centres.T) for of in (found, proposed))
    np.testing.assert_array_equal(found.centres[order], proposed.centres[theirs])
    np.testing.assert_array_equal(found.diameters_mm[order], proposed.diameters_mm[theirs])
    np.testing.assert_allclose(found.scores[order], scores[theirs], atol=1e-3)  # support vectors are float16


def test_specks_rank_first(package, specks):
    image, breast, centres = specks
    found = cascade_detector(package).propose(image, breast, 0.07)
    best = found.centres[:15]
    apart = np.hypot(*(best[:, None] - centres).transpose(2, 0, 1)).min(axis=1)
    assert (apart < 3).all()


def test_no_candidates(package):
    breast = np.ones((60, 60), bool)
    assert cascade_detector(package).propose(np.full((60, 60), 0.5, np.float32), breast, 0.07).scores.shape == (0,)


def test_scores_on_a_level_step_of_the_calibration_stay_apart_in_findings(card, witness, specks_png, tmp_path):
    """Scores between which isotonic regression sees no difference differ by millionths."""
    level = {
        "method": "isotonic",
        "population": "none",
        "parameters": {"scores": [0.0, 1.0], "probabilities": [0.4, 0.4]},
    }
    card = type(card).model_validate_json(
        json.dumps(card.model_dump(mode="json", by_alias=True) | {"calibration": level})
    )
    write_package(tmp_path / "level", card, {WEIGHTS: save(witness.arrays())})
    (image,) = microcalc.detect(specks_png, detector=str(tmp_path / "level")).images
    scores = [mark.score for mark in image.calcifications]
    assert len(scores) > 20
    assert len(set(scores)) > 0.9 * len(scores)
    np.testing.assert_allclose(scores, 0.4, atol=1e-6)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"input": {"spacing_mm": 0.07, "proposer": None}}, "proposer None, spacing_mm 0.07"),
        ({"input": {"spacing_mm": "native", "proposer": {"name": "hdog"}}}, "proposer hdog, spacing_mm native"),
    ],
)
def test_a_card_that_makes_no_cascade(card, witness, tmp_path, changes, says):
    card = type(card).model_validate_json(json.dumps(card.model_dump(mode="json", by_alias=True) | changes))
    package = write_package(tmp_path / "package", card, {WEIGHTS: save(witness.arrays())})
    with pytest.raises(ReadError, match=says) as raised:
        cascade_detector(package)
    assert raised.value.where == str(package.path)


@pytest.mark.parametrize(
    ("name", "arrays", "says"),
    [
        ("other.safetensors", {}, "weights.safetensors"),
        (WEIGHTS, {"haar": np.array([1])}, "features of first_order, gabor, wavelet, haar"),
        (WEIGHTS, {"second.gamma": np.array(-1.0)}, "above 0"),
        (WEIGHTS, {"extra": np.ones(2)}, r"extra \(2,\)"),
    ],
)
def test_arrays_that_make_no_cascade(card, witness, tmp_path, name, arrays, says):
    package = write_package(tmp_path / "package", card, {name: save({**witness.arrays(), **arrays})})
    with pytest.raises(ReadError, match=says) as raised:
        cascade_detector(package)
    assert raised.value.where == str(package.path)


def test_detection_imports_no_scikit_learn(package, specks_png):
    """Nor torch or anything else that training needs, whose imports take seconds."""
    code = (
        "import sys\n"
        "sys.modules |= dict.fromkeys(['sklearn', 'xgboost', 'torch', 'matplotlib', 'skimage'])\n"
        "import microcalc\n"
        f"report = microcalc.detect({str(specks_png)!r}, detector={str(package.path)!r})\n"
        "print(report.detector.package_sha256, len(report.images[0].calcifications))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    sha256, marks = done.stdout.split()
    assert sha256 == package.sha256
    assert int(marks) > 20
