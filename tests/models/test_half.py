"""Weights stored in 16 bits: half the bytes, the same network in every form of it."""

import numpy as np
import pytest
from safetensors.torch import load
from typer.testing import CliRunner

from microcalc.cli.packages import models
from microcalc.errors import UsageError
from microcalc.models import load_package
from microcalc.models.int8 import with_int8
from microcalc.models.patch_classifier import load_patch_classifier
from microcalc.models.state_dicts import read_state_dict

FILES = ("model.onnx", "weights.safetensors")


def noise(n, seed=0):
    return np.random.default_rng(seed).random((n, 16, 16), np.float32)


@pytest.fixture(scope="module")
def half(classifier_package, tmp_path_factory):
    out = tmp_path_factory.mktemp("half") / "package"
    done = CliRunner().invoke(models, ["export", str(classifier_package.path), "--half", "--out", str(out)])
    assert done.exit_code == 0, done.output
    return load_package(out)


@pytest.mark.parametrize("name", FILES)
def test_files_take_about_half_the_bytes(half, classifier_package, name):
    assert 0.45 < len(half.read(name)) / len(classifier_package.read(name)) < 0.6


def test_kernels_are_rounded_and_biases_are_not(half, classifier_package):
    stored, exact = (load(package.read("weights.safetensors")) for package in (half, classifier_package))
    for name, tensor in exact.items():
        wanted = tensor.numpy().astype(np.float16) if tensor.ndim > 1 else tensor.numpy()
        assert stored[name].numpy().dtype == wanted.dtype, name
        np.testing.assert_array_equal(stored[name].numpy(), wanted, err_msg=name)


@pytest.mark.parametrize("runtime", ["torch", "openvino"])
def test_every_runtime_computes_the_same_network(half, runtime):
    if runtime == "openvino":
        pytest.importorskip("openvino", reason="the extra openvino is not installed")
    found, expected = (
        load_patch_classifier(half, runtime=name).probabilities(noise(8)) for name in (runtime, "onnxruntime")
    )
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_it_says_nearly_what_it_said_before(half, classifier_package):
    found, before = (load_patch_classifier(one).probabilities(noise(8))[:, 1] for one in (half, classifier_package))
    assert 0 < np.abs(found - before).max() < 1e-2


def test_the_card_says_so_once_and_a_second_time_changes_nothing(half, tmp_path):
    assert half.card.limitations.endswith("the numbers here were measured before they were rounded.")
    assert CliRunner().invoke(models, ["export", str(half.path), "--half", "--out", str(tmp_path / "x")]).exit_code == 0
    assert load_package(tmp_path / "x").sha256 == half.sha256


def test_it_can_be_started_from_and_put_in_8_bits(half, tmp_path):
    state, _ = read_state_dict(half.path / "weights.safetensors")
    assert {str(tensor.dtype) for tensor in state.values()} == {"torch.float32", "torch.int64"}
    in_8 = with_int8(half, tmp_path / "int8", noise(16), noise(4, 1), "noise", 0)
    assert "model.int8.onnx" in in_8.card.files


def test_half_and_8_bits_at_once_are_refused(half):
    done = CliRunner().invoke(models, ["export", str(half.path), "--half", "--int8"])
    assert isinstance(done.exception, UsageError)
    assert "expected --half or --int8, found both" in str(done.exception)
