"""A run of a Faster R-CNN on little pictures, from marked patches to a package that detects."""

import json
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import save_file

import microcalc
from microcalc.errors import MicrocalcError, UsageError
from microcalc.models import load_package, network_files
from microcalc.recipe import load_recipe
from microcalc.training import marked_patches, run
from microcalc.training.job import Compute
from microcalc.training.run import train

NAME = "cortina2022-frcnn-efficientnet-b3-fast"
#: Two epochs of one batch, on patches and windows that are small.
CHANGES = {
    "patches": {"size_px": 48},
    "network": {"proposals": 20, "detections": 20, "width": 8, "neurons": 8},
    "fitting": {"batch": 2},
    "smoke": {
        "scanning": {"window_px": 80, "stride_px": 80, "border_px": 8, "score_floor": 0.001},
        "fitting": {"stopping": {"epochs": 2}, "batches": 1, "accumulate": 2},
    },
}


@pytest.fixture(scope="module")
def recipe():
    return load_recipe(NAME).with_changes(CHANGES)


def _no_onnx(*_):
    raise MicrocalcError(expected="a file", found="none", do="do without")


@pytest.fixture(scope="module", autouse=True)
def _data(speckled, predicted, recipe, tmp_path_factory):
    """Little mammograms, and in place of patches cut out of them, for which they are too small, made-up ones."""
    made_of = SimpleNamespace(patches=recipe.patches, input=SimpleNamespace(size_px=recipe.patches.size_px))
    store = predicted.write_store(tmp_path_factory.mktemp("store"), made_of)
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, "open_data", lambda spec, make_executor: speckled)
        patch.setattr(marked_patches, "write_store", lambda *_, **__: store)
        patch.setattr(network_files, "_as_onnx", _no_onnx)  # seconds, which the tests of the network have spent
        yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def done(recipe, tmp_path_factory):
    """A run's folder, and what was told on the way."""
    out, told = tmp_path_factory.mktemp("run"), []
    train(recipe, "truth:toys", out, smoke=True, on_step=lambda *step: told.append(step))
    return out, told


def test_the_package_says_what_it_is_and_how_good(done):
    card = load_package(done[0] / "package").card
    assert (card.name, card.kind, card.version, card.calibrated) == (NAME, "faster-rcnn", "smoke", True)
    assert card.training.data.endswith("backbone: random weights; all else random")
    assert (card.training.epochs, card.training.patches) == (2, 4)
    by_measure = {(row.measure, row.split): row for row in card.metrics}
    for split in ("validation", "test"):
        ap50 = by_measure["AP50", split]
        assert 0 <= ap50.value <= 1
        assert ap50.n == 32  # calcifications on the patches of eight patients
        assert by_measure["AR, IoU 0.50 to 0.95", split].value <= 1
    assert any(row.level == "calcification" and row.rule == "disc14" for row in card.metrics)


def test_every_step_is_told_of_in_one_count(done):
    out, told = done
    # Patches, two steps of the optimiser, two images to choose on, three to measure on.
    assert [count for _, count, _ in told] == [2, 3, 4, 5, 6, 7, 8]
    assert {total for _, _, total in told} == {8}
    assert told[0][0].name.startswith("epoch 1, step 1 of 1, loss ")
    steps = json.loads((out / "run.json").read_text())["steps"]
    assert [step["name"] for step in steps] == ["patches", "fit", "validation", NAME]
    history = json.loads((out / "work" / "history.json").read_text())
    assert [row["epoch"] for row in history["epochs"]] == [1, 2]
    assert history["stopped"] == "all 2 epochs done"


def test_it_detects(done, speckled):
    report = microcalc.detect(speckled[0].path, detector=str(done[0] / "package"), spacing_mm=0.1)
    assert report.detector.name == NAME
    assert all(mark.diameter_mm is None for mark in report.images[0].calcifications)


def test_stopped_within_the_fit_it_goes_on_to_the_same_weights(done, recipe, tmp_path):
    told = []

    def until(begins):
        def stop(step, *_):
            told.append(step.name)
            if step.name.startswith(begins):
                raise KeyboardInterrupt

        return stop

    with pytest.raises(KeyboardInterrupt):
        train(recipe, "truth:toys", tmp_path, smoke=True, on_step=until("epoch 2"))
    told.clear()
    with pytest.raises(KeyboardInterrupt):  # the fit is done: all else follows from its weights
        train(recipe, "truth:toys", tmp_path, smoke=True, resume=True, on_step=until("validation"))
    assert told[0].startswith("epoch 2")
    whole, resumed = (load_package(out / "work" / "uncalibrated").card for out in (done[0], tmp_path))
    assert resumed.files == whole.files
    assert resumed.metrics == whole.metrics


def test_what_could_only_fail_at_the_end_is_refused_at_once(recipe, tmp_path):
    def refused(match, recipe=recipe, data="truth:toys", **how):
        with pytest.raises(UsageError, match=match):
            train(recipe, data, tmp_path, smoke=True, **how)

    refused("whole mammograms, for a faster-rcnn", data="patches:somewhere")
    refused("one device", compute=Compute(gpus=2))
    other = tmp_path / "other.safetensors"
    save_file({"fc.weight": torch.zeros(2, 2)}, other)
    refused("weights of efficientnet_b3", compute=Compute(init=other))
    refused("no-such-detector", recipe.with_changes({"smoke": {"beside": ["no-such-detector"]}}))
    assert not (tmp_path / "work").exists()
