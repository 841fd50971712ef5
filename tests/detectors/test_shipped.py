"""The packages that come with microcalc: what their cards say, and that the documentation says the same."""

import json
import re
from pathlib import Path

import pytest

import microcalc
from microcalc.demo import score_demo
from microcalc.detection import detect
from microcalc.detectors import DEFAULT_DETECTOR, load_detector
from microcalc.models import PACKAGES, load_package
from microcalc.recipe import load_recipe
from microcalc.training.overrides import overridden

WHY = Path(__file__).parents[2] / "docs" / "why"
#: Package -> its page.
PAGES = {
    "cortina2022-cascade": WHY / "cascade.md",
    "microcalc-default": WHY / "default-detector.md",
    "cortina2022-resnet16-dense-map": WHY / "patch-maps.md",
    "cortina2022-resnet16-map": WHY / "patch-maps.md",
    "cortina2022-frcnn-efficientnet-b3-fast": WHY / "faster-rcnn.md",
}
#: What a package may have been trained with other values of than its recipe's, as its notes tell.
BUDGET = {"fitting.stopping.epochs", "fitting.batches", "fitting.optimiser.learning_rate"}


def test_weights_that_ship_are_small():
    folder = Path(microcalc.__file__).parent / "packages"
    assert 0 < sum(path.stat().st_size for path in folder.rglob("*")) < 20e6


@pytest.mark.parametrize("name", PACKAGES)
def test_a_package_was_trained_by_its_recipe_but_for_the_budget(name):
    card = load_package(name).card
    told = re.compile(r"Set by hand: ([a-z_.]+) = (.+)\.")
    changed = {match[1]: json.loads(match[2]) for match in map(told.fullmatch, card.load_recipe().notes) if match}
    assert set(changed) <= BUDGET
    assert card.load_recipe() == overridden(load_recipe(name), changed)
    assert "phantoms" in card.limitations
    assert card.malignancy is None


def test_the_default_detector_ships_and_is_calibrated():
    detector = load_detector()
    assert detector.name == DEFAULT_DETECTOR in PACKAGES
    assert detector.calibrated


def said(metric, sign=""):
    return f"{metric.value:{sign}.3f} [{metric.low:.3f}, {metric.high:.3f}]"


@pytest.mark.parametrize("name", PAGES)
def test_the_page_has_the_numbers_of_the_card(name):
    card = load_package(name).card
    page = re.sub(r"\*\*|−", lambda match: "" if match[0] == "**" else "-", PAGES[name].read_text())
    test = {metric.measure: metric for metric in card.metrics if metric.split == "test"}
    for measure, metric in test.items():
        by_snr, difference = "SNR" in measure, "minus" in measure
        in_no_table = by_snr and ("SVM" in measure and (difference or "fine-tuned" in measure))
        if measure.startswith("AUC50") and not in_no_table:
            assert said(metric, "+" if difference else "") in page, measure
    rows = re.findall(r"^\| `(\w+)` \| ([0-9.]+) \|", page, re.MULTILINE)
    points = [(point.name, f"{point.threshold:.3f}") for point in card.operating_points]
    assert points in [rows[start : start + len(points)] for start in range(len(rows))]


def test_each_step_finds_more(study):
    """On a study of a seed that no benchmark has, each at its default point; false marks are counted on all images."""
    folder, truth = study
    default, cascade, proposer = (
        score_demo(detect(folder, detector=name), truth)
        for name in (DEFAULT_DETECTOR, "cortina2022-cascade", "morphology")
    )
    assert default.hits >= cascade.hits > proposer.hits
    assert max(default.false_positives, cascade.false_positives) <= 2 * len(truth.images)
