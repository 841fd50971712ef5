"""Rates of marks: thresholds worked by hand, intervals by patient, and what is refused."""

import numpy as np
import pytest

from microcalc.errors import UsageError
from microcalc.recalibration.rates import Marks, check_enough


def marks(*scores, owners=None):
    names = tuple(f"image {index}" for index in range(len(scores)))
    return Marks(names, owners or names, tuple(np.array(of, float) for of in scores))


class TestThresholds:
    #: Falling: 0.9, 0.8, 0.7, 0.6, 0.5, 0.4 on four images.
    SPREAD = marks([0.9, 0.4], [0.8], [0.7, 0.6, 0.5], [])

    @pytest.mark.parametrize(
        ("rate", "threshold", "reached"),
        [
            (0.25, 0.9, 0.25),  # 1 of 4 images' worth: the best mark alone
            (0.5, 0.8, 0.5),
            (0.7, 0.8, 0.5),  # 2.8 marks: no more than 2
            (1.0, 0.6, 1.0),
            (1.5, 0.4, 1.5),  # all that there are
        ],
    )
    def test_the_lowest_that_keeps_the_rate(self, rate, threshold, reached):
        found = self.SPREAD.anchor(rate, seed=0)
        assert (found.threshold, found.value) == (threshold, reached)

    def test_a_rate_that_rounding_would_lose(self):
        """0.29 of 100 images is 28.999999999999996 in floating point: 29 marks."""
        scores = [[1 - index / 1000] for index in range(100)]
        assert marks(*scores).anchor(0.29, seed=0).value == 0.29

    def test_equal_scores_enter_together(self):
        """Three marks of 0.5 would make four: the threshold stays above them."""
        assert marks([0.9], [0.5], [0.5], [0.5]).anchor(0.75, seed=0).threshold == 0.9

    def test_a_rate_beyond_all_marks_is_refused(self):
        with pytest.raises(UsageError, match=r"found 1\.5: the detector lists no more"):
            self.SPREAD.anchor(2, seed=0)

    def test_marks_of_one_score_cannot_be_parted(self):
        with pytest.raises(UsageError, match="found 4 marks that share the highest one"):
            marks([0.5], [0.5], [0.5], [0.5]).anchor(0.5, seed=0)


class TestIntervals:
    def test_it_is_that_of_patients_drawn_with_replacement(self):
        """Two patients with 0 and 2 marks an image: draws give 0, 1 or 2 with odds 1/4, 1/2, 1/4."""
        found = marks([], [], [0.9, 0.9], [0.9, 0.9], owners=("a", "a", "b", "b")).at(0.5, seed=0)
        assert (found.value, found.low, found.high) == (1.0, 0.0, 2.0)

    def test_a_patient_of_many_images_weighs_as_many(self):
        """Drawn twice, patient b (3 images, a mark each) gives 1; once each: 3 marks on 4 images."""
        values = {
            marks([], [0.9], [0.9], [0.9], owners=("a", "b", "b", "b")).at(0.5, seed=seed).value for seed in range(3)
        }
        assert values == {0.75}
        found = marks([], [0.9], [0.9], [0.9], owners=("a", "b", "b", "b")).at(0.5, seed=0)
        assert (found.low, found.high) == (0.0, 1.0)

    def test_it_narrows_with_the_root_of_the_patients(self):
        """Poisson counts of 1 on 400 images: standard error 1 / 20, so an interval of 2 * 1.96 / 20 = 0.196."""
        counts = np.random.default_rng(1).poisson(1, 400)
        found = marks(*[np.full(count, 0.9) for count in counts]).at(0.5, seed=0)
        assert found.high - found.low == pytest.approx(0.196 * counts.std(), rel=0.1)

    def test_one_owner_has_no_spread(self):
        found = marks([0.9], [], owners=("a", "a")).at(0.5, seed=0)
        assert found.value == 0.5
        assert np.isnan([found.low, found.high]).all()


class TestEnough:
    PATIENTS = tuple(map(str, range(10)))

    def test_ten_marks_of_ten_patients_are(self):
        check_enough(50, self.PATIENTS * 5, {"sensitive": 5, "specific": 0.2})  # 0.2 * 50 = 10

    def test_fewer_marks_are_not(self):
        with pytest.raises(UsageError, match=r"at least 50 images for specific=0\.2.* found 49"):
            check_enough(49, self.PATIENTS * 5, {"sensitive": 5, "specific": 0.2})

    def test_fewer_patients_are_not(self):
        with pytest.raises(UsageError, match=r"at least 10 patients.* found 9"):
            check_enough(90, self.PATIENTS[:9] * 10, {"sensitive": 5})

    @pytest.mark.parametrize("name", ["", "Very Sensitive", "very--sensitive", "balanced\n"])
    def test_a_name_is_one_that_a_card_can_hold(self, name):
        with pytest.raises(UsageError, match="names of operating points in small letters"):
            check_enough(90, self.PATIENTS * 9, {name: 5.0})

    @pytest.mark.parametrize("wishes", [{}, {"sensitive": 0.0}, {"sensitive": float("nan")}, {"sensitive": -1.0}])
    def test_a_rate_is_above_0(self, wishes):
        with pytest.raises(UsageError, match="marks per image above 0"):
            check_enough(90, self.PATIENTS * 9, wishes)
