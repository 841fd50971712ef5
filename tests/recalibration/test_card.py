"""What the card of a recalibrated package says, and what it says no longer."""

import pytest

from microcalc.models import Card, load_package
from microcalc.recalibration.card import Ground, reanchored
from microcalc.recalibration.rates import Rate

RATES = {"sensitive": Rate(0.1, 5.02, 4.1, 6.04), "specific": Rate(0.7, 0.2, 0.12, 0.31)}
UNKNOWN = Ground("table:mine.csv", 120, 60, normal=False)


@pytest.fixture(scope="module")
def card():
    return load_package("cortina2022-cascade").card


def test_points_say_what_was_counted_and_on_what(card):
    points = reanchored(card, RATES, UNKNOWN).operating_points
    assert [(point.name, point.threshold) for point in points] == [("sensitive", 0.1), ("specific", 0.7)]
    assert points[0].false_positives == (
        "5 marks per image (95 % interval 4.1 to 6) on 120 images of which nothing is known, table:mine.csv"
    )


def test_on_normal_images_marks_are_false(card):
    made = reanchored(card, RATES, Ground("table:mine.csv", 120, 60, normal=True))
    assert made.operating_points[1].false_positives == (
        "0.2 false marks per image (95 % interval 0.12 to 0.31) on 120 normal images, table:mine.csv"
    )
    assert "known to be normal, so that these are false marks" in made.limitations
    assert made.metrics[0].normal_images == 120


def test_what_nobody_knows_is_said(card):
    made = reanchored(card, RATES, Ground("table:mine.csv", 30, None, normal=False, left_out=("1 image left out",)))
    assert "30 images of unknown patients of table:mine.csv: it is not known whether they hold calcium" in (
        made.limitations
    )
    assert "1 image left out. How many calcifications are found at them is not known." in made.limitations
    assert made.limitations.endswith(card.limitations)
    assert "patients unknown" in made.metrics[0].remark


def test_numbers_at_the_earlier_thresholds_go_and_others_stay(card):
    made = reanchored(card, RATES, UNKNOWN)
    assert any(" at sensitive" in metric.measure for metric in card.metrics)
    measures = [metric.measure for metric in made.metrics]
    assert measures[:2] == ["marks per image at sensitive", "marks per image at specific"]
    assert not any(" at balanced" in measure or "cascade at" in measure for measure in measures)
    assert "sensitivity at 1 FP, cascade" in measures
    assert "AUC50, cascade" in measures


def test_a_rate_is_a_metric_with_its_interval(card):
    metric = reanchored(card, RATES, UNKNOWN).metrics[0]
    assert (metric.value, metric.low, metric.high, metric.n, metric.normal_images) == (5.02, 4.1, 6.04, 120, None)
    assert metric.remark == "the threshold was chosen on these very images"


def test_without_an_interval_none_is_stated(card):
    made = reanchored(card, {"sensitive": Rate(0.1, 5.0, float("nan"), float("nan"))}, UNKNOWN)
    assert "(no interval)" in made.operating_points[0].false_positives
    assert (made.metrics[0].low, made.metrics[0].high) == (None, None)
    Card.model_validate(made.model_dump())  # the type holds a number without interval to a reason


def test_the_default_point_stays_where_it_is_still_there(card):
    assert card.default_operating_point == "balanced"
    assert reanchored(card, RATES, UNKNOWN).default_operating_point == "sensitive"
    kept = reanchored(card, {"sensitive": RATES["sensitive"], "balanced": RATES["specific"]}, UNKNOWN)
    assert kept.default_operating_point == "balanced"


def test_the_name_tells_them_apart_and_does_not_grow(card):
    once = reanchored(card, RATES, UNKNOWN)
    assert once.name == "cortina2022-cascade-recalibrated"
    assert reanchored(once, RATES, UNKNOWN).name == once.name


def test_what_an_earlier_one_said_of_its_thresholds_goes(card):
    once = reanchored(card, RATES, Ground("images:first", 120, 60, normal=True))
    again = reanchored(once, RATES, UNKNOWN).limitations
    assert again == reanchored(card, RATES, UNKNOWN).limitations


def test_scores_are_what_they_were(card):
    made = reanchored(card, RATES, UNKNOWN)
    assert (made.calibration, made.score_floor, made.recipe) == (card.calibration, card.score_floor, card.recipe)
