"""A run of a patch map on little pictures; its classifier needs no training: how bright the brightest pixel is."""

import json

import pytest

import microcalc
from microcalc.errors import UsageError
from microcalc.findings import OperatingPoint
from microcalc.models import Card, Input, Training, load_package, write_package
from microcalc.recipe import load_recipe
from microcalc.training import patch_map_run, run
from microcalc.training.job import Compute
from microcalc.training.run import train

NAME, CLASSIFIER = "cortina2022-resnet16-map", "cortina2022-resnet16"


def brightest(channels, size):
    """ONNX: patches (n, channels, size, size) -> logits (n, 1), the highest z-score less 4.

    Of 256 normal values the highest is 2.8 as a rule, and 4 in one patch of a hundred; specks stand at 5 and more.
    """
    onnx = pytest.importorskip("onnx")
    value, kind = onnx.helper.make_tensor_value_info, onnx.TensorProto
    constants = [
        onnx.helper.make_tensor("axes", kind.INT64, [2], [2, 3]),
        onnx.helper.make_tensor("first", kind.INT64, [1], [0]),
        onnx.helper.make_tensor("four", kind.FLOAT, [], [4.0]),
    ]
    nodes = [
        onnx.helper.make_node("ReduceMax", ["patches", "axes"], ["highest"], keepdims=0),
        onnx.helper.make_node("Gather", ["highest", "first"], ["of_one"], axis=1),
        onnx.helper.make_node("Sub", ["of_one", "four"], ["logits"]),
    ]
    graph = onnx.helper.make_graph(
        nodes,
        "brightest",
        [value("patches", kind.FLOAT, ["n", channels, size, size])],
        [value("logits", kind.FLOAT, ["n", 1])],
        constants,
    )
    opset = [onnx.helper.make_opsetid("", 18)]
    return onnx.helper.make_model(graph, opset_imports=opset, ir_version=9).SerializeToString()


def classifier(folder, recipe=CLASSIFIER, version="1", **changes):
    """A package of that recipe, changed or not."""
    recipe = load_recipe(recipe).with_changes(changes)
    card = Card(
        name=recipe.name,
        version=version,
        kind=recipe.kind,
        title="The brightest pixel",
        intended_use="Tests.",
        limitations="Knows bright pixels alone.",
        malignancy=None,
        licence="none",
        citation="none",
        input=Input(spacing_mm=recipe.spacing_mm, proposer=None, patch=recipe.input, network=recipe.network),
        labels=("calcification",),
        score_floor=0.0,
        operating_points=(OperatingPoint("argmax", 0.5, "not counted"),),
        default_operating_point="argmax",
        calibrated=False,
        calibration=None,
        metrics=(),
        training=Training(
            data="nothing",
            terms="none",
            images=7,
            patients=None,
            coarsest_spacing_mm=0.1,
            seed=0,
            seconds=3.0,
            made_with={"onnx": "1"},
        ),
        recipe=recipe.as_written(),
    )
    return write_package(folder, card, {"model.onnx": brightest(recipe.network.channels, recipe.input.size_px)})


@pytest.fixture(scope="module", autouse=True)
def _data(speckled):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, "open_data", lambda spec, make_executor: speckled)
        yield


@pytest.fixture(scope="module")
def brightest_package(tmp_path_factory):
    return classifier(tmp_path_factory.mktemp("classifier") / "package")


@pytest.fixture(scope="module")
def recipe():
    return load_recipe(NAME).with_changes({"beside": []})


@pytest.fixture(scope="module")
def done(recipe, brightest_package, tmp_path_factory):
    """A run's folder, and what was told on the way."""
    out, told = tmp_path_factory.mktemp("run"), []
    compute = Compute(classifiers=(str(brightest_package.path),))
    train(recipe, "truth:toys", out, compute=compute, on_step=lambda *step: told.append(step))
    return out, told


def test_the_package_holds_its_classifier_and_says_so(done, brightest_package):
    package = load_package(done[0] / "package")
    card = package.card
    assert (card.name, card.kind, card.version, card.calibrated) == (NAME, "patch-map", "1", True)
    assert list(card.files) == ["classifier-1.zip"]
    (member,) = card.input.classifiers
    inner = package.inner(member.file)
    assert (member.name, member.sha256) == (CLASSIFIER, brightest_package.sha256) == (inner.card.name, inner.sha256)
    assert (card.training.images, card.training.patients, card.training.seconds) == (7, None, 3.0)
    assert f"{CLASSIFIER}: nothing; read and tested on truth:toys" in card.training.data
    assert "by its own least and highest value" in card.limitations
    thresholds = [point.threshold for point in card.operating_points]
    assert thresholds == sorted(thresholds)
    assert {row.split for row in card.metrics} == {"validation", "test"}


def test_it_detects_the_specks(done, speckled):
    report = microcalc.detect(speckled[0].path, detector=str(done[0] / "package"), spacing_mm=0.1)
    assert report.detector.name == NAME
    best = max(report.images[0].calcifications, key=lambda mark: mark.score)
    # The map is highest where all windows over a pixel hold a speck: within the 8 px between their corners.
    assert any(abs(best.x - speck.x) <= 8 and abs(best.y - speck.y) <= 8 for speck in speckled[0].truth.calcifications)


def test_every_step_is_told_of_in_one_count(done):
    out, told = done
    assert [count for _, count, _ in told] == [1, 2, 3, 4, 5]  # two images to choose on, three to measure on
    assert [step.failed is not None for step, _, _ in told] == [False, False, False, False, True]
    steps = json.loads((out / "run.json").read_text())["steps"]
    assert [step["name"] for step in steps] == ["validation", NAME]
    figures = {f"{kind}-{part}.svg" for kind in ("froc", "reliability") for part in ("validation", "test")}
    assert {path.name for path in (out / "figures").iterdir()} == figures


def test_a_run_with_other_classifiers_does_not_go_on(done, recipe, tmp_path):
    other = classifier(tmp_path / "other", fitting={"stopping": {"epochs": 1}})
    with pytest.raises(UsageError, match="classifiers"):
        train(recipe, "truth:toys", done[0], resume=True, compute=Compute(classifiers=(str(other.path),)))


def test_classifiers_are_taken_in_the_order_of_the_recipe(tmp_path):
    recipe = load_recipe("cortina2022-multiscale-map")
    names = [one.classifier for one in recipe.maps]
    given = [classifier(tmp_path / name, name) for name in reversed(names)]
    assert [package.card.name for package in patch_map_run.in_order(recipe, given)] == names
    with pytest.raises(UsageError, match=rf"recipes {', '.join(names)}.* found {names[-1]}; name"):
        patch_map_run.in_order(recipe, given[:1])
    with pytest.raises(UsageError, match="each once"):
        patch_map_run.in_order(recipe, [*given, given[0]])


def test_a_wrong_call_is_refused_before_anything_is_written(recipe, brightest_package, tmp_path):
    def refused(match, recipe=recipe, data="truth:toys", **compute):
        with pytest.raises(UsageError, match=match):
            train(recipe, data, tmp_path, compute=Compute(**compute))

    own = (str(brightest_package.path),)
    refused(f"trained classifiers, by {CLASSIFIER}, found none; train them")
    refused("--classifiers PACKAGE", init=tmp_path / "weights.pth")
    refused("kind patch-classifier, found cortina2022-cascade", classifiers=("cortina2022-cascade",))
    refused(f"found {CLASSIFIER}, {CLASSIFIER}", classifiers=own * 2)
    refused("whole mammograms, for a patch-map", data="patches:somewhere", classifiers=own)
    refused("no classifiers for a segmenter", load_recipe("microcalc-default"), classifiers=own)
    assert not list(tmp_path.iterdir())


def test_a_smoke_run_trains_its_classifiers_once(recipe, tmp_path, monkeypatch):
    trained = []

    def trained_in_a_moment(of, data, out, *, smoke, seed):
        trained.append((of.name, data, smoke))
        return classifier(out / "package", of.name, "smoke")

    monkeypatch.setattr(patch_map_run, "train", trained_in_a_moment)
    monkeypatch.setattr("microcalc.training.assessment.write_figures", lambda drawings, folder: list(drawings))
    told = []
    package = train(recipe, "truth:toys", tmp_path, smoke=True, on_step=lambda *step: told.append(step))
    again = train(recipe, "truth:toys", tmp_path, smoke=True, resume=True)
    assert trained == [(CLASSIFIER, None, True)]
    assert [count for _, count, _ in told] == [1, 2, 3, 4, 5, 6]
    assert again.card == package.card
    assert f"Its classifier {CLASSIFIER} is that of a smoke run" in package.card.limitations
