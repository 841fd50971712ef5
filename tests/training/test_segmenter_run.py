"""A smoke run of a segmenter on little pictures, from a bank to a package that detects."""

import json
import shutil

import pytest
import torch

import microcalc
from microcalc.errors import UsageError
from microcalc.models import load_package
from microcalc.recipe import load_recipe
from microcalc.training import assessment, run
from microcalc.training.job import Compute
from microcalc.training.run import train

NAME = "microcalc-default"


@pytest.fixture(scope="module")
def recipe():
    """A narrow network, and a checkpoint after each of the three steps of a smoke run."""
    narrow = {"widths": [8] * 4, "depths": [1] * 4}
    return load_recipe(NAME).with_changes({"smoke": {"network": narrow, "fitting": {"checkpoint_every": 1}}})


@pytest.fixture(scope="module", autouse=True)
def _data(speckled):
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, "open_data", lambda spec, make_executor: speckled)
        patch.setattr("microcalc.synthesis.bank.POOL_DRAWS", 1)  # casting calcifications is slow
        yield


@pytest.fixture(scope="module")
def done(recipe, tmp_path_factory):
    """A run's folder, and what was told on the way."""
    out, told = tmp_path_factory.mktemp("run"), []
    train(recipe, "truth:toys", out, smoke=True, on_step=lambda *step: told.append(step))
    return out, told


def test_the_package_says_what_it_is(done, speckled):
    card = load_package(done[0] / "package").card
    assert (card.name, card.kind, card.version, card.malignancy) == (NAME, "segmenter", "smoke", None)
    assert card.limitations.startswith("Made by a smoke run")
    assert card.licence.startswith("none stated")  # somebody's own data
    assert (card.training.patients, card.training.images) == (1, 4)  # of the bank
    assert card.calibrated
    thresholds = {point.name: point.threshold for point in card.operating_points}
    assert list(thresholds) == ["sensitive", "balanced", "specific"]
    assert list(thresholds.values()) == sorted(thresholds.values())
    assert card.score_floor <= min(thresholds.values())
    by_split = {split: [row for row in card.metrics if row.split == split] for split in ("validation", "test")}
    assert all("chosen on these very images" in row.remark for row in by_split["validation"])
    assert all("without 1 of 3 images" in row.remark for row in by_split["test"])
    assert {row.n for row in card.metrics} == {len(speckled[0].truth.calcifications)}
    assert {"weights.safetensors", "model.onnx"} <= set(card.files)


def test_every_step_is_told_of_in_one_count(done):
    out, told = done
    # Two breasts, three checkpoints, two images to choose on, three to measure on.
    assert [count for _, count, _ in told] == list(range(1, 11))
    assert {total for _, _, total in told} == {10}
    (failed,) = (step for step, _, _ in told if step.failed is not None)
    assert failed.name == f"{NAME}, image 3 of 3"
    steps = json.loads((out / "run.json").read_text())["steps"]
    assert [step["name"] for step in steps] == ["bank", "fit", "validation", NAME]
    figures = {f"{kind}-{part}.svg" for kind in ("froc", "reliability") for part in ("validation", "test")}
    assert {path.name for path in (out / "figures").iterdir()} == figures


def test_it_detects(done, speckled):
    report = microcalc.detect(speckled[0].path, detector=str(done[0] / "package"), spacing_mm=0.1)
    assert report.detector.name == NAME
    marks = report.images[0].calcifications
    assert marks
    assert all(mark.malignancy is None for mark in marks)


def test_stopped_within_the_fit_it_goes_on_to_the_same_package(done, recipe, tmp_path, monkeypatch):
    monkeypatch.setattr(assessment, "_drawings", lambda *_: ())
    # No run renders a bank anew that lies there, resumed or not.
    shutil.copytree(done[0] / "work" / "bank", tmp_path / "work" / "bank")
    told = []

    def stop(step, *_):
        told.append(step.name)
        if step.name.startswith("step 2"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(recipe, "truth:toys", tmp_path, smoke=True, on_step=stop)
    assert not any(name.startswith("bank") for name in told)
    again = []
    train(recipe, "truth:toys", tmp_path, smoke=True, resume=True, on_step=lambda step, *_: again.append(step.name))
    assert again[0].startswith("step 3")
    whole, resumed = (load_package(out / "package").card for out in (done[0], tmp_path))
    assert resumed.files == whole.files
    assert resumed.operating_points == whole.operating_points
    assert resumed.metrics == whole.metrics


def test_what_could_only_fail_at_the_end_is_refused_at_once(recipe, tmp_path):
    def refused(match, recipe=recipe, data="truth:toys", **how):
        with pytest.raises(UsageError, match=match):
            train(recipe, data, tmp_path, smoke=True, **how)

    refused("whole mammograms, for a segmenter", data="patches:somewhere")
    refused("go on from a package", compute=Compute(init=tmp_path / "weights.pth"))
    refused("one device", compute=Compute(gpus=2))
    refused("no-such-detector", recipe.with_changes({"smoke": {"beside": ["no-such-detector"]}}))
    assert not (tmp_path / "work").exists()
