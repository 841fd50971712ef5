"""Runtimes: the same network says the same in each, and what is not there is said."""

import sys

import cv2
import numpy as np
import pytest
import torch

from microcalc.errors import ReadError, UsageError
from microcalc.models import Card, write_package
from microcalc.models.network_files import write_network_package
from microcalc.models.onnx_file import TOLERANCE
from microcalc.models.runtime import open_runtime
from microcalc.recipe import Network

#: One of each family, at as few pixels as it takes.
FAMILIES = {
    "resnet18": 32,
    "densenet121": 32,
    "efficientnet_b0": 64,
    "resnet22_separable": 32,
    "convnextv2_yocto": 32,
    "scalable_resnet": 16,
}


def patches(n, px, channels=1):
    return np.random.default_rng(n).random((n, channels, px, px), np.float32)


def with_network(card, network, px):
    values = card.model_dump()
    values["input"]["network"] = network.model_dump()
    values["input"]["patch"] |= {"size_px": px}
    return Card.model_validate(values)


@pytest.mark.parametrize("name", FAMILIES)
def test_a_network_says_the_same_in_every_runtime(name, classifier_card, settled, tmp_path):
    stages = 2 if name == "scalable_resnet" else None
    network, px = Network(name=name, start="random", channels=1, stages=stages), FAMILIES[name]
    module = settled(network, 1, px)
    package = write_network_package(tmp_path / "package", with_network(classifier_card, network, px), module)
    batch = patches(3, px)
    with torch.inference_mode():
        expected = module(torch.from_numpy(batch)).numpy()
    assert np.ptp(expected) > 1e-2  # a network that says nothing agrees with everything
    tolerance = TOLERANCE * max(1, np.abs(expected).max())
    for runtime in ("onnxruntime", "torch", "openvino"):
        if runtime == "openvino":
            pytest.importorskip("openvino", reason="the extra openvino is not installed")
        opened = open_runtime(package, runtime=runtime, device="cpu", threads=1)
        assert (opened.name, opened.precision, opened.device) == (runtime, "f32", "cpu")
        (found,) = opened(batch)
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance)
        np.testing.assert_allclose(opened(batch[:1])[0], expected[:1], rtol=0, atol=tolerance)
        np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance)  # still what it was


def test_bf16_is_a_choice_and_rougher(classifier_package):
    batch = patches(8, 16)
    exact = open_runtime(classifier_package, runtime="torch", device="cpu", threads=1)(batch)[0]
    opened = open_runtime(classifier_package, runtime="torch", precision="bf16", device="cpu", threads=1)
    (rough,) = opened(batch)
    assert opened.precision == "bf16"
    assert rough.dtype == np.float32
    assert 0 < np.abs(rough - exact).max() < 0.1 * np.ptp(exact) + 0.05


def test_onnx_runtime_unless_asked_otherwise(classifier_package):
    assert open_runtime(classifier_package).name == "onnxruntime"


def test_as_many_threads_as_opencv_uses_here(classifier_package, monkeypatch):
    """One in each process of a pool, which sets OpenCV's."""
    monkeypatch.setattr(cv2, "getNumThreads", lambda: 3)
    for asked, threads in ((None, 3), (1, 1)):
        opened = open_runtime(classifier_package, threads=asked)
        assert opened._session.get_session_options().intra_op_num_threads == threads


def test_torch_s_threads_are_given_back(classifier_package):
    before = torch.get_num_threads()
    open_runtime(classifier_package, runtime="torch", device="cpu", threads=before + 1)(patches(1, 16))
    assert torch.get_num_threads() == before


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"runtime": "tensorrt"}, "expected a runtime: auto, onnxruntime, torch, openvino, found 'tensorrt'"),
        ({"precision": "f16"}, "expected a precision: f32, bf16, int8, found 'f16'"),
        ({"precision": "bf16"}, "found bf16; leave the precision out, or use the runtime openvino or torch"),
        ({"runtime": "onnxruntime", "device": "cuda"}, "found 'cuda'; use the runtime torch for a GPU"),
        ({"runtime": "openvino", "device": "cuda:0"}, "expected the device auto or cpu, found 'cuda:0'"),
        ({"device": "cuda:99"}, "expected a device that is there: auto, cpu.*, found 'cuda:99'"),
        ({"runtime": "torch", "device": "tpu"}, "expected a device that is there: auto, cpu.*, found 'tpu'"),
    ],
)
def test_what_cannot_be_had(classifier_package, options, says):
    with pytest.raises(UsageError, match=says):
        open_runtime(classifier_package, **options)


@pytest.mark.parametrize(("runtime", "hidden", "extra"), [("torch", "torch", "train"), ("openvino",) * 3])
def test_an_extra_that_is_not_installed(classifier_package, monkeypatch, runtime, hidden, extra):
    monkeypatch.setitem(sys.modules, hidden, None)
    monkeypatch.delitem(sys.modules, "microcalc.models.torch_network", raising=False)
    with pytest.raises(UsageError, match=rf'install it with: pip install "microcalc\[{extra}\]"'):
        open_runtime(classifier_package, runtime=runtime)


def test_openvino_does_not_pretend_to_bf16(classifier_package):
    openvino = pytest.importorskip("openvino", reason="the extra openvino is not installed")
    if "BF16" in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
        assert open_runtime(classifier_package, runtime="openvino", precision="bf16").precision == "bf16"
        return
    with pytest.raises(UsageError, match="expected a processor that computes in bf16"):
        open_runtime(classifier_package, runtime="openvino", precision="bf16")


def test_a_damaged_network_in_8_bits_is_named_and_no_other_read(classifier_card, tmp_path):
    package = write_package(tmp_path / "package", classifier_card, {"model.int8.onnx": b"abc"})
    with pytest.raises(ReadError, match=r"can read in model\.int8\.onnx"):
        open_runtime(package, precision="int8")


@pytest.mark.parametrize("runtime", ["onnxruntime", "openvino"])
@pytest.mark.parametrize("content", [b"", b"abc"], ids=["empty", "damaged"])
def test_a_damaged_network(classifier_card, tmp_path, runtime, content):
    pytest.importorskip(runtime)
    package = write_package(tmp_path / "package", classifier_card, {"model.onnx": content})
    with pytest.raises(ReadError, match=r"can read in model\.onnx") as raised:
        open_runtime(package, runtime=runtime)
    assert raised.value.where == str(package.path)


@pytest.mark.parametrize("runtime", ["onnxruntime", "openvino"])
def test_a_network_that_is_not_the_card_s(classifier_card, classifier_package, tmp_path, runtime):
    pytest.importorskip(runtime)
    card = with_network(classifier_card, classifier_card.input.network, 32)
    package = write_package(tmp_path / "package", card, {"model.onnx": classifier_package.read("model.onnx")})
    with pytest.raises(
        ReadError, match=r"a network \(n, 1, 32, 32\) -> \(n, 1\) in .* found \(n, 1, 16, 16\) -> \(n, 1\)"
    ):
        open_runtime(package, runtime=runtime)


def test_a_package_of_weights_alone(classifier_card, classifier_package, tmp_path):
    weights = {"weights.safetensors": classifier_package.read("weights.safetensors")}
    package = write_package(tmp_path / "package", classifier_card, weights)
    with pytest.raises(UsageError, match=r"found weights\.safetensors; make it with: microcalc models export"):
        open_runtime(package, runtime="onnxruntime")
    assert open_runtime(package, device="cpu").name == "torch"
