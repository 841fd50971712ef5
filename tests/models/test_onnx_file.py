"""ONNX files: one file that says the same as torch, and nothing of the machine that wrote it."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import nn

from microcalc.errors import MicrocalcError
from microcalc.models.onnx_file import TOLERANCE, check, export
from microcalc.recipe import Network, PatchInput

NETWORK = Network(name="resnet18", start="random", channels=1)  # of which channels is all that matters here
PATCH = PatchInput(size_px=12, normalisation="none")


@pytest.fixture
def pooling():
    """3 x 3 maps pooled to 6 x 2, as AlexNet pools small patches to more than there is."""
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 4, 4, stride=4), nn.ReLU(), nn.AdaptiveAvgPool2d((6, 2)), nn.Flatten(), nn.Linear(48, 2)
    )


def test_pooling_to_more_than_there_is(pooling, tmp_path):
    export(pooling, NETWORK, PATCH, tmp_path / "model.onnx")
    assert check(tmp_path / "model.onnx", pooling) <= TOLERANCE
    patches = np.random.default_rng(0).random((7, 1, 12, 12), np.float32)
    found = onnxruntime.InferenceSession(tmp_path / "model.onnx").run(["logits"], {"patches": patches})[0]
    np.testing.assert_allclose(found, pooling(torch.from_numpy(patches)).detach().numpy(), atol=TOLERANCE)


def test_the_network_is_left_as_it_is(pooling, tmp_path):
    pooling.train()
    before = {name: tensor.clone() for name, tensor in pooling.state_dict().items()}
    layers = list(pooling)
    export(pooling, NETWORK, PATCH, tmp_path / "model.onnx")
    check(tmp_path / "model.onnx", pooling)
    assert pooling.training
    assert list(pooling) == layers
    assert all(torch.equal(tensor, before[name]) for name, tensor in pooling.state_dict().items())


def test_one_file_of_stated_operators_that_names_no_folder(pooling, tmp_path):
    export(pooling, NETWORK, PATCH, tmp_path / "model.onnx")
    assert [path.name for path in tmp_path.iterdir()] == ["model.onnx"]
    model = onnx.load(tmp_path / "model.onnx")
    onnx.checker.check_model(model, full_check=True)
    assert [(one.domain, one.version) for one in model.opset_import] == [("", 18)]
    content = (tmp_path / "model.onnx").read_bytes()
    for folder in (Path(torch.__file__).parents[1], Path(__file__).parent, Path.home()):
        assert str(folder).encode() not in content


@pytest.mark.parametrize("bias", [1.0, float("nan")])
def test_a_file_of_another_network(pooling, tmp_path, bias):
    export(pooling, NETWORK, PATCH, tmp_path / "model.onnx")
    with torch.no_grad():
        pooling[-1].bias += bias
    with pytest.raises(MicrocalcError, match=r"model\.onnx: expected outputs of the ONNX file within 0\.0001 of torch"):
        check(tmp_path / "model.onnx", pooling)


def test_rounding_is_judged_beside_the_largest_output(pooling, tmp_path):
    """Outputs of 1000 and about 0: the bound, 1e-4 of 1000, is 0.1 for both; 0.05 is within, 0.15 is not."""
    with torch.no_grad():
        pooling[-1].bias[0] += 1000
        export(pooling, NETWORK, PATCH, tmp_path / "model.onnx")
        pooling[-1].bias[1] += 0.05
        assert check(tmp_path / "model.onnx", pooling) == pytest.approx(5e-5, rel=0.02)
        pooling[-1].bias[1] += 0.1
        with pytest.raises(MicrocalcError, match="within 0\\.0001 of torch's"):
            check(tmp_path / "model.onnx", pooling)
