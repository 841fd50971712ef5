"""Card, report, tables and figures of a made-up run; network and epochs are made up too."""

import csv
from types import SimpleNamespace

import numpy as np
import pytest

from microcalc.evaluation.classification import confusion
from microcalc.models import Card
from microcalc.recipe import load_recipe
from microcalc.training.classifier_records import ClassifierReport
from microcalc.training.history import EpochRow
from microcalc.training.job import Job
from microcalc.training.outcome import outcome, write_outcome


def fitted():
    rows = [
        EpochRow(
            epoch=epoch,
            train_loss=1 / epoch,
            validation_loss=1.1 / epoch,
            train_accuracy=0.8,
            validation_accuracy=0.7,
            validation_auc=None if epoch == 1 else 0.9,
            learning_rate=1e-3,
            seconds=2.0,
            waiting=0.25,
        )
        for epoch in (1, 2, 3)
    ]
    weights = SimpleNamespace(numel=lambda: 1234)
    return SimpleNamespace(
        module=SimpleNamespace(parameters=lambda: [weights, weights]),
        history=tuple(rows),
        kept=2,
        stopped="all 3 epochs done",
        start="at random",
        network="made up",
        patches=300,
        seconds=6.0,
        waiting=0.25,
    )


@pytest.fixture(scope="module")
def make(predicted, tmp_path_factory):
    """Makes the outcome of a recipe, on 16 px patches."""

    def of(name, *, synthetic=True, smoke=False, with_test=True, changes=None):
        recipe = load_recipe(name).with_changes({"input": {"size_px": 16}} | (changes or {}))
        parts = predicted.parts_of(predicted.write_store(tmp_path_factory.mktemp("store"), recipe), recipe)
        out = tmp_path_factory.mktemp("run")
        job = Job(recipe, None, None, "bench:v1-small", synthetic, smoke, out, 3, None, False, None)
        validation = predicted.predict(parts.validation, recipe)
        test = predicted.predict(parts.test, recipe, seed=1) if with_test else None
        return outcome(job, parts, fitted(), validation, test), validation

    return of


@pytest.fixture(scope="module")
def task1(make):
    return make("pesapane2023-resnet18-task1")


@pytest.fixture(scope="module")
def written(task1, tmp_path_factory):
    folder = tmp_path_factory.mktemp("written")
    write_outcome(task1[0], folder)
    return folder


def test_the_card_is_whole(task1):
    found, validation = task1
    card = Card.from_yaml(found.card.to_yaml().encode(), "card.yaml")
    assert (card.kind, card.version, card.malignancy, card.calibrated) == ("patch-classifier", "1", None, True)
    assert card.input.patch.size_px == 16
    assert card.labels[1] == "calcification"
    assert (card.training.images, card.training.patients, card.training.coarsest_spacing_mm) == (4, 4, 0.07)
    assert "calcification 48" in card.limitations
    assert "25.0% of the time was spent waiting" in card.limitations
    assert "phantoms" in card.limitations
    # Bins count every validation patch once.
    bins = card.calibration.bins
    assert sum(one.count for one in bins) == len(validation.part)
    assert sum(one.positives for one in bins) == (validation.part.classes > 0).sum()


def test_an_operating_point_says_what_validation_saw(task1):
    found, validation = task1
    card = found.card
    scores = card.calibration.parameters(validation.probabilities[:, 1])
    for point in card.operating_points:
        at = confusion(validation.part.classes > 0, scores, point.threshold)
        assert f"specificity {at.specificity:.3f}" in point.false_positives
        assert f"{at.tp} of 96 positive" in point.false_positives
    assert "probability one half" in card.operating_points[0].false_positives


def test_the_test_part_comes_first_and_validation_is_marked(task1):
    metrics = task1[0].card.metrics
    assert metrics[0].split == "test"
    assert {metric.level for metric in metrics} == {"patch"}
    assert all("chosen on these very patches" in metric.remark for metric in metrics if metric.split == "validation")
    names = {metric.measure for metric in metrics}
    assert {"AUC, calcification", "AUC, SNR 3 to 5, calcification", "mcc at paper, calcification"} <= names
    assert "AUC minus that of plain contrast, SNR 5 to 8, calcification" in names


@pytest.mark.parametrize(
    ("name", "options", "said", "malignancy"),
    [
        ("pesapane2023-resnet18-task2", {}, "odds by which the generator", "experimental"),
        ("pesapane2023-resnet18-task2", {"synthetic": False}, "biopsy-proven", "experimental"),
        ("kahnouei2022-resnet50-paper-split", {}, "split by patch", None),
        ("cortina2022-resnet16", {"smoke": True}, "Made by a smoke run", None),
        ("cortina2022-resnet16", {"with_test": False}, "There is no test part", None),
    ],
)
def test_what_card_and_report_warn_of(make, name, options, said, malignancy):
    found, _ = make(name, **options)
    assert any(said in remark for remark in found.report.remarks)
    assert said in found.card.limitations
    assert found.card.malignancy == malignancy


def test_terms_of_weights_trained_on_patients(make):
    found, _ = make("cortina2022-resnet16", synthetic=False)
    assert "trained on patches of these images" in found.card.training.terms
    assert found.card.licence.startswith("none stated")
    assert "phantoms" not in found.card.limitations


def test_malignancy_of_synthetic_classes_is_marked_number_by_number(make):
    found, _ = make("terrassin2024-resnet22")
    marked = {metric.measure for metric in found.card.metrics if "generator" in (metric.remark or "")}
    assert "AUC, malignant" in marked
    assert not any(measure.endswith("calcified") for measure in marked)


@pytest.fixture(scope="module")
def own(make):
    """The outcome of a recipe of our own, with something set by hand."""
    return make("microcalc-resnet16", changes={"notes": ["Set by hand: seed = 4."]})[0]


def test_overrides_are_told(own):
    assert own.report.choices == ("Set by hand: seed = 4.",)
    assert own.card.recipe["notes"] == ["Set by hand: seed = 4."]


def test_who_is_cited(own, task1):
    assert task1[0].card.citation.endswith("(method); microcalc (this implementation and its weights).")
    # Of a recipe of our own there is no paper.
    assert own.card.citation == "microcalc (this implementation and its weights)."


def test_calibration_and_thresholds_know_nothing_of_the_test_part(make, task1):
    without, _ = make("pesapane2023-resnet18-task1", with_test=False)
    assert without.card.operating_points == task1[0].card.operating_points
    assert without.card.calibration == task1[0].card.calibration
    assert without.report.parts == task1[0].report.parts[1:]


def test_the_same_run_gives_the_same_numbers(make, task1):
    again, _ = make("pesapane2023-resnet18-task1")
    assert again.report == task1[0].report


def test_files(written, task1):
    assert ClassifierReport.from_json(written / "report.json") == task1[0].report
    drawn = {path.name for path in (written / "figures").iterdir()}
    assert {"learning-loss.png", "learning-loss.svg", "learning-accuracy.png", "roc-test.svg"} <= drawn
    assert {"confusion-test.svg", "reliability-validation-1.svg", "strata-test-1.svg"} <= drawn
    assert (written / "figures" / "learning-loss.png").read_bytes().startswith(b"\x89PNG")
    # From 0.7 to 0.9 on the whole height of the figure: no axis from 0, on which good numbers all lie at the top.
    assert ">0.0<" not in (written / "figures" / "learning-accuracy.svg").read_text(encoding="utf-8")
    with (written / "tables" / "metrics.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(task1[0].card.metrics)
    with (written / "tables" / "paper.csv").open(encoding="utf-8", newline="") as file:
        assert "ours.test.value" in next(csv.reader(file))


def test_the_page(written, task1):
    page = (written / "report.html").read_text(encoding="utf-8")
    assert "<script" not in page
    assert "http" not in page.replace("http-equiv", "")
    for text in ("Not for clinical decisions", "25.0 % of it spent waiting", "Paper / here", "a disc of 0.98 mm"):
        assert text in page
    # The paper's number, what it is worth, and ours.
    assert "0.96 [0.95, 0.97]" in page.replace("<small>", "").replace("</small>", "")
    assert "selected on the validation set" in page
    assert not np.isnan(task1[0].report.parts[0].targets[0].auc.value)


def test_no_patient_is_named(written, task1):
    texts = [
        path.read_text(encoding="utf-8")
        for path in written.rglob("*")
        if path.suffix in (".json", ".html", ".csv", ".svg")
    ]
    texts.append(task1[0].card.to_yaml())
    assert len(texts) > 8
    assert not any(
        f"{split}-{number}" in text for text in texts for split in ("train", "validation") for number in range(4, 8)
    )
    assert not any(f"train-{number}" in text for text in texts for number in range(4))
