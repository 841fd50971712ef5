import pytest

from microcalc.evaluation.calibration import Platt
from microcalc.explain.opinion import give_opinion
from microcalc.models import Calibration
from microcalc.models.card import CalibrationBin

CLASSES = {"dark": 0.2, "bright": 0.8}
FINE = (0.1, 0.1)


@pytest.fixture(scope="module")
def card(toy, tmp_path_factory):
    """Two bins, of 1 in 20 up to 0.5 and 18 in 20 above; trained on 0.1 mm at the coarsest."""
    return toy.package(tmp_path_factory.mktemp("package")).card


def with_bins(card, *bins):
    calibration = Calibration(
        method="platt",
        population="somebody",
        parameters=Platt(slope=1.0, intercept=0.0),
        bins=tuple(CalibrationBin(low=low, high=high, positives=1, count=2) for low, high in bins),
    )
    return card.model_copy(update={"calibration": calibration})


def test_a_probability_has_the_interval_of_patches_that_scored_alike(card):
    # Wilson of 18 in 20, z = 1.96: (18 + 1.92) / 23.84 -+ 1.96 sqrt(18 2 / 20 + 0.96) / 23.84 = 0.8356 -+ 0.1366.
    found = give_opinion(card, 0.8, CLASSES, FINE, None).probability
    assert (found.value, found.alike.positives, found.alike.patches) == (0.8, 18, 20)
    assert (found.alike.low, found.alike.high) == (pytest.approx(0.6990, abs=1e-4), pytest.approx(0.9721, abs=1e-4))


@pytest.mark.parametrize(("score", "first"), [(0.0, 0.0), (0.5, 0.0), (0.50001, 0.5), (1.0, 0.5)])
def test_a_score_on_an_edge_belongs_to_the_bin_below(card, score, first):
    assert give_opinion(card, score, CLASSES, FINE, None).probability.alike.score_from == first


def test_where_nobody_scored_alike_there_is_no_interval_but_a_reason(card):
    found = give_opinion(with_bins(card, (0.0, 0.1)), 0.8, CLASSES, FINE, None).probability
    assert (found.value, found.alike, found.reason) == (0.8, None, "no validation patch scored alike")
    found = give_opinion(with_bins(card), 0.8, CLASSES, FINE, None).probability
    assert (found.alike, found.reason) == (None, "the card counts no validation patches")


@pytest.mark.parametrize(
    ("spacing_mm", "working_mm", "said"),
    [
        (None, None, "nothing states the image's pixel spacing"),
        (None, 0.07, "(0.07 mm was assumed)"),
        ((0.2, 0.2), None, "pixels of 0.2 mm are coarser"),
        ((0.2, 0.2), 0.07, "pixels of 0.2 mm are coarser"),
        ((0.05, 0.11), None, "pixels of 0.11 mm are coarser"),
    ],
)
def test_outside_the_population_a_score_is_a_score(card, spacing_mm, working_mm, said):
    found = give_opinion(card, 0.8, CLASSES, spacing_mm, working_mm)
    assert (found.score, found.probability) == (0.8, None)
    assert said in found.reason


@pytest.mark.parametrize(("spacing_mm", "working_mm"), [((0.05, 0.05), 0.07), ((0.1019, 0.1019), None)])
def test_finer_pixels_and_the_rounding_of_a_pitch_are_inside(card, spacing_mm, working_mm):
    assert give_opinion(card, 0.8, CLASSES, spacing_mm, working_mm).probability is not None


def test_without_a_calibration_there_is_no_probability(card):
    bare = card.model_copy(update={"calibration": None, "calibrated": False})
    found = give_opinion(bare, 0.8, CLASSES, FINE, None)
    assert (found.probability, found.reason) == (None, "toy2026-bright is not calibrated")


@pytest.mark.parametrize(("score", "reached"), [(0.4999, (False, False)), (0.5, (True, False)), (0.999, (True, True))])
def test_on_which_side_of_each_operating_point(card, score, reached):
    points = give_opinion(card, score, CLASSES, FINE, None).operating_points
    assert tuple(point.reached for point in points) == reached
    assert points[0].meaning == "1 of 20 on validation"
