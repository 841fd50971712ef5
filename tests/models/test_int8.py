"""A network in 8 bits: said to be so, near the one in 32, and refused where there is none."""

import json

import numpy as np
import onnx
import pytest
from typer.testing import CliRunner

from microcalc.cli.packages import models
from microcalc.errors import UsageError
from microcalc.models import load_package
from microcalc.models.int8 import with_int8
from microcalc.models.patch_classifier import load_patch_classifier
from microcalc.models.runtime import open_runtime
from microcalc.recipe import load_recipe
from microcalc.training.smoke_patches import write_smoke_store


def noise(n, seed=0):
    return np.random.default_rng(seed).random((n, 16, 16), np.float32)


@pytest.fixture(scope="module")
def package(classifier_package, tmp_path_factory):
    return with_int8(classifier_package, tmp_path_factory.mktemp("int8"), noise(24), noise(8, 1), "noise", 3)


def test_convolutions_are_in_8_bits_and_the_head_is_not(package):
    nodes = onnx.load_from_string(package.read("model.int8.onnx")).graph.node
    made_by = {name: node.op_type for node in nodes for name in node.output}
    for node in nodes:
        inputs = {made_by.get(name) for name in node.input}
        if node.op_type == "Conv":
            assert inputs == {"DequantizeLinear"}
        elif node.op_type in ("MatMul", "Gemm"):
            assert "DequantizeLinear" not in inputs
    assert sum(node.op_type == "Conv" for node in nodes) == 11  # of two stages: 1, and 4 and a shortcut each


@pytest.mark.parametrize("runtime", ["onnxruntime", "openvino"])
def test_it_says_nearly_the_same(package, runtime):
    if runtime == "openvino":
        pytest.importorskip("openvino", reason="the extra openvino is not installed")
    patches = noise(8, 1)
    exact = load_patch_classifier(package).probabilities(patches)[:, 1]
    opened = load_patch_classifier(package, runtime=runtime, precision="int8")
    coarse = opened.probabilities(patches)[:, 1]
    assert opened.runtime.precision == "int8"
    assert 0 < np.abs(exact - coarse).max() < 0.05
    if runtime == "onnxruntime":
        note = json.loads(package.read("int8.json"))
        assert (note["data"], note["seed"], note["calibrated_on"], note["compared_on"]) == ("noise", 3, 24, 8)
        assert note["largest_difference"] == pytest.approx(np.abs(exact - coarse).max())
        assert note["mean_difference"] == pytest.approx(np.abs(exact - coarse).mean())


def test_a_package_without_one_and_torch_are_refused(classifier_package, package):
    with pytest.raises(UsageError, match=r"model\.int8\.onnx in the package.*models export --int8, or leave"):
        open_runtime(classifier_package, precision="int8")
    with pytest.raises(UsageError, match=r"in the package microcalc-default.*; leave the precision out: of"):
        open_runtime(load_package("microcalc-default"), precision="int8")  # a segmenter: export --int8 refuses it
    with pytest.raises(UsageError, match="f32 or bf16, which torch computes a package in, found int8"):
        open_runtime(package, runtime="torch", precision="int8", device="cpu")


def export(package, *arguments):
    return CliRunner().invoke(models, ["export", str(package.path), "--int8", *map(str, arguments)])


def test_on_the_command_line_by_training_patches_alone(classifier_package, tmp_path):
    store = write_smoke_store(tmp_path / "store", load_recipe("microcalc-resnet16"), 0)
    done = export(classifier_package, "--data", f"patches:{store.folder}", "--out", tmp_path / "new")
    assert done.exit_code == 0, done.output
    made = load_package(tmp_path / "new")
    assert set(made.card.files) - set(classifier_package.card.files) == {"model.int8.onnx", "int8.json"}
    note = json.loads(made.read("int8.json"))
    # Sixteen of each of the protocol's four labels on the training side; without the label that no class has, if any.
    named = {label for one in load_recipe("microcalc-resnet16").patches.classes for label in one.labels}
    rows = [patch for patch in store.patches if patch.split == "train" and patch.label in named]
    assert note["calibrated_on"] + note["compared_on"] == len(rows)
    assert note["compared_on"] == len(rows) // 5


def test_patches_for_nothing_are_refused(classifier_package):
    done = CliRunner().invoke(models, ["export", str(classifier_package.path), "--data", "patches:store"])
    assert "expected --data with --int8, found --data alone" in str(done.exception)


def test_without_patches_of_its_protocol_it_is_refused(classifier_package, tmp_path):
    done = export(classifier_package, "--out", tmp_path / "new")
    assert "--data patches:FOLDER: training patches that show" in str(done.exception)
    assert "data patches SPEC --protocol microcalc16" in str(done.exception)
    store = write_smoke_store(tmp_path / "store", load_recipe("cortina2022-resnet16"), 0)
    done = export(classifier_package, "--data", f"patches:{store.folder}", "--out", tmp_path / "new")
    assert "expected patches of the protocol microcalc16, 16 px" in str(done.exception)
    assert "found cortina16, 16 px" in str(done.exception)
    assert not (tmp_path / "new").exists()
