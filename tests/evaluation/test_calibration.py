"""Calibration worked by hand, and beside scikit-learn's and torchmetrics'."""

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from sklearn.calibration import calibration_curve
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from microcalc.errors import UsageError
from microcalc.evaluation.calibration import Isotonic, Platt, expected_calibration_error, reliability

#: Calibrated scores differ from the plain function by at most a millionth.
PLAIN = {"abs": 1.0e-6, "rel": 0}


def cases(seed, n=200, decimals=2):
    """Labels that the scores, many of them tied, tell something about."""
    rng = np.random.default_rng(seed)
    scores = rng.random(n).round(decimals)
    return rng.random(n) < 0.1 + 0.6 * scores**2, scores


@st.composite
def labelled_scores(draw):
    """Cases of both classes on a grid of scores, and so with ties; positives score higher on the average."""
    scores = np.array(draw(st.lists(st.integers(0, 1000), min_size=2, max_size=40))) / 1000
    labels = np.array(draw(st.lists(st.booleans(), min_size=len(scores), max_size=len(scores))))
    labels[:2] = False, True
    lead = scores[labels].mean() - scores[~labels].mean()
    assume(abs(lead) > 1e-9)
    return (labels if lead > 0 else ~labels), scores


class TestIsotonic:
    def test_violators_are_pooled(self):
        # 0.3 and 0.4 are out of order and share one half; between steps it is linear, beyond them level.
        fitted = Isotonic.fit([False, True, False, True], [0.2, 0.3, 0.4, 0.6])
        assert fitted.scores == (0.2, 0.3, 0.4, 0.6)
        assert fitted.probabilities == (0, 0.5, 0.5, 1)
        assert fitted([0.1, 0.25, 0.35, 0.5, 0.9]) == pytest.approx([0, 0.25, 0.5, 0.75, 1], **PLAIN)

    def test_equal_scores_are_pooled_first(self):
        fitted = Isotonic.fit([True, False, False, True], [0.3, 0.3, 0.3, 0.6])
        assert fitted.scores == (0.3, 0.6)
        assert fitted.probabilities == pytest.approx((1 / 3, 1))

    def test_a_long_step_is_kept_by_its_ends(self):
        fitted = Isotonic.fit([False, False, False, True], [0.1, 0.2, 0.3, 0.4])
        assert (fitted.scores, fitted.probabilities) == ((0.1, 0.3, 0.4), (0, 0, 1))

    @pytest.mark.parametrize("decimals", [1, 2, 9])
    @pytest.mark.parametrize("seed", range(3))
    def test_agrees_with_scikit_learn(self, seed, decimals):
        labels, scores = cases(seed, decimals=decimals)
        everywhere = np.linspace(0, 1, 301)
        theirs = IsotonicRegression(out_of_bounds="clip").fit(scores, labels).predict(everywhere)
        assert Isotonic.fit(labels, scores)(everywhere) == pytest.approx(theirs, **PLAIN)

    @pytest.mark.parametrize(
        "broken",
        [
            {"scores": (), "probabilities": ()},
            {"scores": (0.1, 0.2), "probabilities": (0.5,)},
            {"scores": (0.2, 0.2), "probabilities": (0.1, 0.5)},
            {"scores": (0.1, 0.2), "probabilities": (0.5, 0.4)},
            {"scores": (0.1, 1.2), "probabilities": (0.5, 0.6)},
            {"scores": (0.1, math.nan), "probabilities": (0.5, 0.6)},
        ],
    )
    def test_no_half_valid_one_exists(self, broken):
        with pytest.raises(ValidationError):
            Isotonic(**broken)


class TestPlatt:
    def test_two_scores_meet_the_smoothed_targets(self):
        # Two parameters fit two scores exactly: (2 + 1) / (2 + 2) at 0.6, and 1 / (3 + 2) at 0.2.
        fitted = Platt.fit([True, True, False, False, False], [0.6, 0.6, 0.2, 0.2, 0.2])
        slope = (math.log(3) - math.log(1 / 4)) / 0.4
        assert fitted.slope == pytest.approx(slope, rel=1e-6)
        assert fitted.intercept == pytest.approx(math.log(3) - 0.6 * slope, rel=1e-6)
        assert fitted([0.6, 0.2]) == pytest.approx([0.75, 0.2], **PLAIN)

    @pytest.mark.parametrize("seed", range(4))
    def test_agrees_with_logistic_regression_on_the_smoothed_targets(self, seed):
        labels, scores = cases(seed)
        positives, negatives = labels.sum(), (~labels).sum()
        targets = np.where(labels, (positives + 1) / (positives + 2), 1 / (negatives + 2))
        # A target between 0 and 1 is a case of each kind, weighed by it.
        both = np.repeat([True, False], scores.size)
        theirs = LogisticRegression(C=1e12, tol=1e-10, solver="newton-cholesky").fit(
            np.tile(scores, 2)[:, None], both, sample_weight=np.concatenate([targets, 1 - targets])
        )
        fitted = Platt.fit(labels, scores)
        assert fitted.slope == pytest.approx(theirs.coef_[0, 0], rel=1e-6)
        assert fitted.intercept == pytest.approx(theirs.intercept_[0], rel=1e-6)

    @pytest.mark.parametrize("gap", [0.5, 1e-9])
    def test_perfect_separation_does_not_run_away(self, gap):
        labels, scores = np.repeat([False, True], 50), 0.25 + np.repeat([0, gap], 50)
        # 1/52 and 51/52, however close the two lie.
        assert Platt.fit(labels, scores)([0.25, 0.25 + gap]) == pytest.approx([1 / 52, 51 / 52], abs=1e-5)

    @pytest.mark.parametrize(
        ("labels", "scores"),
        [
            ([False, True], [0.9, 0.1]),
            ([False, True], [0.5, 0.5]),
            ([True] * 3 + [False], [0.1] * 4),  # the mean of three is a rounding above 0.1
        ],
    )
    def test_positives_that_score_no_higher_are_refused(self, labels, scores):
        with pytest.raises(UsageError, match="positives that score higher"):
            Platt.fit(labels, scores)

    @pytest.mark.parametrize("slope", [0, -1, math.inf, math.nan])
    def test_a_sigmoid_that_does_not_rise_does_not_exist(self, slope):
        with pytest.raises(ValidationError):
            Platt(slope=slope, intercept=0)


@pytest.mark.parametrize("kind", [Isotonic, Platt])
class TestBoth:
    @given(labelled_scores())
    @settings(max_examples=50, deadline=None)
    def test_the_ranking_is_untouched(self, kind, labelled):
        calibrated = kind.fit(*labelled)(np.linspace(0, 1, 100_001))
        assert (np.diff(calibrated) > 0).all()
        assert calibrated[0] >= 0
        assert calibrated[-1] <= 1

    def test_a_saturated_function_ties_nothing(self, kind):
        labels, scores = np.repeat([False, True], 20), np.repeat([0.5, 0.5001], 20)
        assert np.unique(kind.fit(labels, scores)(np.linspace(0, 1, 10_001))).size == 10_001

    def test_a_level_step_rises_by_a_millionth_of_the_score(self, kind):
        # Below 0.25 both are level to 1e-9: what remains is TILT * (0.2 - 0.1).
        labels, scores = np.repeat([False, True], 20), np.repeat([0.5, 0.5001], 20)
        low, high = kind.fit(labels, scores)([0.1, 0.2])
        assert high - low == pytest.approx(1e-7, abs=1e-12)

    def test_plain_numbers_there_and_back(self, kind):
        fitted = kind.fit(*cases(0))
        assert kind.model_validate_json(fitted.model_dump_json()) == fitted

    def test_any_shape_is_kept(self, kind):
        fitted = kind.fit(*cases(0))
        assert fitted(np.full((2, 3), 0.4)).shape == (2, 3)
        assert fitted(0.4).shape == ()

    @pytest.mark.parametrize(("label", "missing"), [(True, "negative"), (False, "positive")])
    def test_cases_of_one_class_are_refused(self, kind, label, missing):
        with pytest.raises(UsageError, match=f"no {missing} case"):
            kind.fit([label] * 3, [0.1, 0.2, 0.3])

    @pytest.mark.parametrize("score", [math.nan, -math.inf, -0.1, 1.1])
    def test_scores_out_of_range_are_refused(self, kind, score):
        fitted = kind.fit(*cases(0))
        with pytest.raises(UsageError, match="scores from 0 to 1"):
            fitted([0.5, score])
        with pytest.raises(UsageError, match="scores from 0 to 1"):
            kind.fit([True, False], [0.5, score])

    @pytest.mark.parametrize("labels", [[0, 1, 1], [0, 2], [0, math.nan]])
    def test_labels_that_do_not_fit_are_refused(self, kind, labels):
        with pytest.raises(UsageError, match="label"):
            kind.fit(labels, [0.3, 0.5])


class TestReliability:
    #: Two bins of equal width, 0 to 0.5 and on to 1: (0.1, 0.3, 0.5) with one positive, (0.7, 0.9) with two.
    LABELS = (True, False, False, True, True)
    SCORES = (0.5, 0.1, 0.3, 0.9, 0.7)

    def test_bins_of_equal_width(self):
        diagram = reliability(self.LABELS, self.SCORES, bins=2)
        assert diagram.scores == pytest.approx([0.3, 0.8])
        assert (diagram.positives.tolist(), diagram.counts.tolist()) == ([1, 2], [3, 2])
        assert diagram.shares == pytest.approx([1 / 3, 1])

    def test_error(self):
        # 3/5 of |1/3 - 0.3| and 2/5 of |1 - 0.8|: 0.02 + 0.08.
        assert expected_calibration_error(self.LABELS, self.SCORES, bins=2) == pytest.approx(0.1)

    def test_bins_without_a_case_are_left_out(self):
        diagram = reliability([True, False], [0.05, 0.95])
        assert diagram.edges.tolist() == [[0, 0.1], [0.9, 1]]
        assert diagram.counts.tolist() == [1, 1]

    def test_edges_belong_to_the_bin_below_and_zero_to_the_first(self):
        assert reliability([False] * 4, [0, 0.25, 0.5, 1], bins=4).counts.tolist() == [2, 1, 1]

    def test_no_cases_have_no_error(self):
        assert reliability([], []).counts.size == 0
        assert math.isnan(expected_calibration_error([], []))

    @pytest.mark.parametrize("bins", [0, -1])
    def test_no_bins_are_refused(self, bins):
        with pytest.raises(UsageError, match="at least one bin"):
            reliability([True], [0.5], bins)

    @pytest.mark.parametrize("seed", range(3))
    def test_agrees_with_scikit_learn(self, seed):
        labels, scores = cases(seed, decimals=3)
        shares, means = calibration_curve(labels, scores, n_bins=7)
        diagram = reliability(labels, scores, 7)
        assert diagram.shares == pytest.approx(shares, abs=1e-12)
        assert diagram.scores == pytest.approx(means, abs=1e-12)

    @pytest.mark.parametrize("seed", range(3))
    def test_error_agrees_with_a_plain_loop(self, seed):
        labels, scores = cases(seed)
        error = 0.0
        for low in range(15):
            within = [i for i, s in enumerate(scores) if low / 15 < s <= (low + 1) / 15 or s == low == 0]
            if within:
                error += abs(sum(labels[within]) - sum(scores[within])) / len(scores)
        assert expected_calibration_error(labels, scores, 15) == pytest.approx(error, abs=1e-12)

    @pytest.mark.parametrize("bins", [5, 10, 15])
    def test_error_agrees_with_torchmetrics(self, bins):
        """Its scores on an edge belong to the bin above: no such score is drawn here."""
        pytest.importorskip("torchmetrics")
        import torch
        from torchmetrics.classification import BinaryCalibrationError

        labels, scores = cases(0, n=1000, decimals=9)
        theirs = BinaryCalibrationError(n_bins=bins, norm="l1")(torch.tensor(scores), torch.tensor(labels).int())
        assert expected_calibration_error(labels, scores, bins) == pytest.approx(float(theirs), abs=1e-6)


class TestCentred:
    """Isotonic regression that rises from the middle of each step to that of the next."""

    def test_by_hand(self):
        # Steps: 0.2 with a share of 0; 0.4 and 0.6, pooled, with 1/2, in the middle 0.5; 0.8 with 1.
        fitted = Isotonic.fit([0, 1, 0, 1], [0.2, 0.4, 0.6, 0.8], centred=True)
        assert fitted.scores == pytest.approx((0, 0.2, 0.5, 0.8, 1))
        assert fitted.probabilities == (0, 0, 0.5, 1, 1)
        # From (0.2, 0) to (0.5, 1/2): at 0.4, two thirds of the way.
        assert fitted([0.4])[0] == pytest.approx(1 / 3, abs=1e-6)

    def test_a_step_has_its_middle_where_its_cases_are(self):
        # One step of three cases at 0.1 and one at 0.5: its middle is at (3 * 0.1 + 0.5) / 4 = 0.2.
        fitted = Isotonic.fit([1, 0, 0, 0, 1], [0.1, 0.1, 0.1, 0.5, 1.0], centred=True)
        assert fitted.scores == pytest.approx((0, 0.2, 1))
        assert fitted.probabilities == pytest.approx((0, 0.25, 1))

    def test_the_highest_score_there_is_stands_for_no_more_than_its_cases(self):
        """As where every image's best mark scores 1: of the upper step's four cases one is positive, two of them at 1.

        Its middle is at (0.6 + 0.8 + 1 + 1) / 4 = 0.85; that of the lower one, which has a case at 0, at 0.1.
        """
        fitted = Isotonic.fit([0, 0, 1, 0, 0, 0], [0.0, 0.2, 0.6, 0.8, 1.0, 1.0], centred=True)
        assert fitted.scores == pytest.approx((0, 0.1, 0.85, 1))
        assert fitted.probabilities == pytest.approx((0, 0, 0.25, 0.25))
        assert fitted([1.0])[0] == pytest.approx(0.25, abs=1e-5)

    def test_scores_on_a_step_stay_apart(self):
        rng = np.random.default_rng(0)
        scores = rng.random(2000)
        labels = rng.random(2000) < scores**2
        level, centred = (np.unique(Isotonic.fit(labels, scores, centred=c)(scores).round(4)) for c in (False, True))
        assert centred.size > 10 * level.size
        assert expected_calibration_error(labels, Isotonic.fit(labels, scores, centred=True)(scores)) < 0.02
