"""The cascade, against scikit-learn, the plain formula and hand-worked decisions."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load, save
from scipy.spatial.distance import cdist
from scipy.special import expit
from sklearn.svm import SVC

from microcalc.errors import UsageError
from microcalc.evaluation.calibration import Isotonic, Platt
from microcalc.models import cascade as module
from microcalc.models.cascade import Cascade, RbfSvm, stored

LN2 = float(np.log(2))
#: Of the family ``first_order``.
F = 17


def svm(**changes):
    """Two support vectors, of two features."""
    fields = {
        "support": np.array([[0, 0], [1, 0]], np.float32),
        "coefficients": np.array([1.0, -1.0]),
        "intercept": 0.25,
        "gamma": LN2,
        "offset": np.array([10.0, 0.0]),
        "scale": np.array([2.0, 1.0]),
    }
    return RbfSvm(**(fields | changes))


def one_vector(coefficient, intercept, features=F):
    """Decides coefficient * 2 ** -|x|^2 + intercept."""
    return RbfSvm(
        support=np.zeros((1, features), np.float32),
        coefficients=np.array([coefficient]),
        intercept=intercept,
        gamma=LN2,
        offset=np.zeros(features),
        scale=np.ones(features),
    )


def random_svm(rng, vectors=30, features=F):
    return RbfSvm(
        support=stored(rng.random((vectors, features))),
        coefficients=rng.uniform(-10, 10, vectors),
        intercept=float(rng.normal()),
        gamma=float(rng.uniform(0.05, 1)),
        offset=rng.normal(size=features),
        scale=rng.uniform(0.5, 2, features),
    )


def of_first_feature(*values):
    """Candidates whose other features are 0."""
    features = np.zeros((len(values), F), np.float32)
    features[:, 0] = values
    return features


def hand_made(calibration=None):
    """First 4 * 2 ** -x^2 - 2, at least 0 to pass; second the negative of that."""
    return Cascade(one_vector(4.0, -2.0), 0.0, one_vector(-4.0, 2.0), calibration, ("first_order",))


class TestMachine:
    def test_by_hand(self):
        # z = (0, 0): 2^0 - 2^-1 + 1/4. z = (1, 1): 2^-2 - 2^-1 + 1/4. z = (0, 2): 2^-4 - 2^-5 + 1/4.
        decisions = svm().decide(np.array([[10, 0], [12, 1], [10, 2]], np.float32))
        np.testing.assert_allclose(decisions, [0.75, 0.0, 0.28125], atol=1e-7)

    @pytest.mark.parametrize("gamma", [0.01, 0.1, 1.0])
    def test_equals_scikit_learn(self, gamma):
        rng = np.random.default_rng(0)
        # Features of very different size, as those of candidates are, brought to 0..1 by minimum and range.
        features = ((rng.random((400, 60)) + 1) * 10.0 ** rng.integers(-4, 5, 60)).astype(np.float32)
        offset, scale = features.min(axis=0).astype(float), np.ptp(features, axis=0).astype(float)
        normalised = (features - offset) / scale
        labels = normalised[:, :5].sum(axis=1) + rng.normal(0, 0.3, 400) > 2.5
        fitted = SVC(C=10, gamma=gamma).fit(normalised, labels)
        machine = RbfSvm(
            support=fitted.support_vectors_.astype(np.float32),
            coefficients=fitted.dual_coef_[0],
            intercept=float(fitted.intercept_[0]),
            gamma=gamma,
            offset=offset,
            scale=scale,
        )
        expected = fitted.decision_function(normalised)
        np.testing.assert_allclose(machine.decide(features), expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max())

    def test_features_far_from_zero_lose_nothing(self):
        """|z|^2 + |s|^2 - 2 z s in single precision would be off by 1 where both lie at 1000."""
        machine = random_svm(np.random.default_rng(1))
        far = dataclasses.replace(machine, support=machine.support + 1000, offset=machine.offset - 1000 * machine.scale)
        features = np.random.default_rng(2).random((50, F), dtype=np.float32)
        np.testing.assert_allclose(far.decide(features), machine.decide(features), atol=5e-3)

    def test_blocks_change_nothing(self, monkeypatch):
        machine = random_svm(np.random.default_rng(3))
        features = np.random.default_rng(4).random((100, F), dtype=np.float32)
        whole = machine.decide(features)
        monkeypatch.setattr(module, "_BLOCK", 7 * 30)  # seven candidates at a time, the last two alone
        np.testing.assert_allclose(machine.decide(features), whole, atol=1e-4)

    @settings(max_examples=50, deadline=None)
    @given(st.integers(0, 2**32 - 1), st.integers(0, 40))
    def test_is_the_formula(self, seed, candidates):
        rng = np.random.default_rng(seed)
        machine = random_svm(rng)
        features = rng.normal(size=(candidates, F)).astype(np.float32)
        distances = cdist((features - machine.offset) / machine.scale, machine.support.astype(float), "sqeuclidean")
        expected = np.exp(-machine.gamma * distances) @ machine.coefficients + machine.intercept
        np.testing.assert_allclose(machine.decide(features), expected, atol=1e-4)

    def test_another_number_of_features(self):
        with pytest.raises(UsageError, match=r"expected 2 features a candidate.*\(4, 3\)"):
            svm().decide(np.zeros((4, 3), np.float32))

    @pytest.mark.parametrize(
        ("changes", "says"),
        [
            ({"coefficients": np.ones(3)}, r"\(2, 2\), \(3,\)"),
            ({"offset": np.ones(3)}, "F offsets"),
            ({"scale": np.ones((2, 1))}, "F scales"),
            ({"support": np.zeros((0, 2), np.float32), "coefficients": np.ones(0)}, "S vectors"),
            ({"support": np.zeros(2, np.float32)}, "S vectors"),
            ({"intercept": np.nan}, "finite"),
            ({"support": np.full((2, 2), np.inf, np.float32)}, "finite"),
            ({"gamma": 0.0}, "above 0"),
            ({"scale": np.array([1.0, 0.0])}, "above 0"),
        ],
    )
    def test_no_half_valid_machine(self, changes, says):
        with pytest.raises(UsageError, match=says):
            svm(**changes)


class TestScores:
    def test_by_hand(self):
        # First: 4 * 2^0 - 2 = 2 and 4 * 2^-1 - 2 = 0 pass, 4 * 2^-2 - 2 = -1 does not. Second: -2 and 0.
        # sigmoid(-2) = 0.1192029, sigmoid(0) = 1/2, sigmoid(-1) = 0.2689414.
        scores = hand_made().scores(of_first_feature(0, 1, np.sqrt(2)))
        np.testing.assert_allclose(scores, [(1 + 0.1192029) / 2, 0.75, 0.2689414 / 2], atol=1e-6)

    @settings(max_examples=50, deadline=None)
    @given(st.integers(0, 2**32 - 1), st.floats(-3, 3))
    def test_rejected_below_survivors_and_each_in_the_order_of_its_machine(self, seed, threshold):
        rng = np.random.default_rng(seed)
        first, second = random_svm(rng), random_svm(rng)
        features = rng.normal(size=(40, F)).astype(np.float32)
        scores = Cascade(first, threshold, second, None, ("first_order",)).scores(features)
        passed = first.decide(features) >= threshold
        assert ((scores > 0) & (scores < 1)).all()
        assert (scores[passed] > 0.5).all()
        assert (scores[~passed] < 0.5).all()
        # By scores rounded as in findings, and decisions to the precision of the matrix product.
        np.testing.assert_allclose(scores[~passed], expit(first.decide(features))[~passed] / 2, atol=1e-5)
        np.testing.assert_allclose(scores[passed], (1 + expit(second.decide(features))[passed]) / 2, atol=1e-5)

    @pytest.mark.parametrize(
        "calibration",
        [Isotonic(scores=(0.1, 0.3, 0.6), probabilities=(0.0, 0.2, 0.2)), Platt(slope=6.0, intercept=-4.0)],
    )
    def test_calibration_comes_last_and_keeps_the_ranking(self, calibration):
        candidates = of_first_feature(0, 0.5, 1, np.sqrt(2), 2)
        plain, calibrated = (hand_made(one).scores(candidates) for one in (None, calibration))
        np.testing.assert_allclose(calibrated, calibration(plain))
        assert np.argsort(calibrated).tolist() == np.argsort(plain).tolist()

    def test_no_candidates(self):
        assert hand_made().scores(np.zeros((0, F), np.float32)).shape == (0,)

    def test_none_passes_and_all_pass(self):
        candidates = of_first_feature(0, 1, 2)
        strict, lax = (dataclasses.replace(hand_made(), first_threshold=t) for t in (100.0, -100.0))
        assert (strict.scores(candidates) < 0.5).all()
        assert (lax.scores(candidates) > 0.5).all()

    @pytest.mark.parametrize(
        ("changes", "says"),
        [
            ({"second": one_vector(1.0, 0.0, features=3)}, "17 features of first_order.* 17 and 3 features"),
            ({"families": ("first_order", "gabor")}, "the 47 features"),
            ({"families": ("first_order", "haar")}, "without chosen prototypes"),
            ({"families": ("shape",)}, "first_order, gabor"),
            ({"haar": np.array([1, 2])}, "name the family"),
            ({"families": ("haar",), "haar": np.array([30_000])}, "0 to 28642"),
            ({"first_threshold": np.nan}, "nan"),
        ],
    )
    def test_no_half_valid_cascade(self, changes, says):
        with pytest.raises(UsageError, match=says):
            dataclasses.replace(hand_made(), **changes)


class TestArrays:
    def make(self, haar=(5, 28_642)):
        rng = np.random.default_rng(7)
        machines = [random_svm(rng, features=F + len(haar)) for _ in range(2)]
        return Cascade(machines[0], -0.3, machines[1], None, ("first_order", "haar"), np.array(haar))

    def test_there_and_back_through_a_file(self):
        cascade = self.make()
        calibration = Platt(slope=2.0, intercept=-1.0)
        back = Cascade.from_arrays(load(save(cascade.to_arrays())), cascade.families, calibration)
        features = np.random.default_rng(8).random((20, F + 2), dtype=np.float32)
        assert back.scores(features).tolist() == calibration(cascade.scores(features)).tolist()
        assert back.haar.tolist() == [5, 28_642]

    def test_without_haar(self):
        arrays = hand_made().to_arrays()
        assert "haar" not in arrays
        assert Cascade.from_arrays(arrays, ("first_order",)).haar is None

    @pytest.mark.parametrize(
        ("change", "says"),
        [
            (lambda arrays: arrays.pop("second.gamma"), "expected the arrays of a cascade: first.coefficients"),
            (lambda arrays: arrays.pop("haar"), "haar"),
            (lambda arrays: arrays.update(extra=np.ones(3)), r"found extra \(3,\)"),
            (lambda arrays: arrays.update(first_threshold=np.ones(1)), "single numbers"),
            (lambda arrays: arrays.update({"first.gamma": np.ones(2)}), "single numbers"),
            (lambda arrays: arrays.clear(), "found none"),
            (lambda arrays: arrays.update({"second.scale": np.ones(3)}), "F scales"),
        ],
    )
    def test_strange_arrays(self, change, says):
        arrays = self.make().to_arrays()
        change(arrays)
        with pytest.raises(UsageError, match=says):
            Cascade.from_arrays(arrays, ("first_order", "haar"))
